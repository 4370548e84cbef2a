"""The files under a folder, in the order of their names, however deep."""

# Paths stay as the user wrote them, and may be bytes in disguise; pathlib would rewrite `./photos`.
# ruff: noqa: PTH116, PTH118

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Choice = Callable[[str], bool]
"""Says whether a path is wanted: relative to the folder that is walked, with `/` on every system."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down, its path relative to the first one, and what is left of its entries."""

    path: str
    relative: str
    identity: tuple[int, int]
    entries: Iterator[os.DirEntry[str]]


def walk(top: str, entered: Choice, taken: Choice) -> Iterator[str]:
    """The paths of the files under a folder, by name; a folder that cannot be listed stands for itself.

    Links to folders are followed, but never in circles. A stack and not recursion: a tree may be deeper
    than Python's calls.

    Args:
        top: the folder; empty for the current one.
        entered: whether a folder's content is looked at.
        taken: whether a file is yielded.
    """
    stack: list[_Folder] = []
    above: set[tuple[int, int]] = set()

    def enter(path: str, relative: str) -> Iterator[str]:
        try:
            status = os.stat(path or os.curdir)
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                return
            with os.scandir(path or os.curdir) as found:
                entries = sorted(found, key=_name)
        except OSError:
            yield path
            return
        above.add(identity)
        stack.append(_Folder(path, relative, identity, iter(entries)))

    yield from enter(top, "")
    while stack:
        folder = stack[-1]
        entry = next(folder.entries, None)
        if entry is None:
            above.remove(stack.pop().identity)
            continue
        path = os.path.join(folder.path, entry.name)
        relative = f"{folder.relative}/{entry.name}" if folder.relative else entry.name
        if _is_folder(entry):
            if entered(relative):
                yield from enter(path, relative)
        elif taken(relative):
            yield path


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
