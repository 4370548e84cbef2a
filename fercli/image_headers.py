"""What a picture's file says of itself before a single pixel is decoded.

Written by hand because a size must be known for sure before a decoder may allocate it, and because the
same look tells how the picture is turned and whether the file ends where it should. Sources: ITU T.81
(JPEG), the PNG, TIFF 6.0, GIF89a and WebP container specifications, ISO/IEC 14496-12 (HEIF's boxes).
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fercli.errors import PhotoError, PhotoErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Format(StrEnum):
    """The picture formats that are known, as people call them."""

    JPEG = "JPEG"
    PNG = "PNG"
    BMP = "BMP"
    WEBP = "WebP"
    TIFF = "TIFF"
    GIF = "GIF"
    HEIC = "HEIC"
    AVIF = "AVIF"


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's file says of itself.

    Attributes:
        format: told from the first bytes, never from the name.
        width: pixels as stored, before `orientation`; 0 for HEIC and AVIF, whose decoders say it.
        height: likewise.
        orientation: EXIF's, 1 to 8, still to be applied after decoding; 1 where the decoder does it.
        fault: `truncated` or `unreadable` where the file's structure shows that it is cut or damaged.
    """

    format: Format
    width: int = 0
    height: int = 0
    orientation: int = 1
    fault: PhotoErrorKind | None = None


_TRUNCATED = PhotoErrorKind.TRUNCATED
_OUTSIDE = (struct.error, IndexError, OverflowError)  # what comes of reading past the end
_MAX_PARTS = 1 << 18  # segments or chunks; a hostile file could hold a hundred million tiny ones


def read_header(data: bytes) -> Header:
    """What the file says of itself.

    Raises:
        PhotoError: `not-an-image` for anything but the formats of `Format`; `truncated` where the file
            ends before the size is told; `unreadable` where what it tells makes no sense.
    """
    for signature, parse in _PARSERS:
        if signature.match(data):
            try:
                return parse(data)
            except _OUTSIDE:
                raise PhotoError(_TRUNCATED, "The file ends inside the picture's header.") from None
    raise PhotoError(
        PhotoErrorKind.NOT_AN_IMAGE,
        "It is not a picture in any format that fercli reads, whatever its name.",
    )


_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN, _APP1, _FILL = 0xD9, 0xDA, 0xE1, 0xFF
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_CONTENT = frozenset((0x00, 0x01, _FILL, *range(0xD0, 0xD9)))
_EXIF = b"Exif\0\0"


def _jpeg(data: bytes) -> Header:
    size, orientation = (0, 0), 1
    for marker, start, end in _jpeg_segments(data):
        if marker in _FRAMES and size == (0, 0):
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = (width, height)
        elif marker == _APP1 and orientation == 1 and data.startswith(_EXIF, start):
            orientation = _exif_orientation(data[start + len(_EXIF) : end])
        elif marker == _SCAN:
            # The bytes after the end do not matter: phones append video, MPO further pictures.
            whole = data.endswith(b"\xff\xd9") or _has_end(data, end)
            return Header(Format.JPEG, *size, orientation, None if whole else _TRUNCATED)
    return Header(Format.JPEG, *size, orientation, PhotoErrorKind.UNREADABLE)


def _jpeg_segments(data: bytes, start: int = 2) -> Iterator[tuple[int, int, int]]:
    """Each segment's marker and where its content starts and ends, up to the end marker."""
    for _ in range(_MAX_PARTS):
        start = data.find(b"\xff", start)
        if start < 0:
            raise IndexError
        marker = data[start + 1]
        start += 1
        if marker in _WITHOUT_CONTENT:
            continue
        if marker == _END:
            return
        (length,) = struct.unpack_from(">H", data, start + 1)
        yield marker, start + 3, start + 1 + length
        start += 1 + max(length, 2)


def _has_end(data: bytes, start: int) -> bool:
    """Whether the end marker follows the scan that starts there, or a later scan."""
    for _ in range(_MAX_PARTS):
        found = _SCAN_END.search(data, start)
        if found is None:
            return False
        if found[0] == b"\xff\xd9":
            return True
        length = data[found.end() : found.end() + 2]
        start = found.end() + int.from_bytes(length, "big")
    return False


