"""How a picture is resampled: adaptive average pooling, torch's `interpolate(mode="area")`.

Output i of n takes the mean of inputs floor(i * size / n) up to ceil((i + 1) * size / n). A summed-area
table (Crow, 1984) gives any such mean from four of its entries, shrunk or enlarged, without a loop. The
table of a whole picture would be five times as large as the picture, and slow since no cache holds it. So
it is made a strip of rows at a time, and the sum of what reaches over several strips is added up strip by
strip: sums of whole numbers are exact in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Pixels = NDArray[np.float32]
Sums = NDArray[np.int32]
Indices = NDArray[np.int64]

_TABLE_BYTES = 4 << 20
"""Of a strip's table: what a processor's caches hold, and few strips all the same."""
_LINE_BYTES = 256 << 10
"""Of the lines of a table that are worked on at once: they stay in a core's own cache."""
_ENTRY_BYTES = 12
_ROWS = 2048
"""Of crops that are summed at once: bounds what that takes beside the sums."""


class Picture:
    """A picture, uint8 (H, W, 3) RGB, that gives the summed-area tables of its strips."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self.height, self.width = rgb.shape[:2]
        self._rgb = rgb
        row_bytes = _ENTRY_BYTES * (self.width + 1)
        self._rows = min(max(_TABLE_BYTES // row_bytes, 1), self.height)
        self._table = np.empty((self._rows + 1, self.width + 1, 3), np.int32)
        self._tabled = range(0)
        self._lines = np.empty((max(_LINE_BYTES // row_bytes, 1), self.width + 1, 3), np.int32)

    def strips(self, first: int, past: int) -> Iterator[range]:
        """The strips, always the same ones, that have the rows from `first` up to `past`: their rows."""
        for start in range(first - first % self._rows, past, self._rows):
            yield range(start, min(start + self._rows, self.height))

    def table(self, rows: range) -> Sums:
        """A strip's table, int32 (rows + 1, W + 1, 3); valid until another one's is taken."""
        table = self._table[: len(rows) + 1]
        if rows != self._tabled:
            strip = np.ascontiguousarray(self._rgb[rows.start : rows.stop])
            cv2.integral(strip, table, sdepth=cv2.CV_32S)
            self._tabled = rows
        return table

    def grid(self, table: Sums, tops: Indices, bottoms: Indices, lefts: Indices, rights: Indices) -> Sums:
        """The sums between all pairs of rows, (M,), and of columns, (w,), of a table: (M, w, 3)."""
        sums = np.empty((len(tops), len(lefts), 3), np.int32)
        edges = zip(tops.tolist(), bottoms.tolist(), strict=True)
        for start in range(0, len(tops), len(self._lines)):
            part = sums[start : start + len(self._lines)]
            lines = self._lines[: len(part)]
            for line, (top, bottom) in zip(lines, edges, strict=False):
                np.subtract(table[bottom], table[top], out=line)
            lines.take(rights, axis=1, out=part, mode="clip")
            part -= lines.take(lefts, axis=1)
        return sums


def bins(outputs: Indices, count: int, size: np.int64 | Indices) -> tuple[Indices, Indices]:
    """First and past-the-last input pixel of each of the `outputs` when `size` pixels become `count`."""
    first: Any = outputs * size // count
    past: Any = -(-(outputs + 1) * size // count)
    return first, past


def means(sums: Sums, heights: Indices, widths: Indices, out: Pixels) -> None:
    """Writes sums (..., h, w, 3) over heights (..., h) by widths (..., w) to `out`, RGB (..., 3, h, w)."""
    areas = heights.astype(np.float32)[..., :, None] * widths.astype(np.float32)[..., None, :]
    out[:] = np.moveaxis(sums, -1, -3)
    out /= areas[..., None, :, :]


def crops(picture: Picture, corners: Indices, size: int, batch: int) -> Iterator[Pixels]:
    """Rectangles of the picture resampled to `size` by `size`, in batches: (batch, 3, size, size).

    Args:
        picture: the picture.
        corners: int (N, 4), each rectangle's left, top, right and bottom edge inside the picture,
            right and bottom exclusive, at least one pixel wide and high.
        size: side of the crops in pixels.
        batch: how many are given at a time; the last may be fewer.
    """
    left, top, right, bottom = corners.T[..., None]
    outputs = np.arange(size)
    tops, bottoms = (top + edge for edge in bins(outputs, size, bottom - top))
    lefts, rights = (left + edge for edge in bins(outputs, size, right - left))
    sums = np.zeros((len(corners), size, size, 3), np.int32)
    row_sums, row_tops, row_bottoms = sums.reshape(-1, size, 3), tops.ravel(), bottoms.ravel()
    for rows in picture.strips(int(top.min()), int(bottom.max())):
        (reached,) = np.nonzero((row_tops < rows.stop) & (row_bottoms > rows.start))
        for start in range(0, len(reached), _ROWS):
            some = reached[start : start + _ROWS]
            edges = (within(edges[some], rows) for edges in (row_tops, row_bottoms))
            sides = (edges.take(some // size, axis=0) for edges in (lefts, rights))
            row_sums[some] += _between(picture.table(rows), *edges, *sides)
    for start in range(0, len(sums), batch):
        part = slice(start, start + batch)
        pixels = np.empty((len(sums[part]), 3, size, size), np.float32)
        means(sums[part], (bottoms - tops)[part], (rights - lefts)[part], pixels)
        yield pixels


def within(edges: Indices, rows: range) -> Indices:
    """Edges of rectangles as rows of the table of a strip, beyond which they may reach."""
    inside: Indices = edges.clip(rows.start, rows.stop) - rows.start
    return inside


def _between(table: Sums, tops: Indices, bottoms: Indices, lefts: Indices, rights: Indices) -> Sums:
    """The sums between pairs of rows of a table, (M,), and columns for each, (M, w): (M, w, 3)."""
    # Entries by one index each: three times faster to fetch than by row and column.
    entries, entries_a_row = table.reshape(-1, 3), table.shape[1]
    upper, lower = ((edges * entries_a_row)[:, None] for edges in (tops, bottoms))
    sums: Sums = entries.take(lower + rights, axis=0)
    sums -= entries.take(upper + rights, axis=0)
    sums -= entries.take(lower + lefts, axis=0)
    sums += entries.take(upper + lefts, axis=0)
    return sums
