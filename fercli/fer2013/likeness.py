"""Pairs of pictures that are nearly the same: in their perceptual hashes, or in correlation after a shift.

The hash finds copies with another contrast or a watermark. The correlation finds copies that were moved,
cut anew, compressed again or mirrored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.architecture import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HASH_BITS = 6
"""How many of 64 bits may differ between the hashes of near copies.

Chosen on FER2013 by looking: of 100 pairs that differ by 6 bits nearly all show one photo twice (moved by a
pixel or two, scaled, with a watermark or another contrast); of 40 that differ by 8, about a quarter do not.
"""

CORRELATION = 0.92
"""The least correlation of copies that the hash misses.

Chosen on FER2013 by looking: of 40 pairs at 0.92 to 0.94, 38 show one photo twice; of 40 at 0.90 to
0.92, 30 do.
"""

SHIFT = 2
"""How many pixels one may be moved against the other, down and across."""

_BITS = 64
_HASHED = 8
_SHRUNK = 32

_COARSE = 6
"""Only pairs whose 6 x 6 lowest frequencies correlate by CORRELATION are compared closely.

That is one pair in 13,000. It loses 3% of FER2013's pairs, most of them moved by two pixels both ways.
"""

_BLOCK = 256
"""How many pictures are compared with all others at once: 40 MB for FER2013's 36,000."""


def likely_pairs(
    pixels: NDArray[np.uint8], others: NDArray[np.uint8], *, once: bool = False
) -> Iterator[NDArray[np.int64]]:
    """The pairs of pictures, one of each array, that are nearly the same.

    Args:
        pixels: uint8 (N, 48, 48).
        others: uint8 (M, 48, 48); its pictures are those that may be moved or mirrored.
        once: both arrays are the same, and only pairs with the larger place second are wanted.

    Yields:
        Places in the first and in the second array, int64 (K, 2), without repeats, for a part of the first
        array at a time.
    """
    mirrored = np.ascontiguousarray(others[:, :, ::-1])
    signs, other_signs = _signs(perceptual_hashes(pixels)), _signs(perceptual_hashes(others)).T
    waves, other_waves = _waves(pixels), [(seen, _waves(seen).T) for seen in (others, mirrored)]
    for start in range(0, len(pixels), _BLOCK):
        block = slice(start, start + _BLOCK)
        first = start if once else 0
        # The product of two vectors of +1 and -1 is the number of equal signs less that of unequal ones.
        near = signs[block] @ other_signs[:, first:] >= _BITS - 2 * HASH_BITS
        for seen, columns in other_waves:
            candidates = (waves[block] @ columns[:, first:] >= CORRELATION) & ~near
            for place, other in np.argwhere(candidates).tolist():
                if not once or place < other:
                    near[place, other] = (
                        _correlation(pixels[start + place], seen[first + other]) >= CORRELATION
                    )
        pairs = np.argwhere(near)
        yield (pairs[pairs[:, 0] < pairs[:, 1]] if once else pairs) + (start, first)


def perceptual_hashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of 64 bits of each picture of uint8 (N, 48, 48): uint64 (N,).

    pHash: which of the 8 x 8 lowest frequencies of the cosine transform of the picture, shrunk to 32 x 32
    pixels, lie above their median, the constant ones left out (Zauner, "Implementation and Benchmarking
    of Perceptual Image Hash Functions", 2010, section 3.2.1). A picture of one grey has the hash 0.
    """
    cosines = _cosines(np.arange(1, _HASHED + 1), _SHRUNK)
    hashes = np.empty(len(pixels), np.uint64)
    for start in range(0, len(pixels), _BLOCK):
        block = np.stack([_shrink(picture) for picture in pixels[start : start + _BLOCK]])
        waves = (cosines @ block @ cosines.T).reshape(len(block), _BITS)
        above = waves > np.median(waves, axis=1, keepdims=True)
        hashes[start : start + _BLOCK] = np.packbits(above, axis=1).view(np.uint64)[:, 0]
    return hashes


def _correlation(picture: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The best correlation of the other's middle, uint8 (44, 44), over its places in the picture."""
    middle = other[SHIFT:-SHIFT, SHIFT:-SHIFT]
    return float(cv2.matchTemplate(picture, middle, cv2.TM_CCOEFF_NORMED).max())


def _waves(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The lowest frequencies without the constant one, scaled to length 1: float32 (N, 36)."""
    cosines = _cosines(np.arange(_COARSE), SIDE)
    cosines[0] /= np.sqrt(2)
    waves = np.empty((len(pixels), _COARSE * _COARSE), np.float32)
    for start in range(0, len(pixels), _BLOCK):
        block = pixels[start : start + _BLOCK].astype(np.float32)
        waves[start : start + _BLOCK] = (cosines @ block @ cosines.T).reshape(len(block), -1)
    waves[:, 0] = 0
    # A picture of one grey has no frequencies, and resembles no other.
    waves /= np.maximum(np.linalg.norm(waves, axis=1, keepdims=True), 1)
    return waves


def _cosines(frequencies: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """The waves of a cosine transform of so many values: float32 (frequencies, size)."""
    angles = np.outer(frequencies, 2 * np.arange(size) + 1) * np.pi / (2 * size)
    return np.cos(angles).astype(np.float32)


def _shrink(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The picture as float32 (32, 32) with a mean of 0, so that one grey becomes zeros."""
    shrunk = cv2.resize(picture, (_SHRUNK, _SHRUNK), interpolation=cv2.INTER_AREA).astype(np.float32)
    shrunk -= shrunk.mean()
    return shrunk


def _signs(hashes: NDArray[np.uint64]) -> NDArray[np.float32]:
    """The bits as +1 and -1: float32 (N, 64)."""
    bits = np.unpackbits(hashes[:, np.newaxis].view(np.uint8), axis=1)
    return bits.astype(np.float32) * 2 - 1
