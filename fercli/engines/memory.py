"""How much memory this process and its workers may use, and how they share it."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fercli.control_groups import Group, groups
from fercli.devices import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTES_A_PIXEL = 12
"""What a photo takes while it is decoded and its faces are found: the picture as it is decoded and upright
(6 to 9 bytes a pixel); then, of `mtcnn`, the picture (3) and its candidates (5 to 7 at 12 megapixels)."""

_ASSUMED = 4 << 30
"""Where the system does not say how much memory it has."""


_WORKER = 400 << 20
"""Memory of a worker: 110 MB for its libraries, the rest for a photo of 20 to 25 megapixels."""


class Memory(NamedTuple):
    """Memory in bytes: `available` without taking it from other programs, and `swap` beside it."""

    available: int
    swap: int = 0


def usable_memory(root: Path = Path("/")) -> Memory:
    """What the system has available, or a container's limit leaves where that is less.

    Args:
        root: what the paths of the system are below; another than / in tests.
    """
    system = _system(root)
    left = [room for group in groups("memory", root) if (room := _left(group)) is not None]
    if left and min(left) < system.available:
        return Memory(max(0, min(left)))  # its swap is limited too, if it has any
    return system


def usable_workers(root: Path = Path("/")) -> int:
    """As many workers as there are cores, or as memory has room for where that is less; at least one."""
    return max(1, min(usable_cores(root), usable_memory(root).available // _WORKER))


def _system(root: Path) -> Memory:
    try:
        lines = (root / "proc/meminfo").read_text("ascii", "replace").splitlines()
        fields = (line.partition(":") for line in lines)
        kilobytes = {name: int(value.split()[0]) for name, _, value in fields}
        return Memory(kilobytes["MemAvailable"] << 10, kilobytes.get("SwapFree", 0) << 10)
    except (OSError, ValueError, KeyError, IndexError):  # no Linux
        pass
    with suppress(AttributeError, ValueError, OSError):  # no Windows
        return Memory(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    return Memory(_ASSUMED)


def _left(group: Group) -> int | None:
    """What a group's limit leaves, its cache of files not counted as used; None without a limit."""
    if group.unified:
        limits = [group.number("memory.max"), group.number("memory.high")]
        used, cache = group.number("memory.current"), "inactive_file"
    else:
        limits = [group.number("memory.limit_in_bytes")]
        used, cache = group.number("memory.usage_in_bytes"), "total_inactive_file"
    known = [limit for limit in limits if limit is not None]
    if not known:
        return None
    figures = dict(line.split(" ", 1) for line in group.text("memory.stat").splitlines() if " " in line)
    return min(known) - (used or 0) + int(figures.get(cache, 0))


def room_in_process() -> int | None:
    """Bytes that this process may still ask for under its own limit (`ulimit -v`); None without one."""
    try:
        import resource  # Windows has none

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        return max(0, limit - pages * resource.getpagesize())
    except (ImportError, OSError):
        return None


def resident(process: int) -> int | None:
    """Bytes that a process has in memory; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # it has ended, or this is no Linux
        return None


class Budget:
    """Something of which there is a limited amount, held for a while by one or more at a time."""

    def __init__(self, capacity: int) -> None:
        self._capacity = max(1, capacity)
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def held(self, amount: int) -> Iterator[None]:
        """Waits until the amount is free, and holds it meanwhile.

        Who asks for more than there is gets it when nobody else holds any. Small amounts pass large ones
        that wait, which is not for ever: a run begins only so many photos before it has finished the first.
        """
        amount = min(amount, self._capacity)
        with self._changed:
            self._changed.wait_for(lambda: self._held + amount <= self._capacity)
            self._held += amount
        try:
            yield
        finally:
            with self._changed:
                self._held -= amount
                self._changed.notify_all()
