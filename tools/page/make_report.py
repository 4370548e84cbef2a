"""Makes photos with many faces and their report, to see how a page copes with them.

Faces are those of samples/photos, cut and changed at random, so that each takes about as many bytes as a
different face. Probabilities and dates are random; some names try to run code in the page.
"""

from __future__ import annotations

import argparse
import struct
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from fercli.images import decode
from fercli.records import Box, Face, Photo
from fercli.reports import Format, open_report

_TILE, _COLUMNS, _ROWS = 160, 4, 2
_NAMES = (
    "<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "\"'><svg onload=alert(3)>",
    "a&lt;b&amp;c", "\u202egnp.exe", "שלום عالم", "two\nlines\u2028and more", "'; alert(4); '", "<!--",
    "javascript:alert(5)", "%2e%2e%2f#?x=1",
)  # fmt: skip


def main() -> None:
    """Writes FOLDER/photos and FOLDER/report.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=20_000)
    chosen = parser.parse_args()
    random = np.random.default_rng(1)
    sources = _sources()
    per_photo = _COLUMNS * _ROWS
    with open_report(_made(chosen.folder) + "/report.jsonl", Format.JSONL) as writer:
        for number in range(-(-chosen.faces // per_photo)):
            name = (
                _NAMES[number // 50 % len(_NAMES)].replace("/", "\u2215")
                if number % 50 == 0
                else f"img_{number:05}"
            )
            place = chosen.folder / "photos" / f"{2016 + number % 9}" / f"{name}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            count = min(per_photo, chosen.faces - number * per_photo)
            picture, faces = _photo(sources, random, count)
            jpeg = cv2.imencode(".jpg", picture)[1]
            place.write_bytes(_dated(jpeg.tobytes(), number) if number % 3 else jpeg.tobytes())
            writer.write(Photo(str(place), faces, picture.shape[1], picture.shape[0]).rows())
        for name in _NAMES:
            path = f"gone/{quote(name, safe=' <>&;!')}"
            writer.write(Photo(path, (), 10, 10).rows())
            writer.write(Photo(path, error=f"missing: {name}").rows())


def _made(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _sources() -> list[np.ndarray]:
    """Squares around faces, BGR."""
    from fercli.mtcnn import MtcnnPlugin

    detector = MtcnnPlugin().load(40, 0.9, 1)
    found = []
    for path in sorted(Path("samples/photos").iterdir()):
        rgb = decode(path.read_bytes())
        height, width = rgb.shape[:2]
        for face in detector.detect(rgb):
            half = int(max(face.box.width, face.box.height) * 0.75)
            x, y = int(face.box.x1 + face.box.width / 2), int(face.box.y1 + face.box.height / 2)
            cut = rgb[max(0, y - half) : min(height, y + half), max(0, x - half) : min(width, x + half)]
            found.append(
                cv2.resize(cv2.cvtColor(cut, cv2.COLOR_RGB2BGR), (220, 220), interpolation=cv2.INTER_AREA)
            )
    return found


def _photo(
    sources: list[np.ndarray], random: np.random.Generator, count: int
) -> tuple[np.ndarray, tuple[Face, ...]]:
    picture = np.full((_TILE * _ROWS, _TILE * _COLUMNS, 3), 128, np.uint8)
    faces = []
    for place in range(count):
        source = sources[random.integers(len(sources))]
        x, y = random.integers(0, 220 - _TILE, 2)
        tile = source[y : y + _TILE, x : x + _TILE]
        if random.integers(2):
            tile = tile[:, ::-1]
        tile = cv2.convertScaleAbs(tile, alpha=random.uniform(0.7, 1.2), beta=random.uniform(-20, 20))
        top, left = place // _COLUMNS * _TILE, place % _COLUMNS * _TILE
        picture[top : top + _TILE, left : left + _TILE] = tile
        logits = random.normal(0, 2.5, 7)
        shares = np.exp(logits) / np.exp(logits).sum()
        box = Box(left + 15.0, top + 15.0, left + _TILE - 15.0, top + _TILE - 15.0)
        faces.append(Face(box, 0.99, None, tuple(map(float, shares))))
    return picture, tuple(faces)


def _dated(jpeg: bytes, number: int) -> bytes:
    """The JPEG with an EXIF block that has the date of exposure."""
    date = (
        f"{2016 + number % 9}:{1 + number % 12:02}:{1 + number % 28:02} {number % 24:02}:30:00\0".encode()
    )
    first = struct.pack("<HHHIII", 1, 34665, 4, 1, 26, 0)
    details = struct.pack("<HHHIII", 1, 36867, 2, len(date), 44, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + first + details + date
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


if __name__ == "__main__":
    main()
