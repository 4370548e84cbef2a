"""Pictures that occur more than once, pixel for pixel or nearly so."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fercli_training.data.rows import Pictures

NEAR = 6
"""The bits, of 64, by which the hashes of near copies may differ.

Chosen by eye on FER2013: of 100 pairs that differ by 6 bits nearly all show one photo twice (moved by a
pixel or two, scaled, with a watermark or another contrast); of 40 that differ by 8, about a quarter do not.
"""

_BITS = 64
_FREQUENCIES = 8
_SHRUNK = 32
_BLOCK = 256
"""Pictures that are compared with all others at once: 40 MB beside FER2013's 36,000."""


def exact_copies(pixels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """The groups of pictures of uint8 (N, 48, 48) that are equal: the places of two or more, int64 (K,)."""
    groups: dict[bytes, list[int]] = {}
    for place, picture in enumerate(pixels):
        digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
        groups.setdefault(digest, []).append(place)
    return [np.array(places, np.int64) for places in groups.values() if len(places) > 1]


def perceptual_hashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of 64 bits of each picture of uint8 (N, 48, 48): uint64 (N,).

    pHash: which of the 8 x 8 lowest frequencies of the cosine transform of the picture, shrunk to 32 x 32
    pixels, lie above their median, the constant ones left out (Zauner, "Implementation and Benchmarking
    of Perceptual Image Hash Functions", 2010, section 3.2.1). A picture of one grey has the hash 0.
    """
    angles = np.outer(np.arange(1, _FREQUENCIES + 1), 2 * np.arange(_SHRUNK) + 1) * np.pi / (2 * _SHRUNK)
    cosines = np.cos(angles).astype(np.float32)
    hashes = np.empty(len(pixels), np.uint64)
    for start in range(0, len(pixels), _BLOCK):
        block = np.stack([_shrink(picture) for picture in pixels[start : start + _BLOCK]])
        waves = (cosines @ block @ cosines.T).reshape(len(block), _BITS)
        above = waves > np.median(waves, axis=1, keepdims=True)
        hashes[start : start + _BLOCK] = np.packbits(above, axis=1).view(np.uint64)[:, 0]
    return hashes


def near_pairs(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The pairs of pictures, one of each array, whose hashes differ by no more than NEAR bits.

    Args:
        hashes: uint64 (N,).
        others: uint64 (M,).

    Yields:
        Places in the first and in the second array, int64 (K,) each, some of the first's at a time.
    """
    columns = _signs(others).T
    for start in range(0, len(hashes), _BLOCK):
        # Of two vectors of +1 and -1 the product is the number of equal signs less that of unequal ones.
        near = _signs(hashes[start : start + _BLOCK]) @ columns >= _BITS - 2 * NEAR
        first, second = np.nonzero(near)
        yield first + start, second


def seen_in(pictures: Pictures, training: Pictures) -> NDArray[np.bool_]:
    """Which of N pictures occur, exactly or nearly, among those of training: bool (N,)."""
    seen = np.zeros(len(pictures), bool)
    for places, _ in near_pairs(perceptual_hashes(pictures.pixels), perceptual_hashes(training.pixels)):
        seen[places] = True
    return seen


def _shrink(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As float32 (32, 32), with a mean of 0, so that one grey is all zeros."""
    shrunk = cv2.resize(picture, (_SHRUNK, _SHRUNK), interpolation=cv2.INTER_AREA).astype(np.float32)
    shrunk -= shrunk.mean()
    return shrunk


def _signs(hashes: NDArray[np.uint64]) -> NDArray[np.float32]:
    """The bits as +1 and -1: float32 (N, 64)."""
    bits = np.unpackbits(hashes[:, np.newaxis].view(np.uint8), axis=1)
    return bits.astype(np.float32) * 2 - 1
