"""Measures where faces lie in FER2013, and which crop of a photo is read best (docs/framing.md).

    python benchmarks/framing.py --data fer2013.csv.gz --photos labelled-photos --out benchmarks/results

`--photos` is a folder with labels.csv (`path,expression`). Writes framing.json and framing.png.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from fercli.architecture import SIDE
from fercli.bundle import load_bundle
from fercli.crop import FER2013, WHOLE, Framing, crop_face
from fercli.devices import usable_cores
from fercli.fer2013 import Split, read_pictures
from fercli.images import decode
from fercli.plugins import find_backend, find_detector
from fercli.records import EXPRESSIONS, Box, Face
from photos import SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fercli.plugins import Classifier

ENLARGED = 5
"""The factor by which a FER2013 picture is enlarged for the detector."""

MARGIN = 80
"""How many pixels the enlarged picture's border is continued on each side."""

SIZES = (0.85, 0.9, 0.95, 1.0, 1.05, 1.15, 1.3, 1.45)
DOWNS = (-0.045, -0.03, -0.015, 0.0, 0.03)


@dataclass(frozen=True)
class Found:
    """A labelled picture, uint8 (H, W, 3), and the largest face in it, if any."""

    rgb: NDArray[np.uint8]
    label: int
    face: Face | None


def main() -> None:
    """Runs both measurements and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--pictures", type=int, default=3600, help="FER2013 pictures to look for faces in")
    arguments = parser.parse_args()
    classifier = find_backend("onnx").load(load_bundle(arguments.model), "cpu", usable_cores())
    public = read_pictures(arguments.data, [Split.PUBLIC])[Split.PUBLIC]
    chosen = slice(0, arguments.pictures)
    canvases = [_canvas(picture) for picture in public.pixels[chosen]]
    fer2013 = _find(canvases, public.labels[chosen].tolist(), min_face=100)
    photos = _find(*_read_photos(arguments.photos), min_face=40)
    pictures = [decode(path.read_bytes()) for path in sorted(SAMPLES.iterdir())]
    samples = _find(pictures, [0] * len(pictures), min_face=40)
    result = {
        "fer2013": _lie([_in_input(found.face, WHOLE, _frame()) for found in fer2013 if found.face]),
        "photos": _lie([_in_input(found.face, FER2013) for found in photos if found.face]),
        "samples": _lie([_in_input(found.face, FER2013) for found in samples if found.face]),
        "found": {"fer2013": _share_found(fer2013), "photos": _share_found(photos)},
        "without_detection": _accuracy(classifier, fer2013, None),
        "crops": [_measure(classifier, fer2013, photos, framing) for framing in _framings()],
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "framing.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    cv2.imwrite(str(arguments.out / "framing.png"), _picture(fer2013, samples))
    print(json.dumps({key: result[key] for key in ("fer2013", "photos", "samples", "found")}, indent=1))
    for crop in result["crops"]:
        print(crop)


def _framings() -> list[Framing]:
    return [Framing(*each) for each in itertools.product(SIZES, DOWNS, (False, True))]


def _canvas(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = SIDE * ENLARGED
    large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    padded = cv2.copyMakeBorder(large, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    rgb: NDArray[np.uint8] = cv2.cvtColor(padded, cv2.COLOR_GRAY2RGB).astype(np.uint8)
    return rgb


def _frame() -> Box:
    """The FER2013 picture's place on its canvas."""
    return Box(MARGIN, MARGIN, MARGIN + SIDE * ENLARGED, MARGIN + SIDE * ENLARGED)


def _read_photos(folder: Path) -> tuple[list[NDArray[np.uint8]], list[int]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = [decode((folder / row["path"]).read_bytes()) for row in rows]
    return pictures, [EXPRESSIONS.index(row["expression"]) for row in rows]


def _find(pictures: list[NDArray[np.uint8]], labels: list[int], min_face: int) -> list[Found]:
    detector = find_detector("mtcnn").load(min_face, 0.9, threads=1)
    with ThreadPoolExecutor(usable_cores()) as pool:
        faces = list(pool.map(detector.detect, pictures))
    return [
        Found(rgb, label, found[0] if found else None)
        for rgb, label, found in zip(pictures, labels, faces, strict=True)
    ]


def _in_input(face: Face, framing: Framing, frame: Box | None = None) -> dict[str, float]:
    """The places of box, eyes and mouth in the network's input, in its pixels.

    The input shows the crop of `framing`, or `frame` if it is given.
    """
    if face.landmarks is None:
        raise ValueError("only for faces with landmarks")
    (lx, ly), (rx, ry) = face.landmarks.left_eye, face.landmarks.right_eye
    tilt = np.arctan2(ry - ly, rx - lx)
    turn = tilt if framing.level else 0.0
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    square = face.box if frame is None else frame
    side = max(square.width, square.height) * framing.size
    centre = _centre(square) + axes[1] * side * framing.down

    def place(point: Any) -> tuple[float, float]:
        x, y = axes @ (np.asarray(point) - centre) * SIDE / side + SIDE / 2
        return float(x), float(y)

    x, y = place(_centre(face.box))
    width, height = (face.box.width * SIDE / side / 2, face.box.height * SIDE / side / 2)
    mouth = np.add(face.landmarks.left_mouth, face.landmarks.right_mouth) / 2
    eyes = (*place((lx, ly)), *place((rx, ry)))
    return {
        "box left": x - width, "box top": y - height, "box right": x + width, "box bottom": y + height,
        "left eye x": eyes[0], "left eye y": eyes[1], "right eye x": eyes[2], "right eye y": eyes[3],
        "mouth y": place(mouth)[1], "eye tilt, degrees": float(np.degrees(tilt - turn)),
    }  # fmt: skip


def _centre(box: Box) -> NDArray[np.float64]:
    return np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2])


