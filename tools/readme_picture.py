"""Draws docs/images/report.jpg: sample photos with what `fercli predict` says of their faces.

Run it as `python tools/readme_picture.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fercli.images import decode

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ("astronaut-eileen-collins.jpg", "cameraman-profile-grey.png", "admiral-grace-hopper.jpg")
HEIGHT = 420
COLOUR = (70, 220, 120)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def main() -> None:
    """Runs fercli on three samples and sets them side by side."""
    fercli = Path(sys.executable).parent / "fercli"
    tiles = [_annotated(fercli, ROOT / "samples" / "photos" / name) for name in PHOTOS]
    out = ROOT / "docs" / "images" / "report.jpg"
    out.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(out), np.hstack(tiles))


def _annotated(fercli: Path, path: Path) -> NDArray[np.uint8]:
    """The photo at the common height, its faces boxed and labelled."""
    command = [str(fercli), "predict", str(path), "--format", "jsonl", "--quiet"]
    rows = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
    photo = cv2.cvtColor(decode(path.read_bytes()), cv2.COLOR_RGB2BGR)
    scale = HEIGHT / photo.shape[0]
    tile = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    for row in map(json.loads, rows):
        x1, y1, x2, y2 = (round(row[name] * scale) for name in ("x1", "y1", "x2", "y2"))
        cv2.rectangle(tile, (x1, y1), (x2, y2), COLOUR, 2, cv2.LINE_AA)
        text = f"{row['expression']} {row['confidence']:.0%}"
        cv2.rectangle(tile, (x1, y2), (x1 + 11 * len(text), y2 + 26), COLOUR, cv2.FILLED)
        cv2.putText(
            tile, text, (x1 + 4, y2 + 19), cv2.FONT_HERSHEY_SIMPLEX, 0.58, (0, 0, 0), 1, cv2.LINE_AA
        )
    return tile


if __name__ == "__main__":
    main()
