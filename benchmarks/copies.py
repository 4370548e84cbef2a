"""What kind of copies of Training's pictures there are: `python benchmarks/copies.py fer2013.csv.gz`.

Each picture counts for the first kind that it has a copy of, in the order of the columns.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.fer2013 import Split, read_pictures
from fercli.fer2013.likeness import CORRELATION, HASH_BITS, SHIFT, likely_pairs, perceptual_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("the same pixels", "a near hash", "in place", "moved by 1", "moved by 2", "mirrored")
EXACT, HASH, IN_PLACE, MIRRORED = 0, 1, 2, 5


def main() -> None:
    """Prints a table in Markdown, and the seconds that each search took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="FER2013, in any layout")
    splits = read_pictures(parser.parse_args().data, Split)
    training = splits[Split.TRAINING].pixels
    hashes = perceptual_hashes(training)
    print(f"| split | {' | '.join(KINDS)} | any | seconds |")
    print("|---" * (len(KINDS) + 3) + "|")
    for split in (Split.PUBLIC, Split.PRIVATE):
        pixels = splits[split].pixels
        started = time.perf_counter()
        pairs = np.concatenate(list(likely_pairs(training, pixels)))
        seconds = time.perf_counter() - started
        differing = hashes[pairs[:, 0]] ^ perceptual_hashes(pixels)[pairs[:, 1]]
        first: dict[int, int] = {}
        for (place, other), bits in zip(pairs.tolist(), differing.tolist(), strict=True):
            kind = _kind(training[place], pixels[other], bits.bit_count())
            first[other] = min(kind, first.get(other, kind))
        counts = Counter(first.values())
        cells = [str(counts[kind]) for kind in range(len(KINDS))]
        print(f"| {split} | {' | '.join(cells)} | {len(first)} | {seconds:.1f} |")


def _kind(picture: NDArray[np.uint8], other: NDArray[np.uint8], bits: int) -> int:
    """The place in KINDS of a pair that `likely_pairs` found."""
    if np.array_equal(picture, other):
        return EXACT
    if bits <= HASH_BITS:
        return HASH
    found = cv2.matchTemplate(picture, other[SHIFT:-SHIFT, SHIFT:-SHIFT], cv2.TM_CCOEFF_NORMED)
    if found.max() < CORRELATION:
        return MIRRORED
    down, across = np.unravel_index(int(found.argmax()), found.shape)
    return IN_PLACE + int(max(abs(down - SHIFT), abs(across - SHIFT)))


if __name__ == "__main__":
    main()
