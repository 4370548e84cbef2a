"""A face as people are shown it: a square of the photo around its box. The network sees `fercli.crop`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fercli.records import Box

_AROUND = 1.2
"""The square's side over the longer side of the box: a box cuts off chin and hair."""


def portrait(rgb: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The part of the square that lies in the photo, uint8 (h, w, 3), at least a pixel; a view, no copy.

    Args:
        rgb: the upright photo, uint8 (H, W, 3).
        box: the face's, in its pixels.
    """
    height, width = rgb.shape[:2]
    half = max(box.width, box.height) * _AROUND / 2
    middle_x, middle_y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    left, right = _span(middle_x - half, middle_x + half, width)
    top, bottom = _span(middle_y - half, middle_y + half, height)
    return rgb[top:bottom, left:right]


def _span(start: float, stop: float, length: int) -> tuple[int, int]:
    """Whole pixels from start to stop, in 0..length, one at least."""
    first = min(max(0, round(start)), length - 1)
    return first, max(first + 1, min(round(stop), length))
