"""Print, as Markdown, how far the detector's faces lie from the reference's on the golden pictures.

Runs from the root of the project:

    python -m tools.mtcnn.golden_table
"""

from __future__ import annotations

from fercli.mtcnn.cascade import find_faces
from fercli.mtcnn.nets import load_nets
from tests.mtcnn.goldens import MIN_FACES, golden, worst_differences
from tests.mtcnn.pictures import PICTURES


def main() -> None:
    """One row a picture, and the totals."""
    nets = load_nets(threads=1)
    print("| picture | size | min face | faces | found | box, px | score | landmarks, px |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    totals = dict.fromkeys(MIN_FACES, (0, 0, 0.0, 0.0, 0.0))
    for name, make in PICTURES.items():
        picture = make()
        for size in MIN_FACES:
            found, reference = find_faces(picture, nets, size), golden(name, size)
            counts = len(reference.boxes), len(found.boxes)
            same = counts[0] == counts[1]
            worst = worst_differences(found, reference) if same else (float("inf"),) * 3
            print(row(name, f"{picture.shape[1]}x{picture.shape[0]}", size, *counts, *worst))
            old = totals[size]
            totals[size] = (old[0] + counts[0], old[1] + counts[1], *map(max, old[2:], worst))
    for size, total in totals.items():
        print(row("**all**", f"{len(PICTURES)} pictures", size, *total))


def row(name: str, shape: str, size: int, faces: int, found: int, *worst: float) -> str:
    """One row of the table."""
    return f"| {name} | {shape} | {size} | {faces} | {found} | {' | '.join(f'{d:.1e}' for d in worst)} |"


if __name__ == "__main__":
    main()
