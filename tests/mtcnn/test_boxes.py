"""Suppression, regression, squaring and clamping of boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fercli.mtcnn.boxes import (
    Boxes,
    Floats,
    intersection_over_smaller,
    intersection_over_union,
    pixel_corners,
    regress,
    square,
    suppress,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 0.5
whole = st.integers(-50, 250)
extent = st.integers(1, 120)


@st.composite
def boxes_and_scores(draw: st.DrawFn) -> tuple[Boxes, Floats]:
    rows = draw(st.lists(st.tuples(whole, whole, extent, extent, st.integers(0, 20)), max_size=40))
    values = np.array(rows, np.float32).reshape(-1, 5)
    values[:, 2:4] += values[:, :2]
    return values[:, :4], values[:, 4]


def greedy(boxes: Boxes, scores: Floats) -> list[int]:
    """Suppression by the book, one pair at a time."""
    kept: list[int] = []
    apart = intersection_over_union(boxes, boxes) <= LIMIT
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(apart[k, i] for k in kept):
            kept.append(i)
    return kept


@given(boxes_and_scores())
def test_suppression_is_the_greedy_one(case: tuple[Boxes, Floats]) -> None:
    assert suppress(*case, LIMIT).tolist() == greedy(*case)


def test_suppression_of_many_is_the_greedy_one() -> None:
    random = np.random.default_rng(0)
    corners = random.integers(0, 300, (1500, 2))
    boxes = np.concatenate([corners, corners + random.integers(10, 60, (1500, 2))], axis=1).astype(
        np.float32
    )
    scores = random.integers(0, 500, 1500).astype(np.float32)
    assert suppress(boxes, scores, LIMIT).tolist() == greedy(boxes, scores)


def test_of_equal_scores_either_the_first_or_the_last_stays() -> None:
    boxes = np.repeat(np.array([[0, 0, 9, 9]], np.float32), 3, axis=0)
    scores = np.ones(3, np.float32)
    assert suppress(boxes, scores, LIMIT).tolist() == [0]
    assert suppress(boxes, scores, LIMIT, last_of_equals=True).tolist() == [2]


def test_overlaps() -> None:
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 5], [20, 20, 30, 30], [10, 0, 20, 10], [3, 3, 3, 3]], np.float32)
    assert intersection_over_union(a, b).tolist() == [[0.5, 0, 0, 0]]
    smaller = intersection_over_smaller(a, b)
    assert smaller[0].tolist() == [1, 0, np.float32(11 / 121), 1]  # edges count as pixels there
    assert smaller.dtype == np.float32


@given(boxes_and_scores())
def test_squares_have_the_longer_side_and_the_same_centre(case: tuple[Boxes, Floats]) -> None:
    boxes, _ = case
    squares = square(boxes)
    sizes, sides = boxes[:, 2:] - boxes[:, :2], squares[:, 2:] - squares[:, :2]
    assert np.allclose(sides, sizes.max(axis=1, keepdims=True, initial=0))
    assert np.allclose(boxes[:, :2] + boxes[:, 2:], squares[:, :2] + squares[:, 2:])


@given(boxes_and_scores(), st.integers(1, 200), st.integers(1, 200))
def test_corners_lie_in_the_picture_or_enclose_nothing(
    case: tuple[Boxes, Floats], width: int, height: int
) -> None:
    corners = pixel_corners(case[0], width, height)
    inside = (corners[:, 2:] > corners[:, :2]).all(axis=1)
    assert (corners[inside] >= 0).all()
    assert (corners[inside, 2:] <= (width, height)).all()


def test_corners_truncate_and_count_from_one() -> None:
    boxes: NDArray[np.float32] = np.array([[-3.7, 0.2, 9.9, 30.0], [5.9, 1.0, 8.1, 7.0]], np.float32)
    assert pixel_corners(boxes, 20, 25).tolist() == [[0, 0, 9, 25], [4, 0, 8, 7]]


def test_regression_moves_by_shares_of_the_size() -> None:
    box, offsets = np.array([[10, 20, 30, 60]], np.float32), np.array([[0.5, 0.25, -0.5, 0]], np.float32)
    assert regress(box, offsets, extra=0).tolist() == [[20, 30, 20, 60]]
    assert regress(box, offsets, extra=1).tolist() == [[20.5, 30.25, 19.5, 60]]
