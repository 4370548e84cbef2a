"""Processes that are measured: how long they take, and how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FERCLI = str(Path(sys.executable).parent / "fercli")
MEGABYTE = 1 << 20
_EVERY = 0.1  # seconds between two looks at the memory


def timed(command: Sequence[str | Path]) -> float:
    """Seconds of a whole process, which must succeed.

    Raises:
        RuntimeError: it did not; with the last that it said.
    """
    started = time.perf_counter()
    ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seconds = time.perf_counter() - started
    if ended.returncode:
        said = ended.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{command} ended with {ended.returncode}: {said}")
    return seconds


def peak(command: Sequence[str | Path]) -> int:
    """The most bytes that a process and all that it starts have at once.

    Raises:
        RuntimeError: it did not succeed.
    """
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, memory(process.pid))
            time.sleep(_EVERY)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return most


def memory(process: int) -> int:
    """Bytes of a process and all that it has started, what they share counted once (PSS)."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
        children = [
            path.read_text("ascii").split() for path in Path(f"/proc/{process}/task").glob("*/children")
        ]
    except (OSError, StopIteration):  # it has just ended
        return 0
    own = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own * 1024 + sum(memory(int(child)) for group in children for child in group)


def predict(folder: Path, *options: str, out: Path | None = None) -> list[str]:
    """The command that reads a folder of photos, its report thrown away unless it is asked for."""
    report = [os.devnull, "--format", "csv"] if out is None else [str(out)]
    return [FERCLI, "predict", str(folder), "--quiet", "--out", *report, *options]
