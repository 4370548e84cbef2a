"""Photos a second of facenet-pytorch's detector alone, after a warm-up; run in its own environment.

Run it as `.venv-facenet/bin/python benchmarks/facenet_detector.py FOLDER MIN_FACE`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import cv2
from facenet_pytorch import MTCNN

WARM_UP = 10


def main() -> None:
    """Prints the seconds that decoding and detecting all photos took, once warm."""
    paths = sorted(Path(sys.argv[1]).iterdir())
    detector = MTCNN(keep_all=True, min_face_size=int(sys.argv[2]))
    _detect(detector, paths[:WARM_UP])
    started = time.perf_counter()
    _detect(detector, paths)
    print(time.perf_counter() - started)


def _detect(detector: Any, paths: list[Path]) -> None:
    for path in paths:
        photo = cv2.imread(str(path))
        if photo is None:
            raise ValueError(f"{path} cannot be decoded")
        detector.detect(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB))


if __name__ == "__main__":
    main()
