"""Makes sets of photos out of the samples: grids of them, of many sizes, with 0 to 20 faces each."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.images import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "photos"
SIZES = (
    (640, 480), (800, 600), (1024, 768), (854, 480), (1280, 960), (640, 480),
    (1600, 1200), (800, 600), (1280, 720), (1920, 1080), (1024, 768), (4000, 3000),
)  # fmt: skip
"""Width and height of a photo, one after the other: 480p to 12 megapixels, 1.8 on average."""
GRIDS = ((1, 1), (2, 1), (1, 1), (2, 2), (1, 1), (4, 3), (1, 1), (2, 1), (1, 1), (2, 2), (5, 4))
"""Columns and rows of samples, one after the other: as many as share no factor with the sizes."""
_GROUP = "group.jpg"
"""A sample of four faces, for photos of one sample: others have at most as many faces as samples."""
_NOISE = 4
"""Grey levels by which a pixel may be off: enlarged samples are too smooth to be any work to decode."""


def make_photos(folder: Path, count: int, distinct: int, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """Writes `count` JPEGs, the first `distinct` of them different, the others links to those.

    Sizes and grids are taken in turn; every second time round, a photo stands upright. The same arguments
    make the same photos.
    """
    folder.mkdir(parents=True)
    samples = {
        path.name: np.asarray(cv2.cvtColor(decode(path.read_bytes()), cv2.COLOR_RGB2BGR), np.uint8)
        for path in sorted(SAMPLES.iterdir())
    }
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        if number >= distinct:
            path.hardlink_to(folder / f"{number % distinct:05}.jpg")
            continue
        (width, height), (columns, rows) = sizes[number % len(sizes)], GRIDS[number % len(GRIDS)]
        if number // len(sizes) % 2:
            width, height, columns, rows = height, width, rows, columns
        photo = _grid(samples, width, height, columns, rows, random.Random(number))  # noqa: S311 - the same photos every time
        cv2.imwrite(str(path), _noisy(photo, number), [cv2.IMWRITE_JPEG_QUALITY, 92])


def places(photo: NDArray[np.uint8], columns: int, rows: int) -> Iterator[NDArray[np.uint8]]:
    """The parts of a photo that make a grid, row by row, to be written to."""
    height, width = photo.shape[:2]
    for row in range(rows):
        for column in range(columns):
            yield photo[
                row * height // rows : (row + 1) * height // rows,
                column * width // columns : (column + 1) * width // columns,
            ]


def filling(sample: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The sample, so large that it fills a place, and cut to it."""
    scale = max(width / sample.shape[1], height / sample.shape[0])
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (max(width, round(sample.shape[1] * scale)), max(height, round(sample.shape[0] * scale)))
    grown = np.asarray(cv2.resize(sample, size, interpolation=filter_), np.uint8)
    top, left = (grown.shape[0] - height) // 4, (grown.shape[1] - width) // 2
    return grown[top : top + height, left : left + width]


def _grid(
    samples: dict[str, NDArray[np.uint8]],
    width: int,
    height: int,
    columns: int,
    rows: int,
    chosen: random.Random,
) -> NDArray[np.uint8]:
    names = [name for name in samples if columns * rows == 1 or name != _GROUP]
    photo = np.zeros((height, width, 3), np.uint8)
    for place in places(photo, columns, rows):
        sample = samples[chosen.choice(names)]
        mirrored = np.ascontiguousarray(sample[:, ::-1]) if chosen.random() < 1 / 2 else sample
        place[:] = filling(mirrored, *place.shape[:2])
    return photo


def _noisy(photo: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(number).integers(-_NOISE, _NOISE + 1, photo.shape, np.int16)
    return np.asarray(np.clip(photo + noise, 0, 255), np.uint8)
