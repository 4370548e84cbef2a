"""Subjects to run side by side, most of them at fault in one way; as a program, two without a fault."""

import os
import signal
import sys
import time
from typing import NamedTuple

from fercli.comparison.side_by_side import run_side_by_side
from fercli.errors import UsageError


class Turn(NamedTuple):
    """When and where a subject was measured."""

    process: int
    began: float
    ended: float


class Clock:
    """Tells when it is measured, by the clock that all processes share."""

    def load(self) -> None:
        print("loading")  # noqa: T201 - it must not reach standard output
        os.write(1, b"loading, past Python\n")

    def measure(self) -> Turn:
        began = time.monotonic()
        sum(range(100_000))
        return Turn(os.getpid(), began, time.monotonic())

    def result(self) -> int:
        return os.getpid()


class OutOfMemory(Clock):
    def load(self) -> None:
        raise MemoryError("no room")


class Misused(Clock):
    def measure(self) -> Turn:
        raise UsageError("It is used wrongly.", "Use it rightly.")


class Silent(Clock):
    def result(self) -> int:
        sys.exit(0)


class Killed(Clock):
    def __init__(self, number: int = signal.SIGSEGV) -> None:
        self.number = number

    def measure(self) -> Turn:
        os.kill(os.getpid(), self.number)
        return super().measure()


if __name__ == "__main__":
    run_side_by_side({"a": Clock(), "b": Clock()}, 10**9, lambda _: None)
