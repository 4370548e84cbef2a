"""Folders of pictures, on disk or in an archive, with the same interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from fercli.fer2013.streams import BROKEN
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_CLUTTER = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
"""Files that systems leave in folders, besides hidden ones."""

MAX_PICTURE = 64 << 20
"""How many bytes a picture's file may have."""

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file in a tree.

    Attributes:
        parts: its path from the tree's root.
        where: its name in a message.
        open: opens it for reading bytes.
    """

    parts: Parts
    where: str
    open: Callable[[], BinaryIO]

    def read(self) -> bytes:
        """Its bytes; raises `OSError` if they cannot be read, or are too many for a picture."""
        try:
            with self.open() as file:
                data = file.read(MAX_PICTURE + 1)
        except OSError:
            raise
        except BROKEN as error:
            raise OSError(str(error)) from error
        if len(data) > MAX_PICTURE:
            raise OSError(f"it has more than {MAX_PICTURE >> 20} MiB")
        return data


@dataclass(frozen=True, slots=True)
class Tree:
    """Folders and files, with their paths from the root, which is `()`; hidden ones are left out.

    Attributes:
        root: its name in a message.
    """

    root: str
    folders: set[Parts] = field(default_factory=lambda: {()})
    files: list[Leaf] = field(default_factory=list)

    def add_folder(self, parts: Parts) -> None:
        """Adds a folder and the folders above it."""
        self.folders.update(parts[:count] for count in range(len(parts) + 1))

    def add_file(self, leaf: Leaf) -> None:
        """Adds a file and the folders above it."""
        self.files.append(leaf)
        self.add_folder(leaf.parts[:-1])

    def children(self, parent: Parts) -> list[str]:
        """The names of the folders in a folder, sorted."""
        depth = len(parent)
        return sorted(
            parts[-1] for parts in self.folders if len(parts) == depth + 1 and parts[:depth] == parent
        )

    def name(self, parts: Parts) -> str:
        """The name of a folder in a message."""
        return quoted("/".join((self.root, *parts)))


def is_clutter(parts: Parts) -> bool:
    """Whether a path, or a folder on its way, is hidden or left behind by a system."""
    return any(part.startswith(".") or part.casefold() in _CLUTTER for part in parts)


def tree_on_disk(root: Path) -> Tree:
    """The tree of a folder; raises `OSError` if a folder cannot be read."""
    tree = Tree(str(root))
    for path in _below(root):
        parts = path.relative_to(root).parts
        if path.is_dir():
            tree.add_folder(parts)
        else:
            tree.add_file(Leaf(parts, quoted(path), partial(_open, path)))
    return tree


def _open(path: Path) -> BinaryIO:
    """Opens a file; raises `OSError` for a pipe or a device, which might never answer."""
    if not path.is_file() and path.exists():
        raise OSError("it is not a regular file")
    return path.open("rb")


def _below(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Path]:
    """What lies in a folder, however deep. Links to folders are followed, but never in circles."""
    above |= {_identity(folder)}
    for child in folder.iterdir():
        if is_clutter((child.name,)):
            continue
        if not child.is_dir():
            yield child
        elif _identity(child) not in above:
            yield child
            yield from _below(child, above)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
