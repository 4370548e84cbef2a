"""PNG (ISO/IEC 15948): its header, and the chunks that make the picture."""

from __future__ import annotations

import re
import struct
import zlib

from fercli.formats.header import MAX_PARTS, Format, Header
from fercli.formats.tiff import exif_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
_IEND = b"\0\0\0\0IEND\xae\x42\x60\x82"
_GREY, _GREY_BITS = 0, 16


def read_header(data: bytes) -> Header:
    """The header, and the picture without the chunks that do not change it and the bytes behind it.

    A fault in those does not harm the picture, but libpng may stop at it. The picture's own checksums
    are for libpng to check.
    """
    width, height, bits, colours = struct.unpack_from(">4x4xIIBB", data, len(SIGNATURE))
    orientation, clear_grey, ended = 1, None, False
    parts: list[bytes | memoryview] = [SIGNATURE]
    start = len(SIGNATURE)
    for _ in range(MAX_PARTS):
        if start + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, start)
        if kind == b"IEND":
            ended = True
            break
        end = start + 12 + length
        content = memoryview(data)[start + 8 : end - 4]
        if end > len(data):
            # Without its last bytes or its checksum only, the picture may be whole.
            if kind == b"IDAT":
                parts.append(_chunk(kind, content))
            break
        if kind in _PICTURE:
            parts.append(memoryview(data)[start:end])
        if kind in _EXIF and orientation == 1 and data[start:end] == _chunk(kind, content):
            orientation = exif_orientation(_exif(kind, bytes(content)))
        elif kind == b"tRNS" and colours == _GREY and len(content) == _GREY_BITS // 8:
            clear_grey = int.from_bytes(content, "big")
            if bits < _OPENCV_BITS:
                clear_grey = clear_grey * 255 // ((1 << bits) - 1)
        start = end
    # Where lengths were destroyed, the end is still there.
    cut = not ended and _IEND not in data[start:]
    picture = b"".join((*parts, _IEND))
    return Header(Format.PNG, width, height, orientation, cut, picture, clear_grey=clear_grey)


_PROFILE = re.compile(rb"Raw profile type (?:exif|APP1)\0(.*)", re.DOTALL)
_EXIF = frozenset((b"eXIf", b"tEXt", b"zTXt"))
_MOST = 1 << 18
"""Bytes of a profile's digits; EXIF has half of that at most."""


def _exif(kind: bytes, content: bytes) -> bytes:
    """EXIF from a chunk of its own or, as ImageMagick wrote it before PNG had that, as digits in a text."""
    if kind == b"eXIf":
        return content
    found = _PROFILE.match(content)
    if found is None:
        return b""
    try:
        text = zlib.decompressobj().decompress(found[1][1:], _MOST) if kind == b"zTXt" else found[1]
        digits = b"".join(text.split()[2:])  # the first two words are its name and its length
        return bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
    except (zlib.error, ValueError):
        return b""


_OPENCV_BITS = 8
"""What OpenCV spreads fewer bits to."""


def _chunk(kind: bytes, content: memoryview) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
