"""A few of the ends that `python -m tools.kill_and_resume` tries by the hundred."""

from __future__ import annotations

import resource

import pytest

from tools.kill_and_resume import FORMATS, Trials, kills, limited, writers


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return Trials(tmp_path_factory.mktemp("trials"), seed=2, photos=40)


@pytest.mark.parametrize("kind", FORMATS)
def test_killed_at_any_moment_nothing_is_lost_or_doubled(trials: Trials, kind: str) -> None:
    assert not kills(trials, kind, 1).wrong


def test_a_file_that_may_not_grow(trials: Trials) -> None:
    ended = limited(trials, "jsonl", 1, resource.RLIMIT_FSIZE, 2000, 5000)
    assert (dict(ended.ends), dict(ended.wrong)) == ({6: 1}, {})


def test_two_writers(trials: Trials) -> None:
    assert not writers(trials, "csv", 1).wrong
