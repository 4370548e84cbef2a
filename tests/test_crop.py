from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.architecture import SIDE
from fercli.crop import FER2013, WHOLE, Framing, crop_face, to_unit_range
from fercli.records import Box, Face, Landmarks
from tests.corpus import gradient, noise

if TYPE_CHECKING:
    from numpy.typing import NDArray


def grey_photo(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.repeat(grey[:, :, np.newaxis], 3, axis=2))


def spots(width: int, height: int, *places: tuple[float, float]) -> NDArray[np.uint8]:
    """Soft white spots on black, each centred on a place counted from the photo's corner."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    light = sum(np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 18) for at in places)
    return grey_photo((np.asarray(light) * 255).clip(0, 255).astype(np.uint8))


def centre_of_light(crop: NDArray[np.float32]) -> tuple[float, float]:
    """As (x, y) counted from the crop's corner, in its pixels."""
    y, x = np.mgrid[0 : crop.shape[0], 0 : crop.shape[1]] + 0.5
    return float((x * crop).sum() / crop.sum()), float((y * crop).sum() / crop.sum())


def square(x: float, y: float, side: float) -> Face:
    return Face(Box(x, y, x + side, y + side), 1.0)


def test_the_whole_of_a_picture_of_the_nets_size_is_left_as_it_is() -> None:
    grey = noise(SIDE, SIDE)[:, :, 0]
    crop = crop_face(grey_photo(grey), square(0, 0, SIDE), WHOLE)
    assert crop.shape == (SIDE, SIDE)
    assert crop.dtype == np.float32
    np.testing.assert_allclose(crop, to_unit_range(grey), atol=1e-6)


def test_a_box_of_the_nets_size_is_cut_out_of_a_photo() -> None:
    grey = noise(200, 100)[:, :, 0]
    crop = crop_face(grey_photo(grey), square(70, 30, SIDE), WHOLE)
    np.testing.assert_allclose(crop, to_unit_range(grey[30:78, 70:118]), atol=1e-6)


def test_grey_is_the_luminance() -> None:
    red, green, blue = (
        crop_face(np.full((60, 60, 3), colour, np.uint8), square(0, 0, 60), WHOLE).mean() * 255
        for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))
    )
    assert (red, green, blue) == pytest.approx((76, 150, 29), abs=1)


