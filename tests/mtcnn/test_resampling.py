"""The picture at any size, whole or in part, against adaptive average pooling written out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.mtcnn.pyramid import Level, scales, strips
from fercli.mtcnn.resampling import Picture, crops
from tests.mtcnn.pictures import noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

side = st.integers(1, 40)
BROAD = 70_000
"""Pixels a row of which hardly any fit into a strip of a table."""


def pooled(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """Adaptive average pooling, pixel by pixel: (3, height, width)."""
    out = np.empty((3, height, width))
    for y in range(height):
        top, bottom = y * picture.shape[0] // height, math.ceil((y + 1) * picture.shape[0] / height)
        for x in range(width):
            left, right = x * picture.shape[1] // width, math.ceil((x + 1) * picture.shape[1] / width)
            out[:, y, x] = picture[top:bottom, left:right].mean(axis=(0, 1))
    return out


def level(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """The whole picture at a size, as one strip: (3, height, width)."""
    whole = Picture(picture)
    (strip,) = strips(whole, [Level(whole, height, width, [range(height)])])
    assert (strip.level, strip.first_row) == (0, 0)
    assert strip.pixels.dtype == np.float32
    pixels: NDArray[np.float32] = strip.pixels[0]
    return pixels


def cropped(picture: NDArray[np.uint8], corners: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """Rectangles of a picture, two at a time: (N, 3, size, size)."""
    return np.concatenate(list(crops(Picture(picture), corners, size, batch=2)))


@settings(max_examples=30, deadline=None)
@given(side, side, side, side)
def test_levels_shrink_and_grow_by_average_pooling(h: int, w: int, height: int, width: int) -> None:
    picture = noise(h, w)
    assert np.allclose(level(picture, height, width), pooled(picture, height, width), atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_crops_shrink_and_grow_by_average_pooling(data: st.DataObject) -> None:
    picture = noise(60, 70)
    left, top = data.draw(st.integers(0, 69)), data.draw(st.integers(0, 59))
    right, bottom = data.draw(st.integers(left + 1, 70)), data.draw(st.integers(top + 1, 60))
    corners = np.array([[left, top, right, bottom], [0, 0, 70, 60]])
    found = cropped(picture, corners, 24)
    assert np.allclose(found[0], pooled(picture[top:bottom, left:right], 24, 24), atol=1e-4)
    assert np.allclose(found[1], pooled(picture, 24, 24), atol=1e-4)


@pytest.mark.parametrize("height", [1, 7, 12, 13, 25, 60, 95])
def test_what_reaches_over_several_strips_is_whole(height: int) -> None:
    picture = np.repeat(noise(60, 70), BROAD // 70, axis=1)
    assert len(list(Picture(picture).strips(0, 60))) > 10
    expected = pooled(noise(60, 70), height, 70)
    assert np.allclose(level(picture, height, 70), expected, atol=1e-4)
    corners = np.array([[0, 0, BROAD, 60], [0, 1, BROAD, 2], [7000, 17, 14000, 44]])
    found = cropped(picture, corners, 7)
    for crop, (x1, y1, x2, y2) in zip(found, corners // [1000, 1, 1000, 1], strict=True):
        assert np.allclose(crop, pooled(noise(60, 70)[y1:y2, x1:x2], 7, 7), atol=1e-4)


def test_strips_of_levels_come_in_order_and_are_what_the_whole_level_has() -> None:
    picture = np.repeat(noise(60, 70), BROAD // 70, axis=1)
    whole = Picture(picture)
    wanted = [[range(20), range(10, 33), range(23, 41)], [range(9), range(7, 19)]]
    sizes = [(41, 70), (19, 35)]
    levels = [Level(whole, *size, rows) for size, rows in zip(sizes, wanted, strict=True)]
    found = list(strips(whole, levels))
    for number, (size, rows) in enumerate(zip(sizes, wanted, strict=True)):
        mine = [strip for strip in found if strip.level == number]
        assert [strip.first_row for strip in mine] == [each.start for each in rows]
        for strip, each in zip(mine, rows, strict=True):
            assert strip.pixels.flags.c_contiguous
            assert np.array_equal(strip.pixels[0], level(picture, *size)[:, each.start : each.stop])


def test_sums_beyond_32_bits_still_give_the_mean() -> None:
    picture = np.full((3100, 3100, 3), 255, np.uint8)
    assert 3100 * 3100 * 255 > 2**31
    assert (level(picture, 20, 20) == 255).all()
    assert (cropped(picture, np.array([[0, 0, 3100, 3100]]), 24) == 255).all()


def test_scales_start_at_the_smallest_face_and_end_at_the_shorter_side() -> None:
    assert scales(100, 400, 40) == [0.3, 0.3 * 0.709, 0.3 * 0.709 * 0.709]
    assert scales(40, 40, 40) == [0.3]
    assert scales(39, 4000, 40) == []
