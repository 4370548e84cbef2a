"""BMP: its header, and the pixels of those of 16, 24 and 32 bits.

OpenCV takes the unused byte of 32-bit pixels for transparency, knows only the usual masks, and reads OS/2's
24 bits and palettes as grey. Here the file's masks say where each colour is. Palettes, packed or not, are
OpenCV's; it gets OS/2's as Windows writes them.
Source: Microsoft's BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.formats.header import DamagedError, Format, Header

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INFO = 14
"""Where the second header starts, behind the file's."""
_OS2_SIZE, _OS2_2_SIZE, _INFO_SIZE, _ALPHA_MASK_SIZE = 12, 64, 40, 56
_PLAIN, _RLE8, _RLE4, _MASKS, _ALPHA_MASKS = 0, 1, 2, 3, 6
_PALETTE_BITS, _COLOUR_BITS = (1, 4, 8), (16, 24, 32)
_BGR = (0xFF, 0xFF00, 0xFF0000)
_BGR_15_BITS = (0x1F, 0x3E0, 0x7C00)
_BYTE = 8


class _Info(NamedTuple):
    """The two headers' fields; negative heights count from the top."""

    offset: int
    size: int
    width: int
    height: int
    bits: int
    compression: int
    length: int

    @property
    def stride(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4


def _info(data: bytes) -> _Info:
    offset, size = struct.unpack_from("<II", data, 10)
    if size == _OS2_SIZE:
        width, height, _, bits = struct.unpack_from("<HHHH", data, _INFO + 4)
        return _Info(offset, size, width, height, bits, _PLAIN, 0)
    width, height, _, bits, compression, length = struct.unpack_from("<iiHHII", data, _INFO + 4)
    return _Info(offset, size, abs(width), height, bits, compression, length)


def read_header(data: bytes) -> Header:
    """The header; raises `PhotoError`, `unsupported`, for layouts that nothing here reads."""
    info = _info(data)
    plain = info.compression in (_PLAIN, _MASKS, _ALPHA_MASKS)
    supported = {
        _PLAIN: info.bits in _PALETTE_BITS + _COLOUR_BITS,
        _RLE8: info.bits == _BYTE,
        _RLE4: info.bits == _BYTE // 2,
        _MASKS: info.bits in _COLOUR_BITS and info.size != _OS2_2_SIZE,
        _ALPHA_MASKS: info.bits in _COLOUR_BITS and info.size != _OS2_2_SIZE,
    }
    if not supported.get(info.compression):
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED,
            f"BMP of {info.bits} bits in compression {info.compression} is not read; save it as PNG.",
        )
    height = abs(info.height)
    # The last row may lack what fills it up to four bytes.
    needed = info.stride * (height - 1) + (info.width * info.bits + 7) // 8 if plain else info.length
    cut = info.offset + needed > len(data)
    return Header(Format.BMP, info.width, height, cut=cut, picture=_as_windows_writes(data, info))


def _as_windows_writes(data: bytes, info: _Info) -> bytes | None:
    """A file with OS/2's palette, with the header and the palette of Windows; None for any other."""
    if info.size != _OS2_SIZE or info.bits not in _PALETTE_BITS:
        return None
    end = min(info.offset, _INFO + _OS2_SIZE + (3 << info.bits))
    colours = data[_INFO + _OS2_SIZE : end]
    palette = b"".join(colours[start : start + 3].ljust(4, b"\0") for start in range(0, len(colours), 3))
    palette = palette.ljust(4 << info.bits, b"\0")
    offset = _INFO + _INFO_SIZE + len(palette)
    header = struct.pack("<2sIII", b"BM", offset + len(data) - info.offset, 0, offset)
    header += struct.pack("<IiiHHIIiiII", _INFO_SIZE, info.width, info.height, 1, info.bits, *(0,) * 6)
    return header + palette + data[info.offset :]


def decode(data: bytes) -> NDArray[np.uint8] | None:
    """The pixels, BGR or BGRA, uint8 (H, W, C); None where there is a palette, which is OpenCV's to read.

    Raises:
        DamagedError: the file ends before its pixels do.
    """
    info = _info(data)
    if info.bits not in _COLOUR_BITS:
        return None
    height, step = abs(info.height), info.bits // _BYTE
    needed = info.stride * height
    body = data[info.offset : info.offset + needed]
    if len(body) < needed - 3:
        raise DamagedError
    rows = np.frombuffer(body.ljust(needed, b"\0"), np.uint8).reshape(height, info.stride)
    rows = rows[:: 1 if info.height < 0 else -1, : info.width * step]
    masks = _masks(data, info)
    if step == 2:  # noqa: PLR2004 - bytes a pixel
        words = np.ascontiguousarray(rows).view("<u2")
    else:
        pixels = rows.reshape(height, info.width, step)
        if masks == _BGR:
            return np.ascontiguousarray(pixels[:, :, :3])
        words = _words(pixels)
    planes = [_plane(words, mask) for mask in masks]
    if len(planes) == len(_BGR) + 1 and not planes[-1].any():
        planes.pop()  # as browsers do: an alpha channel of zeros was never filled in
    merged: NDArray[np.uint8] = cv2.merge(planes)  # type: ignore[assignment]
    return merged


def _words(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The pixels' three or four bytes as numbers."""
    words = np.zeros(pixels.shape[:2], np.uint32)
    for index in range(pixels.shape[2]):
        words |= pixels[:, :, index].astype(np.uint32) << np.uint32(_BYTE * index)
    return words


def _masks(data: bytes, info: _Info) -> tuple[int, ...]:
    """The bits of blue, green, red and, where the file has it, alpha."""
    if info.compression == _PLAIN:
        return _BGR_15_BITS if info.bits < _BYTE * 3 else _BGR
    red, green, blue = struct.unpack_from("<III", data, _INFO + _INFO_SIZE)
    alpha = 0
    if info.size >= _ALPHA_MASK_SIZE or info.compression == _ALPHA_MASKS:
        (alpha,) = struct.unpack_from("<I", data, _INFO + _INFO_SIZE + 12)
    return (blue, green, red, alpha) if alpha else (blue, green, red)


def _plane(words: NDArray[np.uint16] | NDArray[np.uint32], mask: int) -> NDArray[np.uint8]:
    """A channel as bytes: more bits lose their last ones, fewer are spread over 0 to 255."""
    if not mask:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    bits = (mask >> shift).bit_length()
    values = (words & words.dtype.type(mask & np.iinfo(words.dtype).max)) >> words.dtype.type(shift)
    if bits >= _BYTE:
        return (values >> words.dtype.type(bits - _BYTE)).astype(np.uint8)
    levels = np.round(np.arange(1 << bits) * 255 / ((1 << bits) - 1)).astype(np.uint8)
    return np.take(levels, values)
