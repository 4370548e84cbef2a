import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from fercli.comparison.side_by_side import run_side_by_side
from tests.comparison.subjects import Clock, Killed, Misused, OutOfMemory, Silent


def test_each_has_a_process_of_its_own_and_they_take_turns(capfd: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    outcomes = run_side_by_side({"a": Clock(), "b": Clock()}, 3, told.append)
    a, b = outcomes["a"], outcomes["b"]
    assert [turn.process for turn in a.rounds] == [a.result] * 3
    assert [turn.process for turn in b.rounds] == [b.result] * 3
    assert len({a.result, b.result, os.getpid()}) == 3
    turns = [turn for round_ in zip(a.rounds, b.rounds, strict=True) for turn in round_]
    assert all(earlier.ended < later.began for earlier, later in pairwise(turns))
    assert told == ["a", "b"] * 5
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "loading, past Python" in shown.err


def test_whoever_fails_says_why_and_the_others_go_on() -> None:
    outcomes = run_side_by_side(
        {
            "before": Clock(),
            "load": OutOfMemory(),
            "measure": Misused(),
            "exit": Silent(),
            "killed": Killed(),
            "without a name": Killed(signal.SIGRTMIN + 1),
            "after": Clock(),
        },
        2,
        lambda _: None,
    )
    assert {name: outcome.reason for name, outcome in outcomes.items()} == {
        "before": "",
        "load": "It fails: MemoryError: no room.",
        "measure": "It is used wrongly. Use it rightly.",
        "exit": "It fails: its process ended with 0.",
        "killed": "It fails: its process was ended by SIGSEGV.",
        "without a name": f"It fails: its process was ended by signal {signal.SIGRTMIN + 1}.",
        "after": "",
    }
    assert [name for name, outcome in outcomes.items() if outcome.result] == ["before", "after"]
    assert [len(outcomes[name].rounds) for name in ("before", "after", "exit", "load")] == [2, 2, 2, 0]


def test_no_process_outlives_one_that_is_killed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.comparison.subjects"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    while process.stderr.readline() != b"loading, past Python\n":
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    # The pipe ends when the last process that holds it has ended.
    process.communicate(timeout=60)
