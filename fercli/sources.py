"""Where photos come from: files, folders, patterns and lists on standard input."""

# Paths stay as the user wrote them, and may be bytes in disguise; pathlib would rewrite `./photos`.
# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH123

from __future__ import annotations

import fnmatch
import importlib.util
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from fercli.errors import PhotoError, PhotoErrorKind

STANDARD_INPUT = "-"
"""The argument that stands for a list of paths on standard input."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")
_HEIF_SUFFIXES = (".heic", ".heif", ".avif")
_PATTERN_CHARACTER = re.compile(r"[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_CHUNK = 1 << 16
_MAX_BYTES = 1 << 30
# Where a FIFO takes a file's place between the look and the opening, opening it must not wait.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

Matcher = Callable[[str], bool]
"""Says whether a path, relative to the folder that is walked, is wanted."""


def find_photos(
    paths: Iterable[str],
    *,
    recursive: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    null_separated: bool = False,
    stdin: BinaryIO | None = None,
) -> Iterator[str]:
    r"""The paths of all photos meant by `paths`, in the order given, inside a folder by name.

    A folder gives the pictures in it, known by their suffix; hidden files and folders are left out, and
    links to folders are followed, but never in circles. A pattern such as `photos/**/*.jpg` gives the
    pictures it matches and those in folders it matches; a path that exists is never taken for a pattern.
    Anything else is yielded as it is, whatever its name and whether it exists or not, so that it gets a
    row; so are a URL and a folder that cannot be listed. `read_photo` says what is wrong with it.

    Args:
        paths: files, folders, patterns, or `-` for a list on standard input, whose entries are files and
            folders, never patterns.
        recursive: whether folders inside folders are entered.
        include: `*.jpg`-like patterns; what is found in a folder or by a pattern must match one of them
            by its name or its path relative to the folder, in any case of letters.
        exclude: the same, for files and whole folders to leave out, whether included or not.
        null_separated: whether the list on standard input is separated by NUL rather than newline.
        stdin: read in place of standard input; each path is yielded as soon as it arrives.

    Yields:
        Paths as the user gave them, a folder joined with the relative part; bytes that are not UTF-8 are
        surrogate escapes, as `os.fsdecode` gives them.
    """
    wanted = _wanted(include, exclude)
    unwanted = _any_of(exclude)
    for path in paths:
        if path == STANDARD_INPUT:
            source = sys.stdin.buffer if stdin is None else stdin
            for entry in _listed(source, null_separated):
                yield from _expand(os.fsdecode(entry), recursive, wanted, unwanted)
        elif _PATTERN_CHARACTER.search(path) and not _URL.match(path) and not os.path.lexists(path):
            yield from _match(path, recursive, wanted, unwanted)
        else:
            yield from _expand(path, recursive, wanted, unwanted)


def read_photo(path: str) -> bytes:
    """The bytes of a photo's file; never waits for a FIFO or a device.

    Raises:
        PhotoError: `missing`, `not-a-file`, `unreadable`, `empty`, `too-large` (above 1 GiB) or, for a
            URL, `unsupported`.
    """
    if _URL.match(path):
        raise PhotoError(PhotoErrorKind.UNSUPPORTED, "URLs are not read; download the picture first.")
    try:
        _check_file(os.stat(path), path)
        with open(os.open(path, _OPEN_FLAGS), "rb") as file:
            _check_file(os.fstat(file.fileno()), path)
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise PhotoError(PhotoErrorKind.MISSING, _why_missing(path)) from None
    except PermissionError:
        raise PhotoError(PhotoErrorKind.UNREADABLE, "There is no permission to read it.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PhotoError(PhotoErrorKind.UNREADABLE, f"It cannot be read: {reason}.") from None
    except ValueError:
        raise PhotoError(PhotoErrorKind.UNREADABLE, "No file can have such a name.") from None
    if not data:
        raise PhotoError(PhotoErrorKind.EMPTY, "The file is empty.")
    return data


def printable_path(path: str) -> str:
    r"""The path as valid UTF-8: each byte of it that is not becomes `\xNN`."""
    shown = _ESCAPED_BYTE.sub(lambda escaped: f"\\x{ord(escaped[0]) - 0xDC00:02x}", path)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def _listed(stream: BinaryIO, null_separated: bool) -> Iterator[bytes]:
    """The paths on standard input; a list with Windows' line ends names the same files."""
    if null_separated:
        yield from _split(stream, b"\0")
    else:
        yield from filter(None, (line.removesuffix(b"\r") for line in _split(stream, b"\n")))


