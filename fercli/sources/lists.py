"""The list of paths on standard input, as shells, editors and PowerShell write it."""

from __future__ import annotations

import codecs
import os
import re
import sys
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from fercli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType
    from typing import BinaryIO

_CHUNK = 1 << 16
_LONGEST = 1 << 17
"""Bytes; no system has longer paths."""

# How pictures and documents begin, of which the first entry may look like a path.
_BINARY = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*|BM....\0\0\0\0|\0\0\0.ftyp|%PDF-|PK\x03\x04",
    re.DOTALL,
)
_CONTROL = re.compile(rb"[\x01-\x08\x0b-\x1f\x7f]")


def read_list(stream: BinaryIO, *, null_separated: bool, flavour: ModuleType = os.path) -> Iterator[str]:
    """The paths in a list, each as soon as its end arrives.

    The list is UTF-8, or whatever bytes the names have, or UTF-16. An entry that exists as it is written
    stays as it is. From any other entry of a list of lines, what is not part of a path is dropped: a
    byte-order mark, the line end of Windows, blanks and quotes around it.

    Args:
        stream: the list; a path is yielded before the next one is read.
        null_separated: whether paths end in NUL, and may hold newlines.
        flavour: `posixpath` or `ntpath`: whether a backslash in double quotes is an escape or separates.

    Raises:
        UsageError: it is not a list of paths, or separated in the other way.
    """
    separator = b"\0" if null_separated else b"\n"
    without_rest = _exact if null_separated else _tidied
    first = True
    for entry, ended in _split(_in_utf8(_chunks(stream), separator), separator):
        path = without_rest(entry, ended, flavour)
        if not path:
            continue
        if first and not _exists(path, flavour):
            if not ended and b"\n" in path:
                raise _separated_by_newlines()
            if _CONTROL.search(path):
                raise _not_a_list()
        if b"\0" in path:
            raise _separated_by_null()
        if len(path) > _LONGEST:
            raise _not_a_list()
        first = False
        # Not os.fsdecode, which raises on Windows for bytes that are not UTF-8.
        yield path.decode(sys.getfilesystemencoding(), "surrogateescape")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    # read1 returns what has arrived; read would wait until its buffer is full.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        yield chunk


def _in_utf8(chunks: Iterator[bytes], separator: bytes) -> Iterator[bytes]:
    """The list in UTF-8; UTF-16, known by the first entry, is decoded, and a picture is refused."""
    head = b""
    for chunk in chunks:
        head += chunk
        if separator in head or len(head) > _LONGEST:
            break
    if _BINARY.match(head):
        raise _not_a_list()
    encoding = _utf16(head, separator)
    if encoding is None:
        yield head
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chain((head,), chunks):
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise _not_a_list() from None


def _utf16(head: bytes, separator: bytes) -> str | None:
    """The encoding of a list in UTF-16, as PowerShell's `>` and `cmd /u` write it; None for any other."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if separator == b"\n" and b"\n" in head:
        low, high = head[::2], head[1::2]
        if high and not high.strip(b"\0") and b"\0" not in low:
            return "utf-16-le"
        if low and not low.strip(b"\0") and b"\0" not in high:
            return "utf-16-be"
    return None


def _split(chunks: Iterable[bytes], separator: bytes) -> Iterator[tuple[bytes, bool]]:
    """The entries, and whether each ended in the separator; the last may not."""
    rest = b""
    for chunk in chunks:
        *entries, rest = (rest + chunk).split(separator)
        for entry in entries:
            yield entry, True
        if len(rest) > _LONGEST:
            break
    if rest:
        yield rest, False


def _tidied(entry: bytes, _ended: bool, flavour: ModuleType) -> bytes:
    bare = entry.removeprefix(codecs.BOM_UTF8).strip()
    quote = bare[:1]
    if quote in (b'"', b"'") and len(bare) > 1 and bare.endswith(quote):
        bare = bare[1:-1]
        if quote == b'"' and b"\\" in bare and flavour.sep == "/" and not _exists(bare, flavour):
            bare = _unescaped(bare)
    return entry if bare != entry and _exists(entry, flavour) else bare


def _unescaped(quoted: bytes) -> bytes:
    r"""The bytes that `ls -Q` and git write as escapes, such as `\303\251`."""
    with suppress(UnicodeError):
        return quoted.decode("unicode_escape").encode("latin-1")
    return quoted


def _exact(entry: bytes, ended: bool, flavour: ModuleType) -> bytes:
    """An entry that ended in NUL, as it is; a newline after the last NUL is dropped."""
    bare = (entry if ended else entry.rstrip(b"\r\n")).removeprefix(codecs.BOM_UTF8)
    return entry if bare != entry and _exists(entry, flavour) else bare


def _exists(path: bytes, flavour: ModuleType) -> bool:
    return bool(flavour.lexists(path))


def _not_a_list() -> UsageError:
    return UsageError(
        "Standard input holds a picture or other binary data, not a list of paths.",
        "Give a photo's path as an argument, or pipe a list of paths, one a line.",
    )


def _separated_by_null() -> UsageError:
    return UsageError(
        "The paths on standard input are separated by NUL characters.",
        "Add -0, or separate them by newlines.",
    )


def _separated_by_newlines() -> UsageError:
    return UsageError("The paths on standard input are separated by newlines, not NUL.", "Leave out -0.")
