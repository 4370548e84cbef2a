"""Write, or check, what facenet-pytorch 2.6.0 finds on the detector's test pictures.

Runs from the root of the project in an environment that holds facenet-pytorch (run_facenet.sh makes one):

    python -m tools.mtcnn.make_goldens            writes tests/mtcnn/goldens.json
    python -m tools.mtcnn.make_goldens --check    makes them anew and compares, writing nothing

One thing is fixed that the reference leaves open. Two boxes that round to the same crop get exactly the
same score, and which of them its last suppression keeps is then up to NumPy's default sort, whose order of
equals depends on the processor. Here that sort is the stable one. Both commands name the pictures on which
the reference as it stands would have kept another of two such equals.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from tests.mtcnn.goldens import FILE, MIN_FACES, golden, pixels_sha256, stored, worst_differences
from tests.mtcnn.pictures import PICTURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGES = ("facenet-pytorch", "torch", "torchvision", "numpy", "opencv-python-headless")
TOLERANCES = (1e-2, 1e-5, 1e-2)  # pixels, score, pixels: what another processor's rounding may change


def main(arguments: list[str]) -> None:
    """Write the goldens, or compare new ones with those committed."""
    if arguments == ["--check"]:
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / FILE.name
            write(fresh)
            differing = differences(fresh)
        print(*differing, f"{len(PICTURES)} pictures, {len(differing)} differences", sep="\n")
        sys.exit(bool(differing))
    if arguments:
        sys.exit(__doc__)
    write(FILE)


def write(file: Path) -> None:
    """Run the reference over all pictures; say on which of them it depends on the order of equals."""
    import torch
    from facenet_pytorch import MTCNN

    torch.set_num_threads(1)  # sums in one order
    detectors = {size: MTCNN(keep_all=True, min_face_size=size) for size in MIN_FACES}
    pictures = {}
    for name, make in PICTURES.items():
        picture = make()
        found = {size: faces(detector, picture) for size, detector in detectors.items()}
        with mock.patch.object(np, "argsort", partial(np.argsort, kind="stable")):
            stable = {size: faces(detector, picture) for size, detector in detectors.items()}
        pictures[name] = {"sha256": pixels_sha256(picture), "faces": stable}
        if found != stable:
            print(f"{name}: equal scores, of which the unstable sort keeps another")
    made_with = {package: metadata.version(package) for package in PACKAGES}
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in pictures.items()]
    text = ['{"made_with": ', json.dumps(made_with), ',\n "pictures": {\n', ",\n".join(lines), "\n}}\n"]
    file.write_text("".join(text), encoding="utf-8")


def faces(detector: Any, picture: NDArray[np.uint8]) -> list[dict[str, Any]] | None:
    """The faces of a picture; None where it is smaller than the smallest face, on which detect raises."""
    if min(picture.shape[:2]) < detector.min_face_size:
        return None
    boxes, scores, landmarks = detector.detect(picture, landmarks=True)
    if boxes is None:
        return []
    return [
        {
            "box": [round(float(v), 5) for v in box],
            "score": round(float(score), 7),
            "landmarks": [[round(float(v), 5) for v in point] for point in points],
        }
        for box, score, points in zip(boxes, scores, landmarks, strict=True)
    ]


def differences(fresh: Path) -> list[str]:
    """One line for every picture and smallest face where the committed goldens are not what was found."""
    found = []
    for name in PICTURES:
        if stored(fresh)["pictures"][name]["sha256"] != stored()["pictures"][name]["sha256"]:
            found.append(f"{name}: other pixels")
        for size in MIN_FACES:
            new, old = golden(name, size, fresh), golden(name, size)
            if len(new.boxes) != len(old.boxes):
                found.append(f"{name}, {size} px: {len(old.boxes)} faces committed, {len(new.boxes)} found")
            elif any(d > t for d, t in zip(worst_differences(new, old), TOLERANCES, strict=True)):
                found.append(f"{name}, {size} px: {worst_differences(new, old)}")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