def _split(stream: BinaryIO, separator: bytes) -> Iterator[bytes]:
    """The entries of a list, each as soon as its separator arrives; empty ones are left out."""
    # read1 returns what has arrived; read would wait until its buffer is full.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    rest = b""
    while chunk := read(_CHUNK):
        *entries, rest = (rest + chunk).split(separator)
        yield from filter(None, entries)
    if rest:
        yield rest


def _expand(path: str, recursive: bool, wanted: Matcher, unwanted: Matcher) -> Iterator[str]:
    if _URL.match(path) or not os.path.isdir(path):
        yield path
        return
    yield from _walk(path, wanted, lambda folder: recursive and not unwanted(folder))


def _match(pattern: str, recursive: bool, wanted: Matcher, unwanted: Matcher) -> Iterator[str]:
    """The pictures that a pattern matches and those inside folders that it matches."""
    start = re.match(r"(?:[^*?\[]*/)?", pattern)
    folder = start[0] if start else ""
    parts = tuple(part for part in pattern[len(folder) :].split("/") if part)
    if not os.path.isdir(folder or os.curdir):
        return
    yield from _walk(
        folder,
        lambda path: wanted(path) and _hits(path.split("/"), parts, recursive),
        lambda path: not unwanted(path) and _leads(path.split("/"), parts, recursive),
    )


def _hits(path: Sequence[str], pattern: Sequence[str], recursive: bool) -> bool:
    """Whether the pattern matches the path or a folder it lies in (not recursive: directly)."""
    if not pattern:
        return recursive or len(path) <= 1
    if pattern[0] == "**":
        return any(_hits(path[i:], pattern[1:], recursive) for i in range(len(path) + 1))
    return (
        bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and _hits(path[1:], pattern[1:], recursive)
    )


def _leads(folder: Sequence[str], pattern: Sequence[str], recursive: bool) -> bool:
    """Whether something inside the folder may match the pattern."""
    for name, part in zip(folder, pattern, strict=False):
        if part == "**":
            return True
        if not fnmatch.fnmatchcase(name, part):
            return False
    return recursive or len(folder) <= len(pattern)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down: its path relative to the first one, and what is left of its entries."""

    relative: str
    identity: tuple[int, int]
    entries: Iterator[os.DirEntry[str]]


def _walk(top: str, wanted: Matcher, entered: Matcher) -> Iterator[str]:
    """The wanted files under a folder, by name; a folder that cannot be listed stands for itself.

    A stack and not recursion: a tree may be deeper than Python's calls.
    """
    stack: list[_Folder] = []
    above: set[tuple[int, int]] = set()

    def enter(relative: str) -> Iterator[str]:
        path = os.path.join(top, relative) if relative else top
        try:
            status = os.stat(path or os.curdir)
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                return
            with os.scandir(path or os.curdir) as found:
                entries = sorted((entry for entry in found if entry.name[0] != "."), key=_name)
        except OSError:
            yield path
            return
        above.add(identity)
        stack.append(_Folder(relative, identity, iter(entries)))

    yield from enter("")
    while stack:
        folder = stack[-1]
        entry = next(folder.entries, None)
        if entry is None:
            above.remove(stack.pop().identity)
            continue
        relative = f"{folder.relative}/{entry.name}" if folder.relative else entry.name
        if _is_folder(entry):
            if entered(relative):
                yield from enter(relative)
        elif wanted(relative):
            yield os.path.join(top, relative)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _wanted(include: Sequence[str], exclude: Sequence[str]) -> Matcher:
    suffixes = _SUFFIXES + (_HEIF_SUFFIXES if importlib.util.find_spec("pillow_heif") else ())
    included, excluded = _any_of(include), _any_of(exclude)
    return lambda path: (
        path.lower().endswith(suffixes) and (not include or included(path)) and not excluded(path)
    )


def _any_of(patterns: Sequence[str]) -> Matcher:
    """Whether one of the patterns matches a path or the name at its end, in any case of letters."""
    compiled = [re.compile(fnmatch.translate(pattern), re.IGNORECASE) for pattern in patterns]
    return lambda path: any(
        pattern.match(path) or pattern.match(path.rpartition("/")[2]) for pattern in compiled
    )


def _check_file(status: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        with os.scandir(path):  # one that cannot be listed is refused for that
            raise PhotoError(PhotoErrorKind.NOT_A_FILE, "It is a folder, not a file.")
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError(PhotoErrorKind.NOT_A_FILE, "It is a pipe, socket or device, not a file.")
    if status.st_size > _MAX_BYTES:
        raise PhotoError(PhotoErrorKind.TOO_LARGE, "The file is larger than 1 GiB.")


def _why_missing(path: str) -> str:
    if os.path.islink(path):
        return "It is a link to a file that is not there."
    return "There is no such file."
