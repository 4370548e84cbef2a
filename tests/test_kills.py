"""A few of the ends that `python -m tools.kill_and_resume` tries by the hundred, all at once."""

from __future__ import annotations

import resource
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tools.kill_and_resume import FORMATS, Count, Trials, kills, limited, writers

Ended = dict[str, Future[Count]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    trials = Trials(tmp_path_factory.mktemp("trials"), seed=2, photos=40)
    with ThreadPoolExecutor() as pool:
        killed = {kind: pool.submit(kills, trials, kind, 1) for kind in FORMATS}
        file = pool.submit(limited, trials, "jsonl", 1, resource.RLIMIT_FSIZE, 2000, 5000)
        return killed | {"file": file, "two": pool.submit(writers, trials, "csv", 1)}


@pytest.mark.parametrize("kind", FORMATS)
def test_killed_at_any_moment_nothing_is_lost_or_doubled(ended: Ended, kind: str) -> None:
    killed = ended[kind].result()
    assert (killed.trials, dict(killed.wrong)) == (1, {})


def test_a_file_that_may_not_grow(ended: Ended) -> None:
    limits = ended["file"].result()
    assert (dict(limits.ends), dict(limits.wrong)) == ({6: 1}, {})


def test_two_writers(ended: Ended) -> None:
    assert not ended["two"].result().wrong
