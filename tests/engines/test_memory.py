from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.devices import usable_cores
from fercli.engines.memory import Budget, Memory, usable_memory, usable_workers
from tests.engines.systems import MIB, SPLIT, system

_LONG = 60
"""Seconds after which a wait has failed; no test that passes waits for it."""

NONE = 0x7FFFFFFFFFFFF000
"""What version 1 writes for no limit."""


def test_here_there_is_some() -> None:
    assert usable_memory().available > 1 << 26


def test_a_system_that_says_nothing_is_taken_for_a_usual_one(tmp_path: Path) -> None:
    assert usable_memory(tmp_path).available > 1 << 26


def test_without_a_container_it_is_what_the_system_has_available(tmp_path: Path) -> None:
    root = system(tmp_path, {}, available=700 * MIB, swap=300 * MIB)
    assert usable_memory(root) == Memory(700 * MIB, 300 * MIB)


@pytest.mark.parametrize(
    ("files", "left"),
    [
        pytest.param({"memory.max": "max\n", "memory.current": "5\n"}, 700 * MIB, id="no limit"),
        pytest.param(
            {"memory.max": f"{512 * MIB}\n", "memory.current": f"{112 * MIB}\n"}, 400 * MIB, id="limit"
        ),
        pytest.param(
            {
                "memory.max": f"{512 * MIB}\n",
                "memory.current": f"{212 * MIB}\n",
                "memory.stat": f"anon 7\nfile {150 * MIB}\ninactive_file {100 * MIB}\n",
            },
            400 * MIB,
            id="cached files make room",
        ),
        pytest.param(
            {"memory.max": f"{512 * MIB}\n", "memory.high": f"{256 * MIB}\n", "memory.current": "0\n"},
            256 * MIB,
            id="slowed down before",
        ),
        pytest.param({"memory.max": f"{2 << 40}\n", "memory.current": "0\n"}, 700 * MIB, id="wide"),
        pytest.param({"memory.max": "10\n", "memory.current": "20\n"}, 0, id="used up"),
        pytest.param(
            {"a/memory.max": f"{100 * MIB}\n", "a/memory.current": "0\n", "a/b/memory.max": "max\n"},
            100 * MIB,
            id="of the group around it",
        ),
    ],
)
def test_a_containers_limit_counts(tmp_path: Path, files: dict[str, str], left: int) -> None:
    root = system(tmp_path, files, groups="0::/a/b\n", available=700 * MIB, swap=MIB)
    assert usable_memory(root).available == left


@pytest.mark.parametrize(("limit", "left"), [(NONE, 700 * MIB), (512 * MIB, 422 * MIB)])
@pytest.mark.parametrize("part", ["/", "/docker/1f"])
def test_a_containers_limit_of_version_1_counts(tmp_path: Path, limit: int, left: int, part: str) -> None:
    folder = "memory/docker/1f" if part == "/" else "memory"
    files = {
        f"{folder}/memory.limit_in_bytes": f"{limit}\n",
        f"{folder}/memory.usage_in_bytes": f"{100 * MIB}\n",
        f"{folder}/memory.stat": f"cache 5\ntotal_inactive_file {10 * MIB}\n",
        "memory/other/memory.limit_in_bytes": "5\n",
    }
    groups = "9:name=systemd:/\n4:memory:/docker/1f\n0::/\n"
    root = system(tmp_path, files, mounts=SPLIT, part=part, groups=groups, available=700 * MIB)
    assert usable_memory(root).available == left


@pytest.mark.parametrize(
    ("available", "workers"), [(0, 1), (500 * MIB, 1), (1000 * MIB, 2), (1 << 40, 2621)]
)
def test_little_memory_has_room_for_few_workers(tmp_path: Path, available: int, workers: int) -> None:
    root = system(tmp_path, {}, available=available)
    assert usable_workers(root) == min(workers, usable_cores(root))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 150), min_size=1, max_size=40), st.integers(1, 100))
def test_a_budget_is_kept_or_one_has_it_alone_and_all_have_their_turn(
    amounts: list[int], capacity: int
) -> None:
    budget, lock = Budget(capacity), threading.Lock()
    under_way: list[int] = []
    broken: list[list[int]] = []

    def work(mine: list[int]) -> None:
        for amount in mine:
            with budget.held(amount):
                with lock:
                    under_way.append(amount)
                    if sum(under_way) > capacity and len([a for a in under_way if a]) > 1:
                        broken.append(list(under_way))
                with lock:
                    under_way.remove(amount)

    threads = [
        threading.Thread(target=work, args=(amounts[number::4],), daemon=True) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONG)
        assert not thread.is_alive()
    assert not broken


def test_a_small_amount_passes_a_large_one_that_waits() -> None:
    budget = Budget(10)
    large = threading.Thread(target=lambda: budget.held(10).__enter__(), daemon=True)
    with budget.held(5):
        large.start()
        with budget.held(5):
            assert large.is_alive()
    large.join(_LONG)
    assert not large.is_alive()


def test_what_is_held_is_given_back_where_its_holder_fails() -> None:
    budget = Budget(10)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.held(10):
            raise ZeroDivisionError
    with budget.held(10):
        pass
