"""The smallest face that is looked for: in pixels, or as a share of a photo's shorter side."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from operator import index

from fercli.errors import UsageError

LEAST = 12
"""Pixels; no smaller face is looked for, since nothing of an expression can be seen in it."""

_FORM = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?%|(\d{1,9})", re.ASCII)
_REMEDY = f"Give pixels from {LEAST} up, such as 40, or a share of the photo's shorter side, such as 5%."


@dataclass(frozen=True, slots=True)
class SmallestFace:
    """A size, in pixels or, where it is `relative`, in hundredths of a photo's shorter side."""

    size: float
    relative: bool = False

    def __str__(self) -> str:
        return f"{self.size:.10g}%" if self.relative else str(int(self.size))

    def in_pixels(self, height: int, width: int) -> int:
        """In whole pixels of a photo, and never below `LEAST`."""
        pixels = min(height, width) * self.size / 100 if self.relative else self.size
        return max(LEAST, math.ceil(pixels))


def smallest_face(given: int | str | SmallestFace) -> SmallestFace:
    """What is given as a number of pixels, or in words, as `40` or `5%`.

    Raises:
        UsageError: it is something else, less than `LEAST` pixels, or a share of nothing or above 100%.
    """
    if isinstance(given, SmallestFace):
        return given
    if isinstance(given, str):
        found = _FORM.fullmatch(given.strip())
        if found is None:
            raise UsageError(f"The smallest face (--min-face) is {given!r}, which is not a size.", _REMEDY)
        if found[1] is not None:
            share = float(found[1])
            if not 0 < share <= 100:  # noqa: PLR2004 - the whole
                raise UsageError(
                    f"The smallest face (--min-face) is {share:.10g}%, not above 0% and up to 100%.",
                    _REMEDY,
                )
            return SmallestFace(share, relative=True)
        given = int(found[2])
    try:
        pixels = index(given)
    except TypeError:
        raise UsageError(
            f"The smallest face (--min-face) is {given!r}, which is not a size.", _REMEDY
        ) from None
    if pixels < LEAST:
        raise UsageError(
            f"The smallest face (--min-face) is {pixels} pixels; nothing below {LEAST} is looked for.",
            _REMEDY,
        )
    return SmallestFace(pixels)
