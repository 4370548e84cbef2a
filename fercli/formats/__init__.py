"""What pictures' files say of themselves before a single pixel is decoded, a module a format.

Written by hand because a size must be known for sure before a decoder may allocate it, and because the
same look tells how the picture is turned, whether the file ends early, and what of it is not the picture.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.formats import bmp, gif, heif, jpeg, png, pnm, tiff, webp
from fercli.formats.header import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fercli.formats.header import Header


def read_header(data: bytes) -> Header:
    """What the file says of itself.

    Raises:
        PhotoError: `not-an-image` for anything but the formats of `Format`; `truncated` where the file
            ends before the size is told; `unsupported` for variants of a format that are not read.
    """
    for signature, parse in _PARSERS:
        if signature.match(data):
            try:
                return parse(data)
            except OUTSIDE:
                raise PhotoError(
                    PhotoErrorKind.TRUNCATED, "The file ends inside the picture's header."
                ) from None
    raise PhotoError(
        PhotoErrorKind.NOT_AN_IMAGE,
        "It is not a picture in any format that fercli reads, whatever its name.",
    )


_PARSERS: tuple[tuple[re.Pattern[bytes], Callable[[bytes], Header]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), jpeg.read_header),
    (re.compile(re.escape(png.SIGNATURE)), png.read_header),
    (re.compile(rb"GIF8[79]a"), gif.read_header),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), webp.read_header),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), tiff.read_header),
    (re.compile(rb"BM.{8}.{4}[\x0c\x28-\x7c]\0\0\0", re.DOTALL), bmp.read_header),
    (pnm.SIGNATURE, pnm.read_header),
    (re.compile(rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1|avi[fs])", re.DOTALL), heif.read_header),
)
