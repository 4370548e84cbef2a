"""HEIC and AVIF (ISO/IEC 14496-12's boxes): which of the two, and whether all of the file is there."""

from __future__ import annotations

import struct

from fercli.formats.header import MAX_PARTS, Format, Header

_MAX_BRANDS = 1024


def read_header(data: bytes) -> Header:
    """The format, and whether the last box is cut; its decoder says the size."""
    (size,) = struct.unpack_from(">I", data)
    brands = data[8 : min(size, _MAX_BRANDS)]
    kind = Format.AVIF if b"avif" in brands or b"avis" in brands else Format.HEIC
    start = 0
    for _ in range(MAX_PARTS):
        if start >= len(data):
            return Header(kind, cut=start > len(data))
        (size,) = struct.unpack_from(">I", data, start)
        if size == 0:  # to the end of the file
            break
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
        start += max(size, 8)
    return Header(kind)
