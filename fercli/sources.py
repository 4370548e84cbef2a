"""Where photos come from: files, folders, patterns and a list on standard input.

A path is a string as `os.fsdecode` makes it, so that a name which is not UTF-8 still opens the file it
came from; `printable_path` gives the form for a report. Nothing that was named is lost: a path that does
not exist, a dangling link or a folder that cannot be listed is passed on like a photo, and `read_photo`
says what is wrong with it.
"""
# Paths stay strings: a Path drops the `./` that the user typed, and costs several times as much a file.
# ruff: noqa: PTH112, PTH114, PTH115, PTH116, PTH118, PTH119, PTH122, PTH123

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
import sys
from enum import Enum, auto
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, cast

from fercli.errors import PhotoError, PhotoErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedIOBase

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
"""What a photo's name ends in, inside a folder; in any case of its letters."""

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".avif"})
"""The same, where the extra `heic` is installed."""

MAX_BYTES = 1 << 30
"""A larger file is refused unread."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def find_photos(
    paths: Iterable[str],
    *,
    recursive: bool = True,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    null_separated: bool = False,
    stdin: BufferedIOBase | None = None,
) -> Iterator[str]:
    """The photos that `paths` name, in the order given, each as soon as it is found.

    A file is taken whatever its name. A folder gives the photos inside it in the order of their paths,
    known by their suffix, hidden ones left out; links to folders are followed, but never in circles. What
    does not exist and holds `*`, `?` or `[` is a pattern, with `**` for any number of folders; its matches
    are taken as if each had been given, level by level in the order of their names. `-` stands for a list
    on standard input, one path a line.

    Args:
        paths: Files, folders, patterns or `-`.
        recursive: Whether to go into the folders inside a folder.
        include: Only photos whose name, or path inside the folder given, matches one of these patterns;
            the case of letters is ignored.
        exclude: No photos, and nothing inside folders, whose name or path matches one of these patterns.
        null_separated: Whether the list on standard input is separated by NUL instead of newlines.
        stdin: The list, where it is not the process's standard input.
    """
    wanted = _Wanted(_compiled(include), _compiled(exclude), _suffixes(), recursive)
    for path in paths:
        if path == "-":
            for listed in _listed(stdin, null_separated=null_separated):
                yield from _given(listed, wanted)
        elif glob.has_magic(path) and not os.path.lexists(path) and not _URL.match(path):
            for match in _matches(path):
                yield from _given(match, wanted)
        else:
            yield from _given(path, wanted)


def read_photo(path: str) -> bytes:
    """The bytes of the file at `path`.

    Raises:
        PhotoError: there is no such file, it is a folder, a pipe or a device, it is empty, larger than
            MAX_BYTES, or cannot be read. A pipe is never waited for.
    """
    if "\0" in path:
        sentence = "a name cannot hold a NUL character; a list that is separated by NUL needs -0"
        raise PhotoError(PhotoErrorKind.MISSING, sentence)
    try:
        data = _read(path)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(path) from None
    except OSError as error:
        raise PhotoError(PhotoErrorKind.UNREADABLE, error.strerror or str(error)) from None
    if not data:
        raise PhotoError(PhotoErrorKind.EMPTY, "the file is empty")
    return data


def printable_path(path: str) -> str:
    r"""`path` as valid UTF-8, for a report: each byte of it that is not becomes `\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class _Wanted(NamedTuple):
    """What to take; a path is matched as it is relative to the folder given, and by its name."""

    include: tuple[re.Pattern[str], ...]
    exclude: tuple[re.Pattern[str], ...]
    suffixes: frozenset[str]
    recursive: bool

    def includes(self, path: str) -> bool:
        return not self.excludes(path) and (not self.include or _any_matches(self.include, path))

    def excludes(self, path: str) -> bool:
        return _any_matches(self.exclude, path)


def _compiled(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(fnmatch.translate(pattern), re.IGNORECASE) for pattern in patterns)


def _any_matches(patterns: tuple[re.Pattern[str], ...], path: str) -> bool:
    return any(pattern.match(path) or pattern.match(os.path.basename(path)) for pattern in patterns)


def _suffixes() -> frozenset[str]:
    return SUFFIXES | HEIF_SUFFIXES if find_spec("pillow_heif") else SUFFIXES


def _given(path: str, wanted: _Wanted) -> Iterator[str]:
    """The photos that one path stands for: itself, or those inside it."""
    if not os.path.isdir(path):
        if wanted.includes(path):
            yield path
        return
    start = len(os.path.join(path, ""))
    for entry, kind in _tree(path, lambda folder: wanted.recursive and not wanted.excludes(folder[start:])):
        is_photo = os.path.splitext(entry)[1].lower() in wanted.suffixes and wanted.includes(entry[start:])
        if kind is _Kind.UNLISTABLE or (kind is _Kind.FILE and is_photo):
            yield entry


class _Kind(Enum):
    FILE = auto()
    FOLDER = auto()
    UNLISTABLE = auto()


def _tree(folder: str, descend: Callable[[str], bool]) -> Iterator[tuple[str, _Kind]]:
    """Everything below `folder` that is not hidden, in the order of paths.

    A folder comes before what it holds. `descend` says whether to go into it. One that cannot be listed,
    `folder` itself included, is passed on as such.
    """
    # A stack of our own: a tree can be deeper than Python's. Each level knows its folder, so that a link
    # back to one that we are inside is not followed.
    levels: list[tuple[Iterator[tuple[str, _Kind]], tuple[int, int]]] = []

    def enter(path: str) -> Iterator[tuple[str, _Kind]]:
        try:
            status = os.stat(path or ".")
            identity = (status.st_dev, status.st_ino)
            if all(identity != outer for _, outer in levels):
                levels.append((iter(_listing(path)), identity))
        except OSError:
            yield path, _Kind.UNLISTABLE

    yield from enter(folder)
    while levels:
        path, kind = next(levels[-1][0], ("", None))
        if kind is None:
            levels.pop()
            continue
        yield path, kind
        if kind is _Kind.FOLDER and descend(path):
            yield from enter(path)


def _listing(folder: str) -> list[tuple[str, _Kind]]:
    with os.scandir(folder or ".") as entries:
        seen = [(entry.name, _kind(entry)) for entry in entries if not entry.name.startswith(".")]
    # With its slash a folder takes its place among the paths: `a-b.jpg` comes before `a/b.jpg`.
    seen.sort(key=lambda item: item[0] + "/" if item[1] is _Kind.FOLDER else item[0])
    return [(os.path.join(folder, name), kind) for name, kind in seen]


def _kind(entry: os.DirEntry[str]) -> _Kind:
    try:
        return _Kind.FOLDER if entry.is_dir() else _Kind.FILE
    except OSError:  # a link to itself
        return _Kind.FILE


def _matches(pattern: str) -> Iterator[str]:
    # Not `glob.iglob`: its order is the file system's, and it follows links in circles.
    parts = pattern.split("/")
    return _expanded("/", parts[1:]) if pattern.startswith("/") else _expanded("", parts)


def _expanded(base: str, parts: list[str]) -> Iterator[str]:
    """The paths inside `base` that match `parts`, a pattern split at its slashes."""
    if not parts or parts == ["**"]:
        if os.path.lexists(base or "."):
            yield base or "."
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _expanded(base, rest)
        for path, kind in _tree(base, lambda _: True):
            if kind is _Kind.FOLDER:
                yield from _expanded(path, rest)
            elif kind is _Kind.UNLISTABLE:
                yield path
    elif glob.has_magic(part):
        for path, _ in _tree(base, lambda _: False) if os.path.isdir(base or ".") else ():
            if fnmatch.fnmatchcase(os.path.basename(path), part):
                yield from _expanded(path, rest)
    else:
        yield from _expanded(os.path.join(base, part), rest)


def _listed(stdin: BufferedIOBase | None, *, null_separated: bool) -> Iterator[str]:
    """The paths on standard input, each as soon as what separates it from the next has arrived."""
    if stdin is None and sys.stdin is None:  # closed by whoever started the process
        return
    stream = stdin or cast("BufferedIOBase", sys.stdin.buffer)
    names = _split_at_null(stream) if null_separated else (line.rstrip(b"\r\n") for line in stream)
    for name in names:
        if name:
            yield os.fsdecode(name)


def _split_at_null(stream: BufferedIOBase) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read1(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


def _read(path: str) -> bytes:
    if _URL.match(path) and not os.path.lexists(path):
        sentence = "remote photos are not supported in this version"
        raise PhotoError(PhotoErrorKind.UNSUPPORTED, sentence)
    # Looked at before it is opened, as opening alone can act on a device; and opened without waiting, in
    # case a pipe has taken the file's place since.
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        os.scandir(path).close()  # says why where it cannot be listed
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError(PhotoErrorKind.NOT_A_FILE, f"it is a {_file_type(status.st_mode)}, not a file")
    if status.st_size > MAX_BYTES:
        sentence = f"the file is larger than {MAX_BYTES >> 20} MiB"
        raise PhotoError(PhotoErrorKind.TOO_LARGE, sentence)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        return file.read()


def _file_type(mode: int) -> str:
    names = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return names.get(stat.S_IFMT(mode), "device")


def _missing(path: str) -> PhotoError:
    if os.path.islink(path):
        target = printable_path(os.readlink(path))
        return PhotoError(PhotoErrorKind.MISSING, f"it is a link to {target}, which does not exist")
    return PhotoError(PhotoErrorKind.MISSING, "there is no such file")
