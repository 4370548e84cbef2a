"""The sizes at which the cascade looks at a picture, and the picture at these sizes, a strip at a time.

The picture is gone through once, from above to below, for all levels. Each keeps the rows that a strip of
the picture has not completed, and what the next strip of its own begins with.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.mtcnn.resampling import Picture, Pixels, Sums, bins, means, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CELL = 12
"""Side in pixels of what the first net sees at once, so the smallest face on every level."""

FACTOR = 0.709
"""Ratio of a level's size to that of the level before: half the area."""


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


class Strip(NamedTuple):
    """Some rows of a level: its number, the first row, and the pixels, (1, 3, rows, width)."""

    level: int
    first_row: int
    pixels: Pixels


class Level:
    """A size at which a picture is looked at, and its rows as far as they are summed up."""

    def __init__(self, picture: Picture, height: int, width: int, wanted: Iterable[range]) -> None:
        """A level of `height` by `width` pixels, `wanted` in these strips of rows, which may overlap."""
        self._picture = picture
        self._strips = deque(wanted)
        self._tops, self._bottoms = bins(np.arange(height), height, np.int64(picture.height))
        self._lefts, self._rights = bins(np.arange(width), width, np.int64(picture.width))
        self._next = 0  # the first row that is not whole
        self._begun: Sums = np.empty((0, width, 3), np.int32)  # what it and those after it have so far
        self._pixels = self._empty(self._strips[0])

    def add(self, rows: range, table: Sums) -> Iterator[tuple[int, Pixels]]:
        """Adds the picture's next `rows`; gives the strips that they complete: first row and pixels."""
        first, past = self._next, int(self._tops.searchsorted(rows.stop))
        tops, bottoms = (within(edges[first:past], rows) for edges in (self._tops, self._bottoms))
        sums = self._picture.grid(table, tops, bottoms, self._lefts, self._rights)
        sums[: len(self._begun)] += self._begun
        whole = int(self._bottoms.searchsorted(rows.stop, "right"))
        self._begun = sums[whole - first :]
        while self._next < whole:
            strip = self._strips[0]
            stop = min(whole, strip.stop)
            means(
                sums[self._next - first : stop - first],
                (self._bottoms - self._tops)[self._next : stop],
                self._rights - self._lefts,
                out=self._pixels[0, :, self._next - strip.start : stop - strip.start],
            )
            self._next = stop
            if stop == strip.stop:
                yield strip.start, self._pixels
                self._strips.popleft()
                self._begin(strip)

    def _begin(self, last: range) -> None:
        """The next strip begins with the rows that it has in common with the last one."""
        if self._strips:
            common = last.stop - self._strips[0].start
            begun = self._pixels[:, :, len(last) - common :]
            self._pixels = self._empty(self._strips[0])
            self._pixels[:, :, :common] = begun

    def _empty(self, strip: range) -> Pixels:
        return np.empty((1, 3, len(strip), len(self._lefts)), np.float32)


def strips(picture: Picture, levels: list[Level]) -> Iterator[Strip]:
    """All strips of the levels, those of one level from above to below."""
    for rows in picture.strips(0, picture.height):
        table = picture.table(rows)
        for number, level in enumerate(levels):
            for first_row, pixels in level.add(rows, table):
                yield Strip(number, first_row, pixels)
