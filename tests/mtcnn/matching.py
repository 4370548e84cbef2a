"""Which faces that one detector finds are those that another finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

IOU = 0.7  # the overlap from which on two boxes are the same face


class Matches(NamedTuple):
    """Pairs (reference index, found index), one to one, and the number of unmatched on either side."""

    pairs: list[tuple[int, int]]
    missed: int
    extra: int


def match(reference: NDArray[Any], found: NDArray[Any], iou: float = IOU) -> Matches:
    """The faces that two lists of boxes, (N, 4) and (M, 4), share, the best overlaps paired first."""
    overlaps = _overlaps(reference.astype(np.float64), found.astype(np.float64))
    pairs = []
    while overlaps.size and overlaps.max() >= iou:
        row, column = divmod(int(overlaps.argmax()), overlaps.shape[1])
        pairs.append((row, column))
        overlaps[row], overlaps[:, column] = -1, -1
    return Matches(pairs, len(reference) - len(pairs), len(found) - len(pairs))


def _overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    start = np.maximum(a[:, None, :2], b[None, :, :2])
    stop = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (stop - start).clip(0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b)]
    overlaps: NDArray[np.float64] = common / (areas[0][:, None] + areas[1][None] - common)
    return overlaps
