"""When a photo was taken, as its EXIF tells."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from datetime import datetime

from fercli.formats.header import MAX_PARTS, OUTSIDE

_BLOCK = re.compile(
    rb"(?:\A|Exif\0\0|eXIf|EXIF....)(?=(II\*\0|MM\0\*))",  # TIFF itself; JPEG, HEIC and AVIF; PNG; WebP
    re.DOTALL,
)
_SEARCHED = 1 << 20
"""Bytes at either end of a file in which the block is looked for; WebP and PNG may have it at the end."""

_TAKEN, _CHANGED, _DETAILS = 36867, 306, 34665
_TEXT, _POINTERS = 2, (4, 13)
_LENGTH = len("2026:01:31 12:00:00")


def date_taken(data: bytes) -> str | None:
    """The date in a photo's EXIF, as `2026-01-31T12:00:00`; None where it tells none that there is.

    It is that of the exposure, else that of the last change, by the camera's clock.

    Args:
        data: the file.
    """
    for part in (data[:_SEARCHED], data[-_SEARCHED:]):
        if (found := _BLOCK.search(part)) is not None:
            with suppress(*OUTSIDE, ValueError):
                return _date(part[found.end() :])
    return None


def _date(exif: bytes) -> str | None:
    order = "<" if exif.startswith(b"II") else ">"
    first = _directory(exif, order, struct.unpack_from(f"{order}I", exif, 4)[0])
    details = first.get(_DETAILS)
    exact = _directory(exif, order, details) if isinstance(details, int) else {}
    text = exact.get(_TAKEN, first.get(_CHANGED))
    if not isinstance(text, bytes):
        return None
    return datetime.strptime(text.decode("ascii"), "%Y:%m:%d %H:%M:%S").isoformat()


def _directory(exif: bytes, order: str, start: int) -> dict[int, bytes | int]:
    """The dates and the places of further directories in one of them."""
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    values: dict[int, bytes | int] = {}
    for entry in range(start + 2, start + 2 + 12 * min(count, MAX_PARTS), 12):
        tag, kind, length, value = struct.unpack_from(f"{order}HHII", exif, entry)
        if tag == _DETAILS and kind in _POINTERS:
            values[tag] = value
        elif tag in (_TAKEN, _CHANGED) and kind == _TEXT and length > _LENGTH:
            values[tag] = struct.unpack_from(f"{_LENGTH}s", exif, value)[0]
    return values
