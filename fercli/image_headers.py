"""What a picture's header says: its format, its size, how it is to be turned, whether it is all there.

Read before a byte is decoded, so that a small file that promises a huge picture costs nothing, and so that
an answer does not depend on what a version of OpenCV makes of a broken file.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Format(StrEnum):
    """The formats known here, by the names that people know them by."""

    JPEG = "JPEG"
    PNG = "PNG"
    BMP = "BMP"
    WEBP = "WebP"
    TIFF = "TIFF"
    GIF = "GIF"
    HEIF = "HEIC or AVIF"


class Header(NamedTuple):
    """A picture's header.

    `width` and `height` are in pixels and as stored, before turning; 0 where they are not read here (HEIC
    and AVIF). `orientation` is EXIF's, 1 to 8, for the formats whose decoder leaves it to us. `complete`
    is false where the file stops before the end that its own structure promises.
    """

    format: Format
    width: int
    height: int
    orientation: int = 1
    complete: bool = True


class ShortHeaderError(Exception):
    """The file is of a known format, but stops inside its header."""


def read_header(data: bytes) -> Header | None:
    """The header of an encoded picture; None where it is of no format known here.

    Raises:
        ShortHeaderError: the file stops inside its header.
    """
    parse = _parser(data)
    try:
        return parse(data) if parse else None
    except (struct.error, IndexError, KeyError):
        raise ShortHeaderError from None


def _parser(data: bytes) -> Callable[[bytes], Header] | None:
    for signature, parse in _PARSERS.items():
        if data.startswith(signature):
            return parse
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return lambda _: Header(Format.HEIF, 0, 0)
    return None


_HEIF_BRANDS = frozenset(
    (b"avif", b"avis", b"heic", b"heim", b"heis", b"heix", b"hevc", b"hevm", b"hevs", b"hevx", b"mif1", b"msf1")
)  # fmt: skip

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a frame header; the three left out are tables."""


def _jpeg(data: bytes) -> Header:
    """ITU-T T.81, annex B: segments of marker and length up to the frame header, which has the size."""
    orientation, position = 1, 2
    while True:
        if data[position] != 0xFF or data[position + 1] in {0x00, 0x01, 0xFF, *range(0xD0, 0xD9)}:
            position += 1  # filling, or a marker that stands alone
            continue
        marker = data[position + 1]
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker == 0xE1 and data.startswith(b"Exif\0\0", position + 4) and orientation == 1:
            orientation = _exif_orientation(data[position + 10 : position + 2 + length])
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            # Only an end marker after the frame header counts: a thumbnail before it has its own.
            complete = data.rfind(b"\xff\xd9", position) >= 0
            return Header(Format.JPEG, width, height, orientation, complete)
        position += 2 + length


def _png(data: bytes) -> Header:
    """Chunks of length, name, data and checksum; IHDR comes first, IEND last."""
    width, height = struct.unpack_from(">II", data, 16)
    orientation, position = 1, 8
    while position + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if name == b"eXIf":
            orientation = _exif_orientation(data[position + 8 : position + 8 + length])
        if name == b"IEND":
            return Header(Format.PNG, width, height, orientation)
        position += 12 + length
    return Header(Format.PNG, width, height, orientation, complete=False)


def _webp(data: bytes) -> Header:
    """A RIFF file: chunks of name, length and data, the first of which has the size."""
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    orientation, position = 1, 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if name == b"EXIF":
            exif = data[position + 8 : position + 8 + length]
            orientation = _exif_orientation(exif.removeprefix(b"Exif\0\0"))
        position += 8 + length + length % 2
    (size,) = struct.unpack_from("<I", data, 4)
    return Header(Format.WEBP, width, height, orientation, complete=len(data) >= size + 8)


def _bmp(data: bytes) -> Header:
    (pixels_at, header_size) = struct.unpack_from("<II", data, 10)
    if header_size == 12:  # OS/2
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        is_packed = False
    else:
        width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, 18)
        is_packed = compression in (1, 2)
    width, height = abs(width), abs(height)  # a negative height means that the top row comes first
    size = pixels_at + (width * depth + 31) // 32 * 4 * height
    return Header(Format.BMP, width, height, complete=is_packed or len(data) >= size)


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    return Header(Format.GIF, width, height, complete=data.rstrip(b"\0").endswith(b";"))


def _tiff(data: bytes) -> Header:
    """The first picture of a TIFF 6.0 file. Its decoder turns it upright, so no orientation is given."""
    tags = _tiff_tags(data)
    offsets, sizes = (
        tags.get(strips) or tags.get(tiles, (0,)) for strips, tiles in ((273, 324), (279, 325))
    )
    end = max(offset + size for offset, size in zip(offsets, sizes, strict=False))
    return Header(Format.TIFF, tags[256][0], tags[257][0], complete=len(data) >= end)


def _exif_orientation(exif: bytes) -> int:
    """EXIF's orientation, 1 to 8; 1, upright, where it is missing or broken."""
    try:
        (orientation,) = _tiff_tags(exif)[274]
    except (struct.error, KeyError, ValueError):
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _tiff_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The whole numbers of a TIFF file's first directory, by tag; EXIF has the same form."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, start)
    tags = {}
    for position in range(start + 2, start + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, position)
        letter = {3: "H", 4: "I"}.get(kind)
        if letter is None:
            continue
        size = count * struct.calcsize(letter)
        at = position + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, position + 8)[0]
        # Checked before the format is built: a broken count asks for gigabytes.
        if at + size > len(data):
            raise KeyError(tag)
        tags[tag] = struct.unpack_from(f"{order}{count}{letter}", data, at)
    return tags


_PARSERS: dict[bytes, Callable[[bytes], Header]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"BM": _bmp,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
}
