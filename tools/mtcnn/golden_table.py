"""Print, as Markdown, how far the detector's faces lie from the reference's on the golden pictures.

Runs from the root of the project:

    python -m tools.mtcnn.golden_table
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fercli.mtcnn.cascade import Detections, find_faces
from fercli.mtcnn.nets import load_nets
from tests.mtcnn.goldens import MIN_FACES, Golden, golden, worst_differences
from tests.mtcnn.matching import match
from tests.mtcnn.pictures import PICTURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENT = 0.9


def main() -> None:
    """One row a picture, and the totals."""
    nets = load_nets(threads=1)
    print("| picture | size | min face | faces | found | box, px | score | landmarks, px |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    faces = dict.fromkeys(MIN_FACES, np.zeros(2, int))
    furthest = dict.fromkeys(MIN_FACES, np.zeros(3))
    confident = dict.fromkeys(MIN_FACES, np.zeros(4, int))
    for name, make in PICTURES.items():
        picture = make()
        for size in MIN_FACES:
            found, reference = find_faces(picture, nets, size), golden(name, size)
            counts = len(reference.boxes), len(found.boxes)
            same = counts[0] == counts[1]
            worst = worst_differences(found, reference) if same else (float("inf"),) * 3
            print(row(name, f"{picture.shape[1]}x{picture.shape[0]}", size, *counts, *worst))
            confident[size] = confident[size] + confident_counts(found, reference)
            faces[size] = faces[size] + counts
            furthest[size] = np.maximum(furthest[size], worst)
    for size in MIN_FACES:
        print(row("**all**", f"{len(PICTURES)} pictures", size, *faces[size], *furthest[size]))
    for size, (wanted, recalled, found_sure, extra) in confident.items():
        print(
            f"\nSmallest face {size}, scores from {CONFIDENT}: {recalled} of the reference's {wanted} faces"
        )
        print(f"found at an overlap of 0.7, {extra} of {found_sure} faces extra.")


def confident_counts(found: Detections, reference: Golden) -> NDArray[np.int_]:
    """Faces of a high score: of the reference, those of them found, those found at all, those extra."""
    wanted = reference.boxes[reference.scores >= CONFIDENT]
    sure = found.boxes[found.scores >= CONFIDENT]
    recalled = len(match(wanted, sure).pairs)
    return np.array([len(wanted), recalled, len(sure), match(reference.boxes, sure).extra])


def row(name: str, shape: str, size: int, faces: int, found: int, *worst: float) -> str:
    """One row of the table."""
    return f"| {name} | {shape} | {size} | {faces} | {found} | {' | '.join(f'{d:.1e}' for d in worst)} |"


if __name__ == "__main__":
    main()
