"""The sizes at which the cascade looks at a picture, and how it is resampled to them.

Resampling is adaptive average pooling over whole pixels, torch's `interpolate(mode="area")`: output i
of n takes the mean of inputs floor(i * size / n) up to ceil((i + 1) * size / n). A summed-area table
(Crow, 1984) gives any such mean from four of its entries, so one table, made once a picture, serves
every level of the pyramid and every crop of the later stages, shrunk or enlarged, without a loop.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CELL = 12
"""Side in pixels of what the first net sees at once, so the smallest face on every level."""

FACTOR = 0.709
"""Ratio of a level's size to that of the level before: half the area."""

Pixels = NDArray[np.float32]
Indices = NDArray[np.int64]


def scales(height: int, width: int, min_face: float) -> list[float]:
    """The levels' scales, largest first, for faces from `min_face` pixels up; empty if none fits."""
    scale = CELL / min_face
    shorter_side = min(height, width) * scale
    found = []
    while shorter_side >= CELL:
        found.append(scale)
        scale *= FACTOR
        shorter_side *= FACTOR
    return found


class SummedAreaTable:
    """A picture, uint8 (H, W, 3) RGB, that answers for the mean of any rectangle of its pixels.

    Entries are int32 and wrap around on pictures above some 8 megapixels; so do their differences,
    which therefore stay right as long as one rectangle's sum fits.
    """

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self.height, self.width = rgb.shape[:2]
        sums = cv2.integral(np.ascontiguousarray(rgb), sdepth=cv2.CV_32S)
        self._sums: NDArray[np.int32] = np.asarray(sums, np.int32)

    def level(self, height: int, width: int, rows: range) -> Pixels:
        """Some `rows` of the picture resampled to `height` by `width`: (1, 3, len(rows), width)."""
        top, bottom = _bins(np.asarray(rows), height, np.int64(self.height))
        left, right = _bins(np.arange(width), width, np.int64(self.width))
        sums = self._sums.take(bottom, axis=0) - self._sums.take(top, axis=0)
        sums = sums.take(right, axis=1) - sums.take(left, axis=1)
        return _means(sums[None], np.multiply.outer(bottom - top, right - left)[None])

    def crops(self, corners: Indices, size: int) -> Pixels:
        """Rectangles of the picture resampled to `size` by `size`: (N, 3, size, size).

        Args:
            corners: int (N, 4), each rectangle's left, top, right and bottom edge inside the picture,
                right and bottom exclusive, at least one pixel wide and high.
            size: side of the crops in pixels.
        """
        left, top, right, bottom = corners.T[..., None]
        outputs = np.arange(size)
        y1, y2 = (top + edge for edge in _bins(outputs, size, bottom - top))
        x1, x2 = (left + edge for edge in _bins(outputs, size, right - left))
        areas = (y2 - y1)[:, :, None] * (x2 - x1)[:, None]
        # Entries by one index each: three times faster to fetch than by row and column.
        table, entries_a_row = self._sums.reshape(-1, 3), self.width + 1
        upper, lower = (y[:, :, None] * entries_a_row for y in (y1, y2))
        near, far = x1[:, None], x2[:, None]
        sums = table.take(lower + far, axis=0)
        sums -= table.take(upper + far, axis=0)
        sums -= table.take(lower + near, axis=0)
        sums += table.take(upper + near, axis=0)
        return _means(sums, areas)


def _bins(outputs: Indices, count: int, size: np.int64 | Indices) -> tuple[Indices, Indices]:
    """First and past-the-last input pixel of each of the `outputs` when `size` pixels become `count`."""
    first: Any = outputs * size // count
    past: Any = -(-(outputs + 1) * size // count)
    return first, past


def _means(sums: NDArray[np.int32], areas: Indices) -> Pixels:
    """Sums (N, h, w, 3) over areas (N, h, w) as channels-first float32 (N, 3, h, w)."""
    n, height, width, channels = sums.shape
    means = np.empty((n, channels, height, width), np.float32)
    return np.divide(sums.transpose(0, 3, 1, 2), areas[:, None].astype(np.float32), out=means)
