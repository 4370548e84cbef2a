"""Reads a folder of photos with another tool, in that tool's own environment, and says how long it took.

    PYTHON benchmarks/peer.py TOOL FOLDER REPORT [CLASSIFIER]

Tools: `fer-mtcnn`, `fer-haar`, `facenet` (with CLASSIFIER, a network in TorchScript, behind it), `mtcnn`.
Each photo is read by OpenCV and given to the tool as its own documents say. The smallest face is 40 pixels
for facenet, and each tool's own for the others: 20 pixels, with Haar cascades 50. The first photos are read
once before the clock starts, and once more on it. REPORT is JSON: seconds of the warm-up and of all photos,
the faces of each, and how many photos failed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[Any], list[list[Any]]]
    """Gives each face of a picture, uint8 (H, W, 3) BGR: its corners, and its expression or None."""

WARM_UP = 10
MIN_FACE = 40
SIDE = 48
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def main() -> None:
    """Reads everything and writes the report."""
    tool, folder, report, *classifier = sys.argv[1:]
    read = TOOLS[tool](*classifier)
    paths = sorted(Path(folder).iterdir())
    warm_up, _, _ = _read_all(read, paths[:WARM_UP])
    seconds, faces, failed = _read_all(read, paths)
    result = {"warm_up_s": warm_up, "photos_s": seconds, "faces": faces, "failed": failed}
    Path(report).write_text(json.dumps(result), "utf-8")


def _read_all(read: Read, paths: list[Path]) -> tuple[float, dict[str, list[list[Any]]], int]:
    faces: dict[str, list[list[Any]]] = {}
    started = time.perf_counter()
    for path in paths:
        try:
            faces[path.name] = read(cv2.imread(str(path)))
        except Exception as error:  # noqa: BLE001 - a photo that the tool cannot read is a figure too
            print(f"{path.name}: {error}", file=sys.stderr)
    return time.perf_counter() - started, faces, len(paths) - len(faces)


def _fer(**options: bool) -> Read:
    from fer.fer import FER

    detector = FER(**options)

    def read(bgr: Any) -> list[list[Any]]:
        found = detector.detect_emotions(bgr)
        return [[*_corners(face["box"]), max(face["emotions"], key=face["emotions"].get)] for face in found]

    return read


def _facenet(classifier: str) -> Read:
    import torch
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, min_face_size=MIN_FACE)
    network = torch.jit.load(classifier)  # type: ignore[no-untyped-call] # torch's

    def read(bgr: Any) -> list[list[Any]]:
        boxes, _ = detector.detect(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        if boxes is None:
            return []
        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        with torch.inference_mode():
            logits = network(torch.from_numpy(np.stack([_crop(grey, box) for box in boxes])))
        labels = [EXPRESSIONS[index] for index in logits.argmax(dim=1).tolist()]
        return [[*map(float, box), label] for box, label in zip(boxes, labels, strict=True)]

    return read


def _crop(grey: Any, box: Any) -> Any:
    """The network's input of one face, float32 (1, 48, 48): a square around the box, in 0..1."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    height, width = grey.shape
    columns = slice(max(int(left), 0), min(max(int(left + side), 1), width))
    rows = slice(max(int(top), 0), min(max(int(top + side), 1), height))
    face = cv2.resize(grey[rows, columns], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return face[None].astype(np.float32) / 255


def _mtcnn() -> Read:
    from mtcnn import MTCNN

    detector = MTCNN()

    def read(bgr: Any) -> list[list[Any]]:
        # With a smallest face of 40, its pyramid ends in a level without pixels, and it finds no face.
        found = detector.detect_faces(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        return [[*_corners(face["box"]), None] for face in found]

    return read


def _corners(box: Any) -> list[float]:
    left, top, width, height = map(float, box)
    return [left, top, left + width, top + height]


TOOLS: dict[str, Callable[..., Read]] = {
    "fer-mtcnn": lambda: _fer(mtcnn=True),
    "fer-haar": _fer,
    "facenet": _facenet,
    "mtcnn": _mtcnn,
}

if __name__ == "__main__":
    main()
