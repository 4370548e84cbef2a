"""Processes that tests start, and those that these start."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator


@contextmanager
def ended_with_the_test(
    process: subprocess.Popen[AnyStr], seconds: float
) -> Iterator[subprocess.Popen[AnyStr]]:
    """A program that is ended with the test, whatever happens, or before if it hangs for so long."""
    with process:
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def worker_processes() -> list[str]:
    """The commands of this process's children that are workers and not ended."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    numbers = [number for child in children for number in child.read_text().split()]
    commands = [Path(f"/proc/{number}/cmdline").read_text() for number in numbers]
    return [command for command in commands if "fercli.engines.worker" in command]
