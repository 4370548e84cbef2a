"""Pictures that occur more than once, with the same pixels or nearly the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from fercli.fer2013.likeness import likely_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fercli.fer2013.rows import Pictures


def exact_copies(pixels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """Groups of equal pictures in uint8 (N, 48, 48): of each group the two or more places, int64 (K,)."""
    groups: dict[bytes, list[int]] = {}
    for place, picture in enumerate(pixels):
        digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
        groups.setdefault(digest, []).append(place)
    return [np.array(places, np.int64) for places in groups.values() if len(places) > 1]


def near_pairs(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs of near copies in uint8 (N, 48, 48): the places, (K, 2), each pair in both orders."""
    found = list(likely_pairs(pixels, pixels, once=True))
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    return np.concatenate([pairs, pairs[:, ::-1]])


def seen_in(pictures: Pictures, training: Pictures) -> NDArray[np.bool_]:
    """Whether each of N pictures also occurs in training, exactly or nearly: bool (N,)."""
    seen = np.zeros(len(pictures), bool)
    for pairs in likely_pairs(training.pixels, pictures.pixels):
        seen[pairs[:, 1]] = True
    return seen
