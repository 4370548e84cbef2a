"""The arithmetic of boxes: suppression of doubles, regression, squaring, clamping. Pure NumPy.

Boxes are float32 (N, 4): left, top, right, bottom in pixels. Everything is computed in float32 and in
facenet-pytorch's order of operations, because the cascade rounds and thresholds what comes out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Floats = NDArray[np.float32]
Overlap = Callable[[Boxes, Boxes], Floats]

_BLOCK = 256  # candidates compared with each other at once: bounds the memory of suppression


def intersection_over_union(a: Boxes, b: Boxes) -> Floats:
    """The share of each pair's common area in their joint area: (len(a), len(b))."""
    common, area_a, area_b = _areas(a, b, extra=0)
    joint = area_a + area_b
    joint -= common
    return _shares(common, joint)


def intersection_over_smaller(a: Boxes, b: Boxes) -> Floats:
    """The share of each pair's common area in the smaller box, edges counted as pixels: (A, B)."""
    common, area_a, area_b = _areas(a, b, extra=1)
    return _shares(common, np.minimum(area_a, area_b))


def _areas(a: Boxes, b: Boxes, extra: int) -> tuple[Floats, Floats, Floats]:
    left, top, right, bottom = a.T[..., None]
    other_left, other_top, other_right, other_bottom = b.T
    width = _common(left, right, other_left, other_right, extra)
    width *= _common(top, bottom, other_top, other_bottom, extra)
    area = (right - left + extra) * (bottom - top + extra)
    other_area = (other_right - other_left + extra) * (other_bottom - other_top + extra)
    return width, area, other_area


def _common(start: Floats, end: Floats, other_start: Floats, other_end: Floats, extra: int) -> Floats:
    """How far each pair overlaps in one direction. In place: memory is slower than arithmetic."""
    length: Floats = np.minimum(end, other_end)
    length -= np.maximum(start, other_start)
    length += extra
    return np.maximum(length, 0, out=length)


def _shares(common: Floats, area: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):  # boxes without area overlap nothing
        return np.divide(common, area, out=common)


def suppress(
    boxes: Boxes,
    scores: Floats,
    limit: float,
    overlap: Overlap = intersection_over_union,
    *,
    last_of_equals: bool = False,
) -> NDArray[np.intp]:
    """Non-maximum suppression: the boxes to keep, best score first.

    A box goes when it overlaps a better one that stays by more than `limit`. Of boxes with equal scores
    the first counts as the better one, or the last with `last_of_equals`. (The reference's last stage
    leaves the order of equal scores to an unstable sort, so to the processor; small batches come out so.)
    """
    if last_of_equals:
        order = np.argsort(scores, kind="stable")[::-1]
    else:
        order = np.argsort(-scores, kind="stable")
    kept = order[:0]
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        block = block[~(overlap(boxes[kept], boxes[block]) > limit).any(axis=0)]
        stays = ~_beaten(overlap(boxes[block], boxes[block]) > limit)
        kept = np.concatenate([kept, block[stays]])
    return kept


def _beaten(clashes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which candidates, best first, clash with a better one that is not beaten itself."""
    beaten = np.zeros(len(clashes), np.bool_)
    for i, row in enumerate(clashes):
        if not beaten[i]:
            beaten[i + 1 :] |= row[i + 1 :]
    return beaten


def regress(boxes: Boxes, offsets: Floats, *, extra: int) -> Boxes:
    """Boxes moved by a net's offsets (N, 4), which are shares of their width and height plus `extra`."""
    width = boxes[:, 2] - boxes[:, 0] + extra
    height = boxes[:, 3] - boxes[:, 1] + extra
    return boxes + offsets * np.stack([width, height, width, height], axis=1)


def square(boxes: Boxes) -> Boxes:
    """Boxes grown about their centres to squares of their longer side."""
    width = boxes[:, 2] - boxes[:, 0]
    height = boxes[:, 3] - boxes[:, 1]
    side = np.maximum(width, height)
    left = boxes[:, 0] + width * np.float32(0.5) - side * np.float32(0.5)
    top = boxes[:, 1] + height * np.float32(0.5) - side * np.float32(0.5)
    return np.stack([left, top, left + side, top + side], axis=1)


def pixel_corners(boxes: Boxes, width: int, height: int) -> NDArray[np.int64]:
    """The whole pixels of a picture that boxes cover, int (N, 4): left, top, right, bottom, exclusive.

    Coordinates are truncated and count from 1, as in the Matlab original. For a box outside the
    picture, right <= left or bottom <= top.
    """
    corners = np.trunc(boxes).astype(np.int64)
    corners[:, :2] = np.maximum(corners[:, :2], 1) - 1
    corners[:, 2:] = np.minimum(corners[:, 2:], (width, height))
    return corners
