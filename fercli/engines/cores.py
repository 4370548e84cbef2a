"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

from fercli.engines.groups import Group, groups


def usable_cores(root: Path = Path("/")) -> int:
    """The cores that the affinity leaves, or the quota of a container where that is less.

    Args:
        root: what the paths of the system are below; another than / in tests.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for group in groups("cpu", root) if (quota := _quota(group)) is not None]
    return max(1, min([cores, *quotas]))


def _quota(group: Group) -> int | None:
    """The CPU time of a group in whole cores, a begun one counted; None without a limit."""
    if group.unified:
        quota, period = [*group.text("cpu.max").split(), "", ""][:2]
    else:
        quota, period = group.text("cpu.cfs_quota_us"), group.text("cpu.cfs_period_us")
    try:
        cores = -(-int(quota) // int(period))
    except (ValueError, ZeroDivisionError):  # no such file, or `max`
        return None
    return cores if cores > 0 else None  # version 1 writes -1 for no limit
