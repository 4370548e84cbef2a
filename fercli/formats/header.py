"""What a picture's file says of itself, whatever its format."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum


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
    PNM = "PNM"


class Alpha(StrEnum):
    """What a picture's fourth channel means, where the decoder does not know it for sure."""

    STRAIGHT = "straight"
    MULTIPLIED = "multiplied"
    """The colours were multiplied by it already."""
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's file says of itself.

    Attributes:
        format: told from the first bytes, never from the name.
        width: pixels as stored, before `orientation`; 0 for HEIC and AVIF, whose decoders say it.
        height: likewise.
        orientation: EXIF's, 1 to 8, still to be applied after decoding; 1 where the decoder does it.
        cut: whether the file ends before it should; only the decoder knows whether pixels are missing.
        picture: the file without what is not the picture, for the decoder; None where it takes the file.
        alpha: what the fourth of its channels means.
        clear_grey: the grey value that is transparent, as the decoder gives it.
    """

    format: Format
    width: int = 0
    height: int = 0
    orientation: int = 1
    cut: bool = False
    picture: bytes | None = None
    alpha: Alpha = Alpha.STRAIGHT
    clear_grey: int | None = None


class DamagedError(Exception):
    """A picture cannot be decoded, or not all of it."""


OUTSIDE = (struct.error, IndexError, OverflowError)
"""What comes of reading past the end."""

MAX_PARTS = 1 << 18
"""Segments or chunks to look at; a hostile file could hold a hundred million tiny ones."""
