"""Makes photos/group.jpg: a collage of four of the sample photos, two by two.

Run from anywhere: `python samples/make_group.py`.
"""

from pathlib import Path

import cv2
import numpy as np

PHOTOS = Path(__file__).resolve().parent / "photos"
TILE = 400

# Each photo with the square that is taken from it: left, top, side, in pixels.
SQUARES = {
    "astronaut-eileen-collins.jpg": (66, 0, 340),
    "admiral-grace-hopper.jpg": (76, 0, 380),
    "president-obama-portrait.jpg": (260, 10, 420),
    "vice-president-biden.jpg": (70, 30, 360),
}


def main() -> None:
    """Cuts the squares, scales them to one size and writes the collage."""
    tiles = []
    for name, (left, top, side) in SQUARES.items():
        photo = cv2.imread(str(PHOTOS / name))
        if photo is None:
            raise ValueError(f"{PHOTOS / name} cannot be decoded")
        square = photo[top : top + side, left : left + side]
        tiles.append(cv2.resize(square, (TILE, TILE), interpolation=cv2.INTER_CUBIC))
    collage = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    cv2.imwrite(str(PHOTOS / "group.jpg"), collage, [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