@pytest.mark.parametrize("side", [480, 960, 4800, 4777, 1001])
def test_a_large_face_is_shrunk_without_aliasing(side: int) -> None:
    board = (np.indices((side, side)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = crop_face(grey_photo(board), square(0, 0, side), WHOLE)
    np.testing.assert_allclose(crop, 0.5, atol=0.03)


@pytest.mark.parametrize("side", [30.0, 48.0, 70.0, 96.0])
@pytest.mark.parametrize("shift", [0.25, 0.5, 0.75])
def test_a_shift_by_part_of_a_pixel_shifts_what_is_seen_by_as_much(side: float, shift: float) -> None:
    # Not a whole number of levels a pixel: the rounding to bytes evens out.
    ramp = grey_photo((2.13 * np.arange(119.0)[np.newaxis].repeat(120, 0)).round().astype(np.uint8))
    here, there = (crop_face(ramp, square(x, 10, side), WHOLE) for x in (10.0, 10.0 + shift))
    assert float((there - here).mean() * 255) == pytest.approx(2.13 * shift, abs=0.15)


def test_a_spot_lies_where_the_box_says_at_any_place_and_size() -> None:
    photo = spots(400, 300, (203.3, 141.7))
    for x, y, side in ((150.0, 100.0, 96.0), (150.5, 100.25, 96.0), (120.0, 60.0, 160.0), (180, 120, 48)):
        seen = centre_of_light(crop_face(photo, square(x, y, side), WHOLE))
        expected = ((203.3 - x) / side * SIDE, (141.7 - y) / side * SIDE)
        assert seen == pytest.approx(expected, abs=0.1)


def test_an_oblong_box_gives_the_square_around_it() -> None:
    photo = spots(400, 300, (200, 150))
    crop = crop_face(photo, Face(Box(180, 110, 220, 190), 1.0), WHOLE)
    assert centre_of_light(crop) == pytest.approx((24, 24), abs=0.1)
    np.testing.assert_allclose(crop, crop_face(photo, square(160, 110, 80), WHOLE))


def test_size_and_down_move_the_square() -> None:
    photo = spots(400, 300, (200, 170))
    crop = crop_face(photo, square(180, 130, 40), Framing(size=2.0, down=0.25))
    assert centre_of_light(crop) == pytest.approx((24, 24), abs=0.1)


@pytest.mark.parametrize("degrees", [-35, -10, 0, 20, 40])
def test_levelled_eyes_lie_on_a_horizontal_line(degrees: float) -> None:
    angle = math.radians(degrees)
    across, down = 25 * math.cos(angle), 25 * math.sin(angle)
    left, right = (150 - across, 120 - down), (150 + across, 120 + down)
    nose = (150.0, 140.0)
    face = Face(Box(100, 70, 200, 170), 1.0, Landmarks(left, right, nose, nose, nose))
    crop = crop_face(spots(300, 240, left, right), face, Framing(level=True))
    (left_x, left_y), (right_x, right_y) = centre_of_light(crop[:, :24]), centre_of_light(crop[:, 24:])
    assert left_y == pytest.approx(right_y, abs=0.1)
    assert right_x + 24 - left_x == pytest.approx(50 * SIDE / 100, abs=0.2)


def test_without_landmarks_nothing_is_levelled() -> None:
    photo = gradient(100, 100)
    face = square(10, 10, 60)
    np.testing.assert_array_equal(
        crop_face(photo, face, Framing(level=True)), crop_face(photo, face, Framing(level=False))
    )


def test_beyond_the_photo_its_border_goes_on() -> None:
    photo = np.full((50, 50, 3), 200, np.uint8)
    photo[:, :25] = 100
    crop = crop_face(photo, square(-50, -50, 150), WHOLE)
    np.testing.assert_allclose(crop[:, :20], 100 / 255, atol=1e-3)
    np.testing.assert_allclose(crop[:, 28:], 200 / 255, atol=1e-3)


@pytest.mark.parametrize("framing", [WHOLE, FER2013, Framing(1.3, 0.1, True)])
@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
    st.tuples(st.floats(0, 300), st.floats(0, 300)),
)
def test_any_box_gives_a_picture(
    framing: Framing, size: tuple[int, int], start: tuple[float, float], extent: tuple[float, float]
) -> None:
    box = Box(*start, start[0] + extent[0], start[1] + extent[1])
    crop = crop_face(noise(*size), Face(box, 1.0), framing)
    assert crop.shape == (SIDE, SIDE)
    assert crop.dtype == np.float32
    assert 0.0 <= crop.min() <= crop.max() <= 1.0


@pytest.mark.parametrize("tall", [False, True])
def test_a_face_at_the_far_end_of_a_panorama_is_cropped_like_any_other(tall: bool) -> None:
    part = noise(200, 60)
    photo = np.zeros((60, 40_000, 3), np.uint8)
    photo[:, -200:] = part
    x, y = 39_940.5, 3.25
    near, far = square(x - 39_800, y, 52), square(x, y, 52)
    if tall:
        photo, part = (np.ascontiguousarray(picture.transpose(1, 0, 2)) for picture in (photo, part))
        near, far = square(y, x - 39_800, 52), square(y, x, 52)
    np.testing.assert_allclose(crop_face(photo, far, FER2013), crop_face(part, near, FER2013), atol=1e-6)


@pytest.mark.parametrize("tall", [False, True])
def test_a_picture_far_longer_than_wide_is_a_face_that_needs_no_square_of_its_length(tall: bool) -> None:
    """With a sample for each pixel of that square it would take 7 GB."""
    row = grey_photo(np.linspace(0, 255, 30_000).round().astype(np.uint8)[np.newaxis])
    photo = np.ascontiguousarray(row.transpose(1, 0, 2)) if tall else row
    crop = crop_face(photo, Face(Box(0, 0, photo.shape[1], photo.shape[0]), 1.0), WHOLE)
    expected = np.broadcast_to((np.arange(SIDE) + 0.5) / SIDE, (SIDE, SIDE))
    np.testing.assert_allclose(crop, expected.T if tall else expected, atol=0.01)
