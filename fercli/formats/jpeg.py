"""JPEG (ITU T.81): its header, its pixels, and whether what libjpeg complains of harms the picture.

libjpeg reads on after almost any fault, reports only the first, and leaves it to the caller to judge
that. Bytes between segments, an unknown version, a missing end or a maker's trailer harm nothing.
Compressed data that are too few for the picture, or too many, have been destroyed.
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import simplejpeg

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.formats.header import MAX_PARTS, OUTSIDE, DamagedError, Format, Header
from fercli.formats.tiff import EXIF, exif_orientation
from fercli.native_output import caught_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_START, _END = b"\xff\xd8", b"\xff\xd9"
_EOI, _SOS, _DNL, _APP0, _APP1, _APP14, _COMMENT = 0xD9, 0xDA, 0xDC, 0xE0, 0xE1, 0xEE, 0xFE
_RESTART_INTERVAL = 0xDD
_TABLES = frozenset((0xC4, 0xCC, 0xDB, _RESTART_INTERVAL))  # Huffman, arithmetic, quantisation
_BETWEEN_SCANS = _TABLES | {_SOS, _DNL, _COMMENT, *range(_APP0, 0xF0)}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL, _PROGRESSIVE = frozenset((0xC0, 0xC1, 0xC9)), frozenset((0xC2, 0xCA))
_ARITHMETIC = frozenset((0xC9, 0xCA))
_WITHOUT_CONTENT = frozenset((0x00, 0x01, 0xFF, *range(0xD0, 0xD9)))
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_BUT_RESTART = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_BITS = 8
_CHANNELS = (1, 3, 4)
_MOST_SIDE = 65500


def read_header(data: bytes) -> Header:
    """The header; raises `PhotoError`, `unsupported`, for what libjpeg does not decode."""
    size, orientation = (0, 0), 1
    for marker, start, end in _segments(data):
        if marker in _FRAMES and size == (0, 0):
            bits, height, width, channels = struct.unpack_from(">BHHB", data, start)
            size = (width, height)
            _refuse_unsupported(marker, bits, height, width, channels)
        elif marker == _APP1 and orientation == 1 and data.startswith(EXIF, start):
            orientation = exif_orientation(data[start:end])
        elif marker == _SOS:
            return Header(Format.JPEG, *size, orientation, cut=data.rfind(_END, end) < 0)
    return Header(Format.JPEG)


def _refuse_unsupported(frame: int, bits: int, height: int, width: int, channels: int) -> None:
    reasons = (
        (frame not in _SEQUENTIAL | _PROGRESSIVE, "a lossless or hierarchical JPEG"),
        (bits != _BITS, f"a JPEG of {bits} bits a channel"),
        (not height, "a JPEG that tells its height after its pixels"),
        (channels not in _CHANNELS, f"a JPEG of {channels} channels"),
        (max(width, height) > _MOST_SIDE, f"a JPEG of {width} x {height} pixels"),
    )
    for holds, what in reasons:
        if holds:
            sentence = f"It is {what}, which is not read; save it as a usual JPEG."
            raise PhotoError(PhotoErrorKind.UNSUPPORTED, sentence)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each segment's marker and where its content starts and ends, up to the end marker or any other's."""
    start = len(_START)
    for _ in range(MAX_PARTS):
        start = data.find(b"\xff", start)
        if start < 0:
            raise IndexError
        marker = data[start + 1]
        start += 1
        if marker in _WITHOUT_CONTENT:
            continue
        if marker == _EOI:
            yield marker, start + 1, start + 1
            return
        (length,) = struct.unpack_from(">H", data, start + 1)
        end = start + 1 + max(length, 2)
        yield marker, start + 3, end
        start = _scan_end(data, end) if marker == _SOS else end


def _scan_end(data: bytes, start: int, *, restarts: bool = True) -> int:
    """Where the compressed data that start there end: at a marker that is not one of theirs."""
    found = (_MARKER_BUT_RESTART if restarts else _MARKER).search(data, start)
    return len(data) if found is None else found.start()


WHOLE = (0, 0)
"""For `decode`: all pixels."""


def decode(data: bytes, least: tuple[int, int] = WHOLE) -> NDArray[np.uint8]:
    """The first picture's pixels as they are stored, RGB, uint8 (H, W, 3).

    Args:
        data: the file.
        least: the height and width from which on a smaller picture will do, where libjpeg can give one.

    Raises:
        DamagedError: a part of the compressed data is missing or destroyed.
        MemoryError: there is too little for so large a picture.
    """
    pixels, complaint = _decoded(data, least)
    if complaint is None:
        return pixels
    # A fault of the wrapping would hide one of the picture behind it.
    plain = _Unwrapped(data)
    repaired = plain.data
    pixels, complaint = _decoded(repaired, least)
    if complaint is None and (plain.ended or plain.tells_its_end):
        return pixels
    if complaint is not None and _is_harmless(complaint, repaired, ended=plain.ended):
        return _decoded(repaired, least, strict=False)[0]
    raise DamagedError


