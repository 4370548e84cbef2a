"""The files under a folder, in the order of their names, however deep."""

# Paths stay as the user wrote them, and may be bytes in disguise; pathlib would rewrite `./photos`.
# ruff: noqa: PTH112, PTH116, PTH118

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Choice = Callable[[str], bool]
"""Says whether a path is wanted: relative to the folder that is walked, with `/` on every system."""


class Entry(NamedTuple):
    """What lies in a folder."""

    name: str
    is_folder: bool


class Tree(Protocol):
    """Folders in folders, on this computer or elsewhere, by paths of its own."""

    def is_folder(self, path: str) -> bool:
        """Whether what lies in it is meant, and not the path itself."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is something of this very name."""
        ...

    def identity(self, folder: str) -> Hashable:
        """What a folder has in common with itself under another path; raises an OSError."""
        ...

    def entries(self, folder: str) -> Iterator[Entry]:
        """What lies in a folder, in the order of names; raises an OSError, before the first or later."""
        ...

    def join(self, folder: str, entry: Entry) -> str:
        """The path of what lies in a folder."""
        ...

    def unlisted(self, folder: str) -> str:
        """The path that stands for a folder which cannot be listed; `read_photo` says why."""
        ...

    def shown(self, path: str) -> str:
        """The path as it is given to `read_photo`, and to the user."""
        ...


class LocalTree:
    """The folders of this computer."""

    def is_folder(self, path: str) -> bool:
        """Whether it is one, or a link to one."""
        return os.path.isdir(path)

    def exists(self, path: str) -> bool:
        """Whether there is something of this name, even a broken link."""
        return os.path.lexists(path)

    def identity(self, folder: str) -> Hashable:
        """Its device and its number there."""
        status = os.stat(folder or os.curdir)
        return status.st_dev, status.st_ino

    def entries(self, folder: str) -> Iterator[Entry]:
        """What lies in it, by name."""
        with os.scandir(folder or os.curdir) as found:
            entries = sorted(found, key=_name)
        return (Entry(entry.name, _is_folder(entry)) for entry in entries)

    def join(self, folder: str, entry: Entry) -> str:
        """As the system joins them."""
        return os.path.join(folder, entry.name)

    def unlisted(self, folder: str) -> str:
        """The folder itself."""
        return folder

    def shown(self, path: str) -> str:
        """The path as it is."""
        return path


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down, its path relative to the first one, and what is left of its entries."""

    path: str
    relative: str
    identity: Hashable
    entries: Iterator[Entry]


def walk(tree: Tree, top: str, entered: Choice, taken: Choice) -> Iterator[str]:
    """The paths of the files under a folder, by name; a folder that cannot be listed stands for itself.

    One that can be listed in part stands for itself after that part. Links to folders are followed, but
    never in circles. A stack and not recursion: a tree may be deeper than Python's calls.

    Args:
        tree: what the folder lies in.
        top: the folder; empty for the current one.
        entered: whether a folder's content is looked at.
        taken: whether a file is yielded.
    """
    stack: list[_Folder] = []
    above: set[Hashable] = set()

    def enter(path: str, relative: str) -> Iterator[str]:
        try:
            identity = tree.identity(path)
            if identity in above:
                return
            entries = tree.entries(path)
        except OSError:
            yield tree.unlisted(path)
            return
        above.add(identity)
        stack.append(_Folder(path, relative, identity, entries))

    yield from enter(top, "")
    while stack:
        folder = stack[-1]
        try:
            entry = next(folder.entries, None)
        except OSError:
            yield tree.unlisted(folder.path)
            entry = None
        if entry is None:
            above.remove(stack.pop().identity)
            continue
        path = tree.join(folder.path, entry)
        relative = f"{folder.relative}/{entry.name}" if folder.relative else entry.name
        if entry.is_folder:
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
