from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fercli.fer2013 import Pictures
from fercli.fer2013.duplicates import exact_copies, near_pairs, seen_in
from fercli.fer2013.likeness import likely_pairs, perceptual_hashes


def clouds(count: int) -> NDArray[np.uint8]:
    """Smooth pictures as unlike as faces of different people: uint8 (count, 48, 48)."""
    noise = np.random.default_rng(5).uniform(0, 255, (count, 10, 10)).astype(np.float32)
    return np.stack(
        [cv2.resize(one, (48, 48), interpolation=cv2.INTER_CUBIC).clip(0, 255) for one in noise]
    ).astype(np.uint8)


def forms(count: int, size: int) -> NDArray[np.uint8]:
    """Large forms with some detail, as faces have: uint8 (count, size, size)."""
    random = np.random.default_rng(5)
    layers = [
        np.stack([cv2.resize(one, (size, size), interpolation=cv2.INTER_CUBIC) for one in noise])
        for noise in (random.normal(0, 70, (count, 4, 4)), random.normal(0, 20, (count, 12, 12)))
    ]
    pixels: NDArray[np.uint8] = (128 + layers[0] + layers[1]).clip(0, 255).astype(np.uint8)
    return pixels


def pictures(pixels: NDArray[np.uint8]) -> Pictures:
    return Pictures(pixels, np.zeros(len(pixels), np.int64), np.arange(len(pixels)))


PIXELS = clouds(300)
WIDE = forms(300, 52)
"""The middle of each is a picture; two pixels beside it lies another one."""


def test_exact_copies_are_groups_of_places() -> None:
    pixels = PIXELS[[0, 1, 2, 1, 0, 1, 3]]
    changed = pixels[6:].copy()
    changed[0, 47, 47] ^= 1
    groups = exact_copies(np.concatenate([pixels, changed]))
    assert [group.tolist() for group in groups] == [[0, 4], [1, 3, 5]]


def test_a_picture_that_was_made_a_little_different_is_a_near_copy() -> None:
    blurred = np.stack([cv2.GaussianBlur(picture, (3, 3), 0) for picture in PIXELS]).astype(np.uint8)
    paler = (PIXELS * 0.7 + 50).astype(np.uint8)
    marked = PIXELS.copy()
    marked[:, 30:34, 8:40] = 255 - marked[:, 30:34, 8:40] // 2
    for copies, least in ((paler, 300), (blurred, 300), (marked, 200)):
        found = seen_in(pictures(copies), pictures(PIXELS))
        assert found.dtype == bool
        assert found.sum() >= least


def test_other_pictures_are_none() -> None:
    assert not seen_in(pictures(PIXELS[:150]), pictures(PIXELS[150:])).any()


def _compressed(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    return decoded.astype(np.uint8)


def _moved(down: int, across: int) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    return lambda wide: wide[2 + down : 50 + down, 2 + across : 50 + across]


def _noisy(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(9).normal(0, 8, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def _scaled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(picture[1:-1, 1:-1], (48, 48), interpolation=cv2.INTER_AREA).astype(np.uint8)


MADE: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    **{
        f"moved by {down}, {across}": _moved(down, across)
        for down, across in ((0, 1), (1, 0), (-1, 1), (2, 0), (0, -2), (2, 2), (-2, 1))
    },
    "mirrored": lambda wide: wide[2:50, 2:50][:, ::-1],
    "mirrored and moved": lambda wide: wide[1:49, 4:52][:, ::-1],
    "compressed": lambda wide: _compressed(wide[2:50, 2:50], 10),
    "mirrored and compressed": lambda wide: _compressed(wide[2:50, 2:50][:, ::-1].copy(), 20),
    "moved and compressed": lambda wide: _compressed(wide[3:51, 0:48].copy(), 30),
    "moved and paler": lambda wide: (wide[3:51, 3:51] * 0.6 + 70).astype(np.uint8),
    "moved and noisy": lambda wide: _noisy(wide[1:49, 1:49]),
    "cut a little closer": lambda wide: _scaled(wide[2:50, 2:50]),
}


@pytest.mark.parametrize("name", MADE)
def test_a_copy_that_was_moved_mirrored_or_compressed_is_near(name: str) -> None:
    originals, made = WIDE[:, 2:50, 2:50], np.stack([MADE[name](wide) for wide in WIDE])
    least = 240 if name == "moved by 2, 2" else 295
    assert seen_in(pictures(made), pictures(originals)).sum() >= least
    # It is the picture that it was made of, and no other.
    pairs = np.concatenate(list(likely_pairs(originals, made)))
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])


def test_a_copy_that_was_moved_far_is_none() -> None:
    wide = forms(60, 64)
    assert seen_in(pictures(wide[:, 16:, 16:]), pictures(wide[:, :48, :48])).sum() <= 1


def test_near_pairs_are_all_pairs_both_ways_without_a_picture_and_itself() -> None:
    pixels = np.concatenate([PIXELS[:270], PIXELS[5:7, :, ::-1], PIXELS[5:6]])
    pairs = {tuple(pair) for pair in near_pairs(pixels).tolist()}
    expected = {(5, 270), (6, 271), (5, 272), (270, 272)}
    assert pairs == expected | {(second, first) for first, second in expected}
    assert len(near_pairs(pixels)) == len(pairs)


def test_what_is_near_inside_a_set_is_near_across_two() -> None:
    random = np.random.default_rng(2)
    made = WIDE[:, 3:51, 1:49] * random.uniform(0.2, 1, (300, 1, 1)) + random.normal(0, 25, (300, 48, 48))
    copies, originals = made.clip(0, 255).astype(np.uint8), WIDE[:, 2:50, 2:50]
    inside = near_pairs(np.concatenate([originals, copies]))
    across = np.unique(inside[(inside[:, 0] >= 300) & (inside[:, 1] < 300), 0]) - 300
    seen = seen_in(pictures(copies), pictures(originals))
    assert 0 < seen.sum() < 300
    np.testing.assert_array_equal(across, np.flatnonzero(seen))


@pytest.mark.parametrize("grey", [0, 7, 255])
def test_one_grey_has_no_frequencies(grey: int) -> None:
    assert perceptual_hashes(np.full((2, 48, 48), grey, np.uint8)).tolist() == [0, 0]


def test_nothing_is_seen_in_nothing() -> None:
    assert seen_in(pictures(PIXELS[:0]), pictures(PIXELS)).shape == (0,)
    assert not seen_in(pictures(PIXELS), pictures(PIXELS[:0])).any()
