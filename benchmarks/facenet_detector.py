"""Photos a second of facenet-pytorch's detector alone, after a warm-up; run in its own environment.

Run it as `.venv-facenet/bin/python benchmarks/facenet_detector.py FOLDER MIN_FACE`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
from facenet_pytorch import MTCNN

WARM_UP = 10


def main() -> None:
    """Prints the seconds that decoding and detecting all photos took, once warm."""
    paths = sorted(Path(sys.argv[1]).iterdir())
    detector = MTCNN(keep_all=True, min_face_size=int(sys.argv[2]))
    for path in paths[:WARM_UP]:
        detector.detect(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))
    started = time.perf_counter()
    for path in paths:
        detector.detect(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
