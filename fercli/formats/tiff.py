"""TIFF 6.0, and EXIF, which is a TIFF directory inside of another file."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.formats.header import MAX_PARTS, OUTSIDE, Alpha, DamagedError, Format, Header

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIENTATION = 274
"""The tag of the orientation in EXIF and TIFF."""

EXIF = b"Exif\0\0"
"""What may stand before an EXIF block, and must in JPEG."""

_ORIENTATIONS = range(1, 9)
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR, _EXTRA = (
    256, 257, 258, 259, 262, 277, 284, 338,
)  # fmt: skip
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = 273, 279, 324, 325
_TAGS = frozenset((
    ORIENTATION, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR, _EXTRA,
    _STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS,
))  # fmt: skip
_RGB = 2
_RGBA_SAMPLES = 4
_ALPHA = {1: Alpha.MULTIPLIED, 2: Alpha.STRAIGHT}
_DEFLATE = (8, 32946)


def read_header(data: bytes) -> Header:
    """The first picture's header; raises `PhotoError` for what OpenCV would read wrongly."""
    tags = _first_directory(data)
    width, height = (max(tags.get(tag, (0,))) for tag in (_WIDTH, _HEIGHT))
    cut = max((end for _, end in _pieces(tags)), default=0) > len(data)
    return Header(Format.TIFF, width, height, cut=cut, alpha=_alpha(tags))


def _alpha(tags: dict[int, tuple[int, ...]]) -> Alpha:
    """What libtiff's fourth channel means. It takes any for alpha that colours were multiplied by."""
    bits, samples = max(tags.get(_BITS, (1,))), tags.get(_SAMPLES, (1,))[0]
    photometric = tags.get(_PHOTOMETRIC, (_RGB,))[0]
    if bits > _BYTE and samples > 1 and tags.get(_PLANAR, (1,))[0] != 1:
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED,
            "A TIFF of 16 bits with a plane a colour is not read; save it with the colours side by side.",
        )
    if photometric != _RGB or samples != _RGBA_SAMPLES:
        return Alpha.MULTIPLIED  # what libtiff makes of CMYK, with an alpha of 255
    alpha = _ALPHA.get(tags.get(_EXTRA, (0,))[0], Alpha.UNUSED)
    # Of 8 bits, libtiff multiplies the colours itself.
    return Alpha.MULTIPLIED if alpha is Alpha.STRAIGHT and bits <= _BYTE else alpha


_BYTE = 8


def check_deflated(data: bytes) -> None:
    """Raises `DamagedError` where a strip's or tile's checksum is wrong, which libtiff does not look at."""
    tags = _first_directory(data)
    if tags.get(_COMPRESSION, (1,))[0] not in _DEFLATE:
        return
    try:
        for start, end in _pieces(tags):
            zlib.decompress(memoryview(data)[start:end])
    except zlib.error:
        raise DamagedError from None


def _pieces(tags: dict[int, tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Where each strip or tile starts and ends."""
    offsets = tags.get(_STRIP_OFFSETS, tags.get(_TILE_OFFSETS, ()))
    lengths = tags.get(_STRIP_LENGTHS, tags.get(_TILE_LENGTHS, ()))
    return ((offset, offset + length) for offset, length in zip(offsets, lengths, strict=False))


def exif_orientation(exif: bytes) -> int:
    """The orientation that an EXIF block tells, 1 to 8; 1 where it tells none."""
    try:
        orientation = _first_directory(exif.removeprefix(EXIF)).get(ORIENTATION, (1,))[0]
    except OUTSIDE:
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
    for _ in range(min(count, MAX_PARTS)):
        tag, kind, length = struct.unpack_from(order + "HH" + word, data, start)
        code = _INTEGERS.get(kind)
        if tag in _TAGS and tag not in tags and code is not None and 0 < length <= MAX_PARTS:
            values = f"{order}{length}{code}"
            at = start + 4 + width
            if struct.calcsize(values) > width:
                (at,) = struct.unpack_from(order + word, data, at)
            tags[tag] = struct.unpack_from(values, data, at)
        start += 4 + 2 * width
    return tags
