"""What --fast finds, and how long it takes, beside the exact way, on folders of photos.

    python benchmarks/fast.py FOLDER... [--large FOLDER]

`--large` first makes a folder of photos of 12 megapixels out of the samples. Times are of one thread's
processor, each photo by both ways in turn, so other programs on the machine matter little. Prints a table.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean
from time import thread_time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.analyzer import Prepared, classify, prepare, prepare_fast
from fercli.bundle import load_bundle
from fercli.detectors import load_detector
from fercli.images import decode, decode_reduced
from fercli.mtcnn.boxes import intersection_over_union
from fercli.plugins import find_backend
from fercli.prediction import Predictor
from photos import SAMPLES, filling, places

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fercli.records import Photo

SAME = 0.5
"""Two boxes that overlap by this much or more show the same face."""
MIN_FACE, MIN_SCORE = 40, 0.9
LARGE = (4000, 3000)
GRIDS = ((1, 1), (1, 1), (2, 1), (2, 2), (3, 2), (4, 3), (5, 4), (1, 1))
"""Columns and rows of samples in each large photo."""


@dataclass
class Sums:
    """What a folder comes to."""

    exact: list[float] = field(default_factory=list)
    fast: list[float] = field(default_factory=list)
    faces: int = 0
    found: int = 0
    extra: int = 0
    same: int = 0

    def add(self, exact: Photo, fast: Photo) -> None:
        """Counts which of the exact way's faces the fast way has too, and with the same expression."""
        overlaps = intersection_over_union(_boxes(exact), _boxes(fast))
        matched = [(i, int(row.argmax())) for i, row in enumerate(overlaps) if row.max(initial=0) >= SAME]
        self.faces += len(exact.faces)
        self.found += len(matched)
        self.extra += len(fast.faces) - len({j for _, j in matched})
        self.same += sum(exact.faces[i].expression == fast.faces[j].expression for i, j in matched)


def main() -> None:
    """Measures every folder and prints a line of a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--large", type=Path, help="make large photos in this folder, and measure them too")
    parser.add_argument("--every", type=int, default=1, help="only every N-th photo of a folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.large:
        make_large(arguments.large)
    folders = [*arguments.folders, *([arguments.large] if arguments.large else [])]
    predictor = Predictor([find_backend("onnx").load(load_bundle("default"), "cpu", threads=1)])
    detector = load_detector("mtcnn", MIN_FACE, MIN_SCORE, threads=1, fast=True)
    print("| folder | photos | exact, ms | --fast, ms | times | faces | found | extra | same expression |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for folder in folders:
        sums = Sums()
        paths = sorted(folder.iterdir())[:: arguments.every]
        for path in paths:
            data = path.read_bytes()
            exact = _timed(sums.exact, partial(prepare, "", partial(decode, data), detector))
            reduced = partial(decode_reduced, data)
            fast = _timed(sums.fast, partial(prepare_fast, "", reduced, detector))
            sums.add(*classify([exact, fast], predictor))
        print(
            f"| {folder.name} | {len(paths)} | {mean(sums.exact):.1f} | {mean(sums.fast):.1f}"
            f" | {mean(sums.exact) / mean(sums.fast):.2f} | {sums.faces} | {_share(sums.found, sums.faces)}"
            f" | {sums.extra} | {_share(sums.same, sums.found)} |",
            flush=True,
        )


def make_large(folder: Path) -> None:
    """Writes photos of 12 megapixels, each a grid of samples, enlarged or shrunk, with 1 to 20 faces."""
    folder.mkdir(parents=True)
    chosen = random.Random(3)  # noqa: S311 - the same photos every time
    samples = [
        np.asarray(cv2.cvtColor(decode(path.read_bytes()), cv2.COLOR_RGB2BGR), np.uint8)
        for path in sorted(SAMPLES.iterdir())
        if "no-face" not in path.name
    ]
    width, height = LARGE
    for number, (columns, rows) in enumerate(GRIDS):
        photo = np.zeros((height, width, 3), np.uint8)
        for place in places(photo, columns, rows):
            place[:] = filling(chosen.choice(samples), *place.shape[:2])
        cv2.imwrite(str(folder / f"{number:02}.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 92])


def _timed(milliseconds: list[float], work: Callable[[], Prepared]) -> Prepared:
    started = thread_time()
    prepared = work()
    milliseconds.append(1000 * (thread_time() - started))
    return prepared


def _boxes(photo: Photo) -> NDArray[np.float32]:
    corners = [(face.box.x1, face.box.y1, face.box.x2, face.box.y2) for face in photo.faces]
    return np.array(corners, np.float32).reshape(-1, 4)


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.1%})" if whole else "0"


if __name__ == "__main__":
    main()
