"""Where a network may run: the names of devices, the CUDA devices there are, and the cores to use."""

from __future__ import annotations

import ctypes
import os
import re
from functools import cache
from pathlib import Path

from fercli.control_groups import Group, groups
from fercli.errors import DeviceError
from fercli.wording import quoted

AUTO = "auto"
"""The name that asks for the best there is, of a device or a backend."""

CPU = "cpu"
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")


def places(device: str) -> list[str]:
    """What to try for a `--device`, the best first, each `cpu` or `cuda:N`.

    Raises:
        DeviceError: there is no device of that name.
    """
    if device == AUTO:
        return ["cuda:0", CPU] if cuda_devices() else [CPU]
    if device == CPU:
        return [CPU]
    found = re.fullmatch(r"cuda(?::(\d+))?", device, re.ASCII)
    if found is None:
        raise DeviceError(f"There is no device {quoted(device)}.", "Choose auto, cpu, cuda or cuda:N.")
    return [f"cuda:{int(found[1] or 0)}"]


def cuda_number(device: str) -> int | None:
    """The N of `cuda:N`; None for the CPU."""
    return None if device == CPU else int(device.partition(":")[2])


@cache
def cuda_devices() -> int:
    """How many CUDA devices NVIDIA's driver shows this process; 0 where there is no driver.

    The driver itself is asked, since frameworks take seconds to import.
    """
    for name in _DRIVERS:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int()
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


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