def _decoded(
    data: bytes, least: tuple[int, int], *, strict: bool = True
) -> tuple[NDArray[np.uint8], str | None]:
    """The pixels, and what libjpeg complains of first; if `strict`, the pixels are not to be used then."""
    try:
        height, width = least
        return simplejpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width, strict=strict), None
    except ValueError as error:
        complaint = str(error)
    if NO_MEMORY in complaint:
        raise MemoryError
    if _ODD_SAMPLING not in complaint:
        return _NOTHING, complaint
    # OpenCV uses libjpeg itself, which needs no name for how the colours are sampled.
    with caught_stderr() as caught:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        return _NOTHING, caught.text or complaint
    return cast("NDArray[np.uint8]", cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)), caught.text or None


NO_MEMORY = "nsufficient memory"
"""What libjpeg and OpenCV say when they get no memory."""
_ODD_SAMPLING = "Could not determine subsampling"
_NOTHING = np.empty((0, 0, 3), np.uint8)


_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_LEFT_OVER, _LEFT_OVER_TEXT = 4, 64
"""Bytes, and characters, that encoders may leave between the picture and the end marker."""


def _is_harmless(complaint: str, repaired: bytes, *, ended: bool) -> bool:
    """Whether the whole picture was read, and what follows it is padding or a maker's trailer."""
    found = _EXTRANEOUS.search(complaint)
    if found is None:
        return False
    count = int(found[1])
    rest = repaired[: -len(_END)][-count:]
    if not ended or count <= _LEFT_OVER or not rest.strip(rest[:1]):
        return True
    # Where data were destroyed, the decoder often finds its way again, and has some too many at the end.
    return count <= _LEFT_OVER_TEXT and rest.translate(None, b"\xff").isascii()


_JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
_ADOBE = b"Adobe\0d\0\0\0\0"
_ADOBE_TRANSFORMS = {3: 1, 4: 2}  # what libjpeg takes for granted, by the number of channels
_WHOLE_BLOCK = b"\0\x3f\0"  # a sequential scan's coefficients, whatever it says itself


class _Unwrapped:
    """A JPEG reduced to its tables and scans, up to where they end or cannot go on.

    `ended` says whether the file has its end marker there.
    """

    def __init__(self, data: bytes) -> None:
        self.ended = False
        self._wrapping: dict[int, bytes] = {}
        self._parts: list[bytes] = []
        self._missing: dict[int, list[int]] = {}  # for each channel's 64 coefficients, bits still to come
        self._sequential = self._arithmetic = self._restarts = self._scanned = False
        with suppress(*OUTSIDE, KeyError, ValueError):  # what follows is not JPEG
            for marker, start, end in _segments(data):
                if self._scanned and marker not in _BETWEEN_SCANS:
                    self.ended = marker == _EOI
                    return
                if marker != _SOS:
                    self._take(marker, data[start:end])
                    continue
                stop = _scan_end(data, end, restarts=self._restarts)
                self._take_scan(data[start:end], data[end:stop])
                if self.complete:
                    self.ended = data.startswith(_END, stop)
                    return

    def _take(self, marker: int, content: bytes) -> None:
        if marker == _APP0 and content.startswith(b"JFIF\0"):
            self._wrapping[marker] = _JFIF
        elif marker == _APP14 and content.startswith(b"Adobe"):
            self._wrapping[marker] = _ADOBE + content[11:12]
        elif marker in _FRAMES:
            self._sequential = marker in _SEQUENTIAL
            self._arithmetic = marker in _ARITHMETIC
            self._missing = {channel: [1] * 64 for channel in content[6::3]}
            self._parts.append(_segment(marker, content))
        elif marker in _TABLES:
            self._restarts = self._restarts or marker == _RESTART_INTERVAL
            self._parts.append(_segment(marker, content))

    def _take_scan(self, header: bytes, compressed: bytes) -> None:
        self._scanned = True
        channels = header[1 : 1 + 2 * header[0] : 2]
        if self._sequential:
            header = header[: 1 + 2 * header[0]] + _WHOLE_BLOCK
        self._parts += _segment(_SOS, header), compressed
        first, last, bits = header[-3:]
        for channel in channels:
            self._missing[channel][first : last + 1] = [bits & 15] * (last + 1 - first)

    @property
    def complete(self) -> bool:
        """Whether the scans hold every coefficient to its last bit."""
        return self._scanned and not any(map(any, self._missing.values()))

    @property
    def tells_its_end(self) -> bool:
        """Whether its decoder knows that data are missing; arithmetic coding takes zeros for them."""
        return self.complete and not self._arithmetic

    @property
    def data(self) -> bytes:
        """The tables and scans, closed by an end marker."""
        wrapping = dict(self._wrapping)
        if wrapping.get(_APP14, b"\0")[-1]:
            wrapping[_APP14] = _ADOBE + bytes((_ADOBE_TRANSFORMS.get(len(self._missing), 1),))
        parts = [_segment(marker, content) for marker, content in sorted(wrapping.items())] + self._parts
        if not self.ended:
            # Where a transfer broke off, zeros may stand for the rest. A scan ends with none but FF's.
            scan = parts[-1].rstrip(b"\0")
            parts[-1] = scan + b"\0" if scan.endswith(b"\xff") else scan
        return b"".join((_START, *parts, _END))


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
