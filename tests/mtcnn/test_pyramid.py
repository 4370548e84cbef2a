"""The pyramid's scales, and its resampling against adaptive average pooling written out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.mtcnn.pyramid import SummedAreaTable, scales
from tests.mtcnn.pictures import noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

side = st.integers(1, 40)


def pooled(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """Adaptive average pooling, pixel by pixel: (3, height, width)."""
    out = np.empty((3, height, width))
    for y in range(height):
        top, bottom = y * picture.shape[0] // height, math.ceil((y + 1) * picture.shape[0] / height)
        for x in range(width):
            left, right = x * picture.shape[1] // width, math.ceil((x + 1) * picture.shape[1] / width)
            out[:, y, x] = picture[top:bottom, left:right].mean(axis=(0, 1))
    return out


@settings(max_examples=30, deadline=None)
@given(side, side, side, side)
def test_levels_shrink_and_grow_by_average_pooling(h: int, w: int, height: int, width: int) -> None:
    picture = noise(h, w)
    level = SummedAreaTable(picture).level(height, width, range(height))
    assert level.dtype == np.float32
    assert np.allclose(level[0], pooled(picture, height, width), atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_crops_shrink_and_grow_by_average_pooling(data: st.DataObject) -> None:
    picture = noise(60, 70)
    left, top = data.draw(st.integers(0, 69)), data.draw(st.integers(0, 59))
    right, bottom = data.draw(st.integers(left + 1, 70)), data.draw(st.integers(top + 1, 60))
    corners = np.array([[left, top, right, bottom], [0, 0, 70, 60]])
    crops = SummedAreaTable(picture).crops(corners, 24)
    assert np.allclose(crops[0], pooled(picture[top:bottom, left:right], 24, 24), atol=1e-4)
    assert np.allclose(crops[1], pooled(picture, 24, 24), atol=1e-4)


def test_sums_beyond_32_bits_still_give_the_mean() -> None:
    table = SummedAreaTable(np.full((3100, 3100, 3), 255, np.uint8))
    assert 3100 * 3100 * 255 > 2**31
    assert (table.level(20, 20, range(20)) == 255).all()
    assert (table.crops(np.array([[0, 0, 3100, 3100]]), 24) == 255).all()


def test_scales_start_at_the_smallest_face_and_end_at_the_shorter_side() -> None:
    assert scales(100, 400, 40) == [0.3, 0.3 * 0.709, 0.3 * 0.709 * 0.709]
    assert scales(40, 40, 40) == [0.3]
    assert scales(39, 4000, 40) == []
