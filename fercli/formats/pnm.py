"""PGM and PPM of Netpbm, as many face databases have them: grey or colours as plain numbers.

Source: netpbm.sourceforge.net/doc/pgm.html and ppm.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.formats.header import DamagedError, Format, Header

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE = re.compile(rb"P[56](?=\s+[#\d])")

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([56])" + 3 * (_GAP + rb"(\d{1,9})") + rb"\s")
_CHANNELS = {b"5": 1, b"6": 3}
_BYTE, _MOST = 255, 65535


class _Info(NamedTuple):
    start: int
    channels: int
    width: int
    height: int
    largest: int

    @property
    def numbers(self) -> int:
        return self.width * self.height * self.channels

    @property
    def dtype(self) -> np.dtype[np.integer]:
        return np.dtype(">u2" if self.largest > _BYTE else np.uint8)


def _info(data: bytes) -> _Info:
    found = _HEADER.match(data)
    if found is None:
        raise IndexError
    kind, *numbers = found.groups()
    return _Info(found.end(), _CHANNELS[kind], *map(int, numbers))


def read_header(data: bytes) -> Header:
    """The header; raises an IndexError where it has no end."""
    info = _info(data)
    end = info.start + info.numbers * info.dtype.itemsize
    return Header(Format.PNM, info.width, info.height, cut=end > len(data))


def decode(data: bytes) -> NDArray[np.uint8]:
    """The first picture's pixels, grey or BGR, uint8 (H, W) or (H, W, 3).

    Raises:
        DamagedError: the file ends before its pixels do, or its largest number makes no sense.
    """
    info = _info(data)
    if not 0 < info.largest <= _MOST or info.start + info.numbers * info.dtype.itemsize > len(data):
        raise DamagedError
    values = np.frombuffer(data, info.dtype, info.numbers, info.start)
    if info.largest != _BYTE:
        scaled = np.multiply(values, np.float32(_BYTE / info.largest), dtype=np.float32)
        values = np.minimum(np.rint(scaled, out=scaled), _BYTE).astype(np.uint8)
    shape = (info.height, info.width, info.channels)
    pixels: NDArray[np.uint8] = values.reshape(shape if info.channels > 1 else shape[:2])
    return np.ascontiguousarray(pixels[..., ::-1]) if info.channels > 1 else pixels
