"""Makes fercli/sample_faces/faces.png from samples/photos: `python -m tools.make_sample_faces`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from fercli.analyzer import prepare
from fercli.images import read_picture
from fercli.plugins import find_detector
from fercli.sample_faces import SHEET

PHOTOS = Path(__file__).parents[1] / "samples" / "photos"


def main() -> None:
    """Finds the faces as `fercli predict samples/photos` does, and writes them one below the other."""
    detector = find_detector("mtcnn").load(min_face=40, min_score=0.9, threads=1)
    photos = sorted(PHOTOS.iterdir())
    crops = [prepare(photo.name, partial(read_picture, str(photo)), detector).crops for photo in photos]
    sheet = np.concatenate(crops).reshape(-1, crops[0].shape[2])
    cv2.imwrite(str(SHEET), np.rint(sheet * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
