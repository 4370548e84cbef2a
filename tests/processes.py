"""The worker processes that a process has started."""

from __future__ import annotations

import os
from pathlib import Path


def worker_processes() -> list[str]:
    """The commands of this process's children that are workers and not ended."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    numbers = [number for child in children for number in child.read_text().split()]
    commands = [Path(f"/proc/{number}/cmdline").read_text() for number in numbers]
    return [command for command in commands if "fercli.engines.worker" in command]
