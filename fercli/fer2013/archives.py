"""A .zip or .tar that holds the challenge's CSV or class folders, read where it lies.

Nothing is unpacked to disk, so a name in an archive cannot lead anywhere. How much is read is limited.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

from fercli.errors import UsageError
from fercli.fer2013.contents import read_contents
from fercli.fer2013.streams import BROKEN, unpacked
from fercli.fer2013.trees import Leaf, Tree, is_clutter
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fercli.fer2013.rows import BrokenRow, Row

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
REMEDY = "Unpack it, and give the fer2013.csv in it, or the folder that holds the class folders."

_ZIP_START = b"PK"
_MAX_KEPT = 1 << 30
"""Bytes of all pictures of a .tar. They are kept in memory, since a .tar is read in its own order only."""

_MAX_FILES = 1 << 20


def read_archive(path: Path, tell: Callable[[str], None]) -> Iterator[Row | BrokenRow]:
    """The rows of the archive's CSV or the pictures of its class folders.

    Raises:
        UsageError: the archive cannot be read; and what `read_contents` raises.
    """
    try:
        with path.open("rb") as file:
            is_zip = _is_zip(path, file)
            with (_zip_tree if is_zip else _tar_tree)(path, file) as tree:
                yield from read_contents(path, tree, lambda: tree if is_zip else _kept(tree), tell)
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{quoted(path)} cannot be read: {reason}.", REMEDY) from error


def _is_zip(path: Path, file: BinaryIO) -> bool:
    """Whether an archive is a ZIP. Its directory at the end is not enough: a tar may end in a ZIP."""
    begins_so = file.read(len(_ZIP_START)) == _ZIP_START
    is_zip = zipfile.is_zipfile(file) and (begins_so or path.suffix.lower() == ".zip")
    file.seek(0)
    return is_zip


@contextmanager
def _zip_tree(path: Path, file: BinaryIO) -> Iterator[Tree]:
    """The files and folders of a ZIP; they can be opened while this lasts."""
    tree = Tree(str(path))
    with zipfile.ZipFile(file) as packed:
        for info in packed.infolist():
            _add(tree, info.filename, info.is_dir(), partial(_open_zipped, packed, info))
        yield tree


@contextmanager
def _tar_tree(path: Path, file: BinaryIO) -> Iterator[Tree]:
    """The files and folders of a tar, without links and devices; they can be opened while this lasts."""
    tree = Tree(str(path))
    stream = unpacked(file)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            if member.isfile() or member.isdir():
                opener = partial(_open_member, archive, member)
                _add(tree, member.name, member.isdir(), opener)
        # tarfile takes anything else than a header for the end. The end is a block of zeros.
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise OSError("it is cut off, or damaged inside")
        yield tree


def _add(tree: Tree, name: str, is_folder: bool, opener: Callable[[], BinaryIO]) -> None:
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in {"", "."})
    if not parts or is_clutter(parts):
        return
    if is_folder:
        tree.add_folder(parts)
    else:
        tree.add_file(Leaf(parts, f"{quoted(tree.root)}, {quoted('/'.join(parts))}", opener))
    if len(tree.files) > _MAX_FILES:
        raise OSError(f"it holds more than {_MAX_FILES:,} files")


def _open_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    try:
        return cast("BinaryIO", archive.open(info))
    except RuntimeError as error:  # a password, or an unknown compression
        raise OSError(str(error)) from error


def _open_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    return cast("BinaryIO", archive.extractfile(member))


def _kept(tree: Tree) -> Tree:
    """The tree with its files in memory, read in their own order."""
    kept, size = Tree(tree.root, tree.folders), 0
    for leaf in tree.files:
        data = leaf.read()
        size += len(data)
        if size > _MAX_KEPT:
            raise OSError(f"its pictures have more than {_MAX_KEPT >> 30} GiB")
        kept.add_file(Leaf(leaf.parts, leaf.where, partial(io.BytesIO, data)))
    return kept
