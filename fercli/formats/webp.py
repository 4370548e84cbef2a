"""WebP (RFC 9649): its header, and the chunks that make the picture."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from fercli.formats.header import MAX_PARTS, Format, Header
from fercli.formats.tiff import exif_orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_CHUNK = 12
_EXTENDED, _LOSSY, _LOSSLESS, _FRAME, _EXIF = b"VP8X", b"VP8 ", b"VP8L", b"ANMF", b"EXIF"
_PIXELS = (_LOSSY, _LOSSLESS)
_PICTURE = (*_PIXELS, _FRAME)
_BESIDE_PICTURE = (_EXTENDED, b"ALPH", b"ANIM")
_FRAME_HEADER = 16


def read_header(data: bytes) -> Header:
    """The header, and a file of the first picture alone, whose lengths are right."""
    size, orientation, cut = (0, 0), 1, True
    parts: list[bytes] = []
    for kind, content, whole in _chunks(data, _FIRST_CHUNK):
        if size == (0, 0):
            size = _size(kind, content)
        if kind == _EXIF:
            orientation = exif_orientation(content)
        elif kind in _BESIDE_PICTURE and cut:
            parts.append(_chunk(kind, content))
        elif kind in _PICTURE and cut:
            cut = not whole
            parts.append(_chunk(kind, content))
            if not whole:
                break
    return Header(Format.WEBP, *size, orientation, cut, _file(b"".join(parts)))


def _size(kind: bytes, content: bytes) -> tuple[int, int]:
    if kind == _LOSSY:
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == _LOSSLESS:
        (bits,) = struct.unpack_from("<I", content, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == _EXTENDED:
        low, middle, high = struct.unpack_from("<HHH", content, 4)
        return (low | (middle & 0xFF) << 16) + 1, (middle >> 8 | high << 8) + 1
    return 0, 0


def without_its_end(picture: bytes) -> bytes | None:
    """A file of the picture's pixels without their last bytes; None where it has none.

    WebP has no checksum, and its decoder reads most destroyed data to the end without a word. But it then
    needs fewer bytes than there are, or more: a picture that can do without its last ones was destroyed.
    """
    for kind, content, _ in _chunks(picture, _FIRST_CHUNK):
        inside = _chunks(content, _FRAME_HEADER) if kind == _FRAME else [(kind, content, True)]
        for name, pixels, _ in inside:
            if name in _PIXELS:
                return _file(_chunk(name, pixels[:-_NEEDED]))
    return None


_NEEDED = 32
"""Encoders leave up to two bytes unused."""


def _file(chunks: bytes) -> bytes:
    """OpenCV takes no file of less than 32 bytes."""
    return _chunk(b"RIFF", b"WEBP" + chunks).ljust(32, b"\0")


def _chunks(data: bytes, start: int) -> Iterator[tuple[bytes, bytes, bool]]:
    """Each chunk's name, what there is of its content, and whether that is all."""
    for _ in range(MAX_PARTS):
        if start + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, start)
        end = start + 8 + length
        yield kind, data[start + 8 : end], end <= len(data)
        start = end + length % 2


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