def _png(data: bytes) -> Header:
    width, height = struct.unpack_from(">4x4xII", data, 8)
    orientation = 1
    start = 8
    for _ in range(_MAX_PARTS):
        if start + 12 > len(data):
            return Header(Format.PNG, width, height, orientation, _TRUNCATED)
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            return Header(Format.PNG, width, height, orientation, _TRUNCATED)
        # libpng would refuse it too, but says so on standard error.
        if zlib.crc32(memoryview(data)[start + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            return Header(Format.PNG, width, height, orientation, PhotoErrorKind.UNREADABLE)
        if kind == b"IEND":
            return Header(Format.PNG, width, height, orientation)
        if kind == b"eXIf":
            orientation = _exif_orientation(data[start + 8 : end - 4])
        start = end
    return Header(Format.PNG, width, height, orientation, PhotoErrorKind.UNREADABLE)


_OLD_BMP_HEADER = 12


def _bmp(data: bytes) -> Header:
    offset, header_size = struct.unpack_from("<II", data, 10)
    if header_size == _OLD_BMP_HEADER:
        width, height = struct.unpack_from("<HH", data, 18)
        return Header(Format.BMP, width, height)
    width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, 18)
    width, height = abs(width), abs(height)
    stride = (width * depth + 31) // 32 * 4
    uncompressed = compression in (0, 3)
    cut = uncompressed and offset + stride * height > len(data)
    return Header(Format.BMP, width, height, fault=_TRUNCATED if cut else None)


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    cut = not data.rstrip(b"\0").endswith(b";")
    return Header(Format.GIF, width, height, fault=_TRUNCATED if cut else None)


def _webp(data: bytes) -> Header:
    (size,) = struct.unpack_from("<I", data, 4)
    fault = _TRUNCATED if size + 8 > len(data) else None
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        return Header(Format.WEBP, width, height, fault=fault)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header(Format.WEBP, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, fault=fault)
    if kind != b"VP8X":
        return Header(Format.WEBP, fault=PhotoErrorKind.UNREADABLE)
    width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    return Header(Format.WEBP, width, height, _webp_orientation(data), fault)


def _webp_orientation(data: bytes) -> int:
    start = 12
    for _ in range(_MAX_PARTS):
        if start + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, start)
        if kind == b"EXIF":
            return _exif_orientation(data[start + 8 : start + 8 + length].removeprefix(_EXIF))
        start += 8 + length + length % 2
    return 1


def _tiff(data: bytes) -> Header:
    tags = _first_directory(data)
    width, height = (max(tags.get(tag, (0,))) for tag in (_WIDTH, _HEIGHT))
    offsets = tags.get(_STRIP_OFFSETS, tags.get(_TILE_OFFSETS, ()))
    lengths = tags.get(_STRIP_LENGTHS, tags.get(_TILE_LENGTHS, ()))
    ends = (offset + length for offset, length in zip(offsets, lengths, strict=False))
    cut = max(ends, default=0) > len(data)
    return Header(Format.TIFF, width, height, fault=_TRUNCATED if cut else None)


_MAX_BRANDS = 1024


def _heif(data: bytes) -> Header:
    (size,) = struct.unpack_from(">I", data)
    brands = data[8 : min(size, _MAX_BRANDS)]
    kind = Format.AVIF if b"avif" in brands or b"avis" in brands else Format.HEIC
    start = 0
    for _ in range(_MAX_PARTS):
        if start >= len(data):
            return Header(kind)
        (size,) = struct.unpack_from(">I", data, start)
        if size == 0:  # to the end of the file
            return Header(kind)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
        start += max(size, 8)
        if start > len(data):
            return Header(kind, fault=_TRUNCATED)
    return Header(kind, fault=PhotoErrorKind.UNREADABLE)


ORIENTATION = 274
"""The tag of the orientation in EXIF and TIFF."""

_ORIENTATIONS = range(1, 9)
_WIDTH, _HEIGHT = 256, 257
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = 273, 279, 324, 325
_TAGS = frozenset((
    ORIENTATION, _WIDTH, _HEIGHT, _STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS
))  # fmt: skip


def _exif_orientation(exif: bytes) -> int:
    try:
        orientation = _first_directory(exif).get(ORIENTATION, (1,))[0]
    except _OUTSIDE:
        return 1
    return orientation if orientation in _ORIENTATIONS else 1


_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def _first_directory(data: bytes) -> dict[int, tuple[int, ...]]:
    """The values of `_TAGS` in the first directory of a TIFF file or an EXIF block."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise IndexError
    big = data[2:4] in (b"+\0", b"\0+")
    word, width = ("Q", 8) if big else ("I", 4)
    (start,) = struct.unpack_from(order + word, data, width)
    count_format = order + ("Q" if big else "H")
    (count,) = struct.unpack_from(count_format, data, start)
    start += struct.calcsize(count_format)
    tags: dict[int, tuple[int, ...]] = {}
    for _ in range(min(count, _MAX_PARTS)):
        tag, kind, length = struct.unpack_from(order + "HH" + word, data, start)
        code = _INTEGERS.get(kind)
        if tag in _TAGS and tag not in tags and code is not None and 0 < length <= _MAX_PARTS:
            values = f"{order}{length}{code}"
            at = start + 4 + width
            if struct.calcsize(values) > width:
                (at,) = struct.unpack_from(order + word, data, at)
            tags[tag] = struct.unpack_from(values, data, at)
        start += 4 + 2 * width
    return tags


_PARSERS: tuple[tuple[re.Pattern[bytes], Callable[[bytes], Header]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), _tiff),
    (re.compile(rb"BM.{8}.{4}[\x0c\x28-\x7c]\0\0\0", re.DOTALL), _bmp),
    (re.compile(rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1|avi[fs])", re.DOTALL), _heif),
)
