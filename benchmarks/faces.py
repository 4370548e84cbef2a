"""The faces that two tools find in the same photos, side by side."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fercli.mtcnn.boxes import intersection_over_union

if TYPE_CHECKING:
    from numpy.typing import NDArray

Faces = dict[str, list[list[Any]]]
"""Of each photo, by its file's name: each face's corners and expression, None where a tool reads none."""

SAME = 0.5
"""Two boxes that overlap by this much or more show the same face."""


def read_report(path: Path) -> Faces:
    """The faces of a report of fercli, in CSV."""
    faces: Faces = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            photo = faces.setdefault(Path(row["path"]).name, [])
            if row["status"] == "ok":
                photo.append([*(float(row[name]) for name in ("x1", "y1", "x2", "y2")), row["expression"]])
    return faces


def compare(ours: Faces, theirs: Faces) -> dict[str, int]:
    """How many faces each has, how many of ours are found, and how many of these have our expression.

    Boxes are matched photo by photo, each of ours with that of theirs that overlaps it most.
    """
    found = alike = 0
    for name, mine in ours.items():
        other = theirs.get(name, [])
        overlaps = intersection_over_union(_boxes(mine), _boxes(other))
        for face, row in zip(mine, overlaps, strict=True):
            if row.max(initial=0) >= SAME:
                found += 1
                alike += face[4] == other[int(row.argmax())][4]
    return {"ours": _count(ours), "theirs": _count(theirs), "found": found, "same_expression": alike}


def _boxes(faces: list[list[Any]]) -> NDArray[np.float32]:
    return np.array([face[:4] for face in faces], np.float32).reshape(-1, 4)


def _count(faces: Faces) -> int:
    return sum(map(len, faces.values()))
