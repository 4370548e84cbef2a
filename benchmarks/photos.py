"""Makes a folder of mixed photos out of the samples: many sizes, mirrored or not, 0 to 4 faces each."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fercli.images import decode

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "photos"
LONGEST = (640, 800, 1024, 1280, 1600, 2048)
"""The longer side of a photo, in pixels, one after the other."""


def make_photos(folder: Path, count: int, distinct: int) -> None:
    """Writes `count` JPEGs, the first `distinct` of them different, the others links to those."""
    folder.mkdir(parents=True)
    samples = [
        cv2.cvtColor(decode(path.read_bytes()), cv2.COLOR_RGB2BGR) for path in sorted(SAMPLES.iterdir())
    ]
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        if number >= distinct:
            path.hardlink_to(folder / f"{number % distinct:05}.jpg")
            continue
        photo = samples[number % len(samples)]
        if number % 2:
            photo = np.ascontiguousarray(photo[:, ::-1])
        scale = LONGEST[number % len(LONGEST)] / max(photo.shape)
        filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        cv2.imwrite(str(path), cv2.resize(photo, None, fx=scale, fy=scale, interpolation=filter_))
