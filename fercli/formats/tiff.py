"""TIFF 6.0, and EXIF, which is a TIFF directory inside of another file."""

from __future__ import annotations

import re
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
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL_ORDER, _SAMPLES, _PLANAR, _EXTRA, _NUMBERS = (
    256, 257, 258, 259, 262, 266, 277, 284, 338, 339,
)  # fmt: skip
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = 273, 279, 324, 325
_TAGS = frozenset((
    ORIENTATION, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL_ORDER, _SAMPLES, _PLANAR, _EXTRA,
    _NUMBERS, _STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS,
))  # fmt: skip
_WHITE_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 2, 3, 5
_FLOATING_POINT = 3
_LOWEST_BIT_FIRST = 2
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_SIDE_BY_SIDE = 1
_BYTE = 8
_MOST_SAMPLES = 4
_ALPHA = {1: Alpha.MULTIPLIED, 2: Alpha.STRAIGHT}
_DEFLATE = (8, 32946)
_COMPRESSIONS = frozenset((1, 2, 3, 4, 5, 7, 32773, *_DEFLATE))  # none, fax, LZW, JPEG, PackBits
_STRIP_FAULT = re.compile(
    r"TIFF_Error (?!TIFF(?:ReadDir|Fetch))|TIFF_Warning (?:JPEGLib: Corrupt|\w+Decode(?!: Old-style))"
)
_TILE_FAULT = re.compile(r"Invalid tile byte count for tile \d+\. Expected (\d+), got (\d+)")
_ROOM = 1024


def read_header(data: bytes) -> Header:
    """The first picture's header; raises `PhotoError`, `unsupported`, for what OpenCV reads wrongly."""
    tags, link = _first_directory(data)
    _refuse_unsupported(tags)
    width, height = (max(tags.get(tag, (0,))) for tag in (_WIDTH, _HEIGHT))
    cut = max((end for _, end in _pieces(tags)), default=0) > len(data)
    return Header(Format.TIFF, width, height, cut=cut, picture=_alone(data, link), alpha=_alpha(tags))


def _alone(data: bytes, link: slice) -> bytes | None:
    """The file without the link to its next picture, which OpenCV would follow; None where it has none."""
    if not any(data[link]):
        return None
    whole = memoryview(data)
    return b"".join((whole[: link.start], bytes(len(data[link])), whole[link.stop :]))


def _refuse_unsupported(tags: dict[int, tuple[int, ...]]) -> None:
    bits, samples, colours = (
        max(tags.get(_BITS, (1,))),
        _first(tags, _SAMPLES, 1),
        _first(tags, _COLOURS, _RGB),
    )
    compression = _first(tags, _COMPRESSION, 1)
    planes = samples > 1 and _first(tags, _PLANAR, _SIDE_BY_SIDE) != _SIDE_BY_SIDE
    reasons = (
        (compression not in _COMPRESSIONS, f"in compression {compression}"),
        (samples > _MOST_SAMPLES, f"of {samples} channels"),
        (planes and (bits > _BYTE or colours != _RGB), "with each channel by itself"),
        (bits > _BYTE and colours in (_WHITE_IS_ZERO, _CMYK), f"of {bits} bits with such colours"),
        (1 < bits < _BYTE and (bits, colours) != (4, _PALETTE), f"of {bits} bits a channel"),
        (_first(tags, _NUMBERS, 1) == _FLOATING_POINT, "of floating-point numbers"),
    )
    for holds, what in reasons:
        if holds:
            raise _unsupported(what)


def _unsupported(what: str) -> PhotoError:
    return PhotoError(PhotoErrorKind.UNSUPPORTED, f"TIFF {what} is not read; save it as PNG.")


def _first(tags: dict[int, tuple[int, ...]], tag: int, default: int) -> int:
    return tags.get(tag, (default,))[0]


def _alpha(tags: dict[int, tuple[int, ...]]) -> Alpha:
    """What the fourth channel means; libtiff takes any for alpha."""
    if _first(tags, _COLOURS, _RGB) != _RGB:
        return Alpha.MULTIPLIED  # libtiff's own, all opaque
    alpha = _ALPHA.get(_first(tags, _EXTRA, 0), Alpha.UNUSED)
    # With 8 bits a colour, libtiff multiplies by alpha itself.
    return Alpha.MULTIPLIED if alpha is Alpha.STRAIGHT and max(tags.get(_BITS, (1,))) <= _BYTE else alpha


def check_strips(data: bytes, said: str, *, cut: bool) -> None:
    """Says what libtiff did not read.

    OpenCV goes on where a strip or tile was not read (and before version 4.13 tells nobody), libtiff where
    a checksum is wrong.

    Args:
        data: the file.
        said: what libtiff said while reading it.
        cut: whether the file ends before the picture does.

    Raises:
        DamagedError: a strip or tile was not read, or its checksum is wrong.
        PhotoError: `unsupported`, the libtiff of OpenCV 5 reads no tiles of that size.
    """
    tile = None if cut else _TILE_FAULT.search(said)
    # It compares a tile's size with that of the room for it, which is in whole kilobytes.
    if tile and int(tile[2]) == -(-int(tile[1]) // _ROOM) * _ROOM:
        raise _unsupported(f"with uncompressed tiles of {tile[1]} bytes")
    if _STRIP_FAULT.search(said):
        raise DamagedError
    tags, _ = _first_directory(data)
    if _first(tags, _COMPRESSION, 1) in _DEFLATE:
        turned = _first(tags, _FILL_ORDER, 1) == _LOWEST_BIT_FIRST
        for start, end in _pieces(tags):
            piece = data[start:end]
            _inflate(piece.translate(_REVERSED) if turned else piece)


def _inflate(piece: bytes) -> None:
    """Inflates it to its checksum, a part at a time and into nothing."""
    inflater = zlib.decompressobj()
    try:
        while not inflater.eof:
            if not inflater.decompress(piece, _INFLATED_AT_ONCE) and not inflater.eof:
                raise DamagedError
            piece = inflater.unconsumed_tail
    except zlib.error:
        raise DamagedError from None


_INFLATED_AT_ONCE = 1 << 20


def _pieces(tags: dict[int, tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Where each strip or tile starts and ends."""
    offsets = tags.get(_STRIP_OFFSETS, tags.get(_TILE_OFFSETS, ()))
    lengths = tags.get(_STRIP_LENGTHS, tags.get(_TILE_LENGTHS, ()))
    return ((offset, offset + length) for offset, length in zip(offsets, lengths, strict=False))


def exif_orientation(exif: bytes) -> int:
    """The orientation that an EXIF block tells, 1 to 8; 1 where it tells none."""
    try:
        orientation = _first(_first_directory(exif.removeprefix(EXIF))[0], ORIENTATION, 1)
    except OUTSIDE:
        return 1
    return orientation if orientation in _ORIENTATIONS else 1


_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def _first_directory(data: bytes) -> tuple[dict[int, tuple[int, ...]], slice]:
    """The values of `_TAGS` in the first directory of TIFF or EXIF, and where its link to the next is."""
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
    return tags, slice(start, start + width)
