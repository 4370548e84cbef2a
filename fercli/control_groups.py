"""The control groups that a process lies in, which is how a container's limits are set (Linux).

Version 2 has one tree of groups, version 1 one for each kind of limit, and a system may have both. What
/proc/self/cgroup calls a group is seen from the root of its tree, of which a container may see a part only:
/proc/self/mountinfo says which part lies where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Group(NamedTuple):
    """A group's folder, and whether it is one of version 2."""

    folder: Path
    unified: bool

    def number(self, file: str) -> int | None:
        """The number in one of its files; None where there is no such file, or no number, as in `max`."""
        try:
            return int((self.folder / file).read_text("ascii"))
        except (OSError, ValueError):
            return None

    def text(self, file: str) -> str:
        """What one of its files says; empty where there is none."""
        try:
            return (self.folder / file).read_text("ascii")
        except (OSError, ValueError):
            return ""


def groups(controller: str, root: Path) -> Iterator[Group]:
    """The group that limits this process and all groups around it: each of their limits holds.

    Args:
        controller: the kind of limit, `cpu` or `memory`.
        root: what the paths of the system are below; another than / in tests.
    """
    mounts = list(_mounts(root))
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        unified = not controllers
        if not unified and controller not in controllers.split(","):
            continue
        for mount in mounts:
            if mount.unified == unified and (unified or controller in mount.controllers):
                yield from _upwards(root, mount, path, unified)


class _Mount(NamedTuple):
    """Where a tree of groups, or the part below one of its groups, is to be seen."""

    part: str
    point: str
    unified: bool
    controllers: list[str]


def _mounts(root: Path) -> Iterator[_Mount]:
    for line in _lines(root / "proc/self/mountinfo"):
        place, _, system = line.partition(" - ")
        fields, kind = place.split(" "), system.split(" ")
        if kind[0] in ("cgroup", "cgroup2"):
            yield _Mount(fields[3], fields[4], kind[0] == "cgroup2", kind[-1].split(","))


def _upwards(root: Path, mount: _Mount, path: str, unified: bool) -> Iterator[Group]:
    top = root / mount.point.lstrip("/")
    part = mount.part.rstrip("/")
    inside = path[len(part) :] if path == part or path.startswith(f"{part}/") else ""
    # A group outside of what the container sees is written with `..`: only what is seen can be read.
    folder = top.joinpath(*(name for name in inside.split("/") if name not in ("", "..")))
    while True:
        yield Group(folder, unified)
        if folder == top:
            return
        folder = folder.parent


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:  # no Linux
        return []