def _lie(points: list[dict[str, float]]) -> dict[str, Any]:
    """Median and quartiles of each point."""
    quartiles = {
        name: np.percentile([each[name] for each in points], [25, 50, 75]).round(2).tolist()
        for name in points[0]
    }
    return {"faces": len(points), "quartiles": quartiles}


def _share_found(found: list[Found]) -> float:
    return round(sum(each.face is not None for each in found) / len(found), 4)


def _measure(
    classifier: Classifier, fer2013: list[Found], photos: list[Found], framing: Framing
) -> dict[str, Any]:
    return {
        "size": framing.size, "down": framing.down, "level": framing.level,
        "photos": _accuracy(classifier, photos, framing),
        "fer2013": _accuracy(classifier, fer2013, framing),
    }  # fmt: skip


def _accuracy(classifier: Classifier, found: list[Found], framing: Framing | None) -> dict[str, float]:
    """Accuracy and macro recall; a picture whose face was not found counts as wrong.

    Without a framing, the crop is FER2013's own frame on the canvas, if a face was found.
    """
    known = [each for each in found if each.face is not None]
    whole = Face(_frame(), 1.0)
    crops = [
        crop_face(each.rgb, each.face, framing)
        if framing is not None and each.face is not None
        else crop_face(each.rgb, whole, WHOLE)
        for each in known
    ]
    answers = classifier(np.stack(crops)[:, np.newaxis]).argmax(axis=1)
    right = np.zeros(len(EXPRESSIONS))
    for each, answer in zip(known, answers, strict=True):
        right[each.label] += each.label == answer
    total = np.bincount([each.label for each in found], minlength=len(EXPRESSIONS))
    recalls = right[total > 0] / total[total > 0]
    return {
        "accuracy": round(float(right.sum() / total.sum()), 4),
        "macro_recall": round(float(recalls.mean()), 4),
    }


def _picture(fer2013: list[Found], samples: list[Found]) -> NDArray[Any]:
    """FER2013's mean face with the median box and eyes; beside it, the samples' crops with theirs."""
    whole = Face(_frame(), 1.0)
    faces = [each.face for each in fer2013 if each.face]
    mean = np.mean([crop_face(each.rgb, whole, WHOLE) for each in fer2013 if each.face], axis=0)
    points = [_in_input(face, WHOLE, _frame()) for face in faces]
    median = {name: float(np.median([each[name] for each in points])) for name in points[0]}
    shown = [each for each in samples if each.face][:8]
    tiles = [
        _marked(crop_face(each.rgb, each.face, FER2013), _in_input(each.face, FER2013), 5)
        for each in shown
        if each.face
    ]
    rows = [np.hstack(tiles[start : start + 4]) for start in (0, 4)]
    return np.hstack([_marked(mean, median, 10), np.full((480, 16, 3), 255, np.uint8), np.vstack(rows)])


def _marked(crop: NDArray[Any], points: dict[str, float], zoom: int) -> NDArray[np.uint8]:
    """The enlarged crop, with its box and eyes drawn."""
    grey = (crop * 255).astype(np.uint8)
    large = cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    picture = cv2.cvtColor(large, cv2.COLOR_GRAY2BGR).astype(np.uint8)

    def at(x: str, y: str) -> tuple[int, int]:
        return round(points[x] * zoom), round(points[y] * zoom)

    cv2.rectangle(picture, at("box left", "box top"), at("box right", "box bottom"), (70, 220, 120), 2)
    for eye in ("left eye", "right eye"):
        cv2.circle(picture, at(f"{eye} x", f"{eye} y"), zoom // 2, (60, 60, 255), cv2.FILLED, cv2.LINE_AA)
    return picture


if __name__ == "__main__":
    main()
