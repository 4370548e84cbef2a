"""GIF89a: its header, and the first of its pictures alone."""

from __future__ import annotations

import struct

from fercli.formats.header import MAX_PARTS, OUTSIDE, Format, Header

_SCREEN_END = 13
_EXTENSION, _PICTURE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_END = b"\0;"


def read_header(data: bytes) -> Header:
    """The header, and a file of the first picture alone: what follows it does not matter."""
    width, height = struct.unpack_from("<HH", data, 6)
    start = _SCREEN_END + _table_length(data[10])
    parts = [data[:start]]
    cut = not data.rstrip(b"\0").endswith(b";")
    try:
        for _ in range(MAX_PARTS):
            if data[start] == _EXTENSION:
                end = _blocks_end(data, start + 2)
                if data[start + 1] == _GRAPHIC_CONTROL:
                    parts.append(data[start:end])
                start = end
            elif data[start] == _PICTURE:
                compressed = start + 11 + _table_length(data[start + 9])
                end = _blocks_end(data, compressed)
                parts.append(data[start : end - 1])
                break
            else:
                break
    except OUTSIDE:
        pass
    return Header(Format.GIF, width, height, cut=cut, picture=b"".join((*parts, _END)))


def _table_length(flags: int) -> int:
    """The bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: bytes, start: int) -> int:
    """Where the blocks that start there end, behind the empty one that closes them."""
    while start < len(data) and data[start]:
        start += 1 + data[start]
    return start + 1
