"""What a page shows of a photo besides its rows: a small picture of every face, a link, a date."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import cv2

from fercli.errors import PhotoError
from fercli.formats.date import date_taken
from fercli.portrait import portrait
from fercli.records import Box
from fercli.reports.photos import find_again, pixels, read_photo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fercli.records import Row

SIDE = 96
"""Side of a small picture, in pixels: sharp on a phone, and on most screens at twice the size."""

_QUALITY = 60
_WEBP = [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]


class Pictured(NamedTuple):
    """A photo that was looked up for the page.

    Attributes:
        link: its URL relative to the page's folder; None if it was not found, or the page has no links.
        width: of the upright photo, in pixels; None if it could not be decoded.
        height: likewise.
        taken: the date in its EXIF.
        crops: for each row, WebP in base64; empty if there is no picture.
    """

    link: str | None
    width: int | None
    height: int | None
    taken: str | None
    crops: list[str]


def pictured(rows: Sequence[Row], folders: Iterable[str], beside: str | None) -> Pictured:
    """Opens a photo again and cuts out its faces. If the photo is gone, there are no pictures.

    Args:
        rows: the photo's rows in the report.
        folders: those that its path may be relative to.
        beside: the folder of the page; None for a page without links.
    """
    none = Pictured(None, None, None, None, [""] * len(rows))
    place = find_again(str(rows[0]["path"]), folders)
    if place is None:
        return none
    link = None if beside is None else _link(place, beside)
    try:
        data = read_photo(place)
        taken = date_taken(data)
        if rows[0]["face"] is None:
            return none._replace(link=link, taken=taken)
        rgb = pixels(data)
    except PhotoError:
        return none._replace(link=link)
    height, width = rgb.shape[:2]
    return Pictured(link, width, height, taken, [_small(rgb, row) for row in rows])


def _small(rgb: NDArray[np.uint8], row: Row) -> str:
    x1, y1, x2, y2 = (float(row[name] or 0) for name in ("x1", "y1", "x2", "y2"))
    cut = portrait(rgb, Box(x1, y1, x2, y2))
    height, width = cut.shape[:2]
    shrink = SIDE / min(height, width)
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        # A face at the edge of its photo gives less than a square, of which the middle is shown.
        middle = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    else:
        middle = cut
    high, wide = middle.shape[:2]
    side = min(high, wide)
    top, left = (high - side) // 2, (wide - side) // 2
    square = middle[top : top + side, left : left + side]
    written, encoded = cv2.imencode(".webp", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), _WEBP)
    return b64encode(encoded.tobytes()).decode() if written else ""


def _link(place: str, beside: str) -> str:
    """The URL of a photo relative to a folder; an absolute one if it is on another drive of Windows."""
    try:
        relative = os.path.relpath(place, beside or os.curdir)
    except ValueError:
        return Path(place).resolve().as_uri()
    url = quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")
    return url if url.startswith("../") else f"./{url}"
