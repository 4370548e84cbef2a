"""Made-up systems: the files in which Linux says what a process may use, below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 1 << 20
MEMINFO = "MemTotal:  {total} kB\nMemFree:  7 kB\nMemAvailable:  {available} kB\nSwapFree: {swap} kB\n"

UNIFIED = "29 23 0:26 {part} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
"""The line of /proc/self/mountinfo for version 2, of which the process sees the groups below `part`."""

SPLIT = (
    "25 23 0:22 / /proc rw - proc proc rw\n"
    "31 30 0:28 {part} /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 30 0:32 {part} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
)
"""The lines for version 1."""


def system(
    root: Path,
    files: Mapping[str, str],
    *,
    mounts: str = UNIFIED,
    part: str = "/",
    groups: str = "0::/\n",
    available: int = 1 << 40,
    swap: int = 0,
) -> Path:
    """A system whose process lies in `groups`, with files below /sys/fs/cgroup; memory in bytes."""
    told = {
        "proc/self/mountinfo": mounts.format(part=part),
        "proc/self/cgroup": groups,
        "proc/meminfo": MEMINFO.format(total=1 << 40, available=available >> 10, swap=swap >> 10),
        **{f"sys/fs/cgroup/{name}": content for name, content in files.items()},
    }
    for name, content in told.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root
