import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fercli_training.data import Pictures
from fercli_training.data.duplicates import exact_copies, near_pairs, perceptual_hashes, seen_in


def clouds(count: int) -> NDArray[np.uint8]:
    """Smooth pictures as unlike as faces of different people: uint8 (count, 48, 48)."""
    noise = np.random.default_rng(5).uniform(0, 255, (count, 10, 10)).astype(np.float32)
    return np.stack(
        [cv2.resize(one, (48, 48), interpolation=cv2.INTER_CUBIC).clip(0, 255) for one in noise]
    ).astype(np.uint8)


def pictures(pixels: NDArray[np.uint8]) -> Pictures:
    return Pictures(pixels, np.zeros(len(pixels), np.int64), np.arange(len(pixels)))


PIXELS = clouds(300)


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


def test_near_pairs_are_those_of_no_more_than_6_bits() -> None:
    random = np.random.default_rng(1)
    hashes = random.integers(0, 1 << 63, 400, np.uint64)
    flips = np.array(
        [sum(1 << int(bit) for bit in random.permutation(64)[: n % 9]) for n in range(400)], np.uint64
    )
    others = hashes ^ flips
    pairs = [
        tuple(pair) for found in near_pairs(hashes, others) for pair in np.stack(found, axis=1).tolist()
    ]
    assert pairs == [(n, n) for n in range(400) if n % 9 <= 6]


@pytest.mark.parametrize("grey", [0, 7, 255])
def test_one_grey_has_no_frequencies(grey: int) -> None:
    assert perceptual_hashes(np.full((2, 48, 48), grey, np.uint8)).tolist() == [0, 0]


def test_nothing_is_seen_in_nothing() -> None:
    assert seen_in(pictures(PIXELS[:0]), pictures(PIXELS)).shape == (0,)
    assert not seen_in(pictures(PIXELS), pictures(PIXELS[:0])).any()
