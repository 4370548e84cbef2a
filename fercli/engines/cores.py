"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """The cores that the affinity leaves, or a container's quota (cgroup 2) where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota() or cores))


def _quota() -> int | None:
    """The container's CPU time in whole cores, a begun one counted; None without a limit."""
    try:
        quota, period = _CGROUP_LIMIT.read_text("ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):  # no cgroup 2, or `max`
        return None
