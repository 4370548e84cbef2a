"""What facenet-pytorch 2.6.0 finds on the pictures: written by tools/mtcnn/make_goldens.py."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = Path(__file__).with_name("goldens.json")
MIN_FACES = (20, 40)


class Golden(NamedTuple):
    """The reference's faces on one picture, largest first: (N, 4), (N,) and (N, 5, 2)."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]


def pixels_sha256(picture: NDArray[np.uint8]) -> str:
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


@cache
def stored(file: Path = FILE) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def golden(name: str, min_face: int, file: Path = FILE) -> Golden:
    """The reference's faces; none where the picture is too small for the reference, which then fails."""
    faces = stored(file)["pictures"][name]["faces"][str(min_face)] or []
    return Golden(
        np.array([face["box"] for face in faces]).reshape(-1, 4),
        np.array([face["score"] for face in faces]),
        np.array([face["landmarks"] for face in faces]).reshape(-1, 5, 2),
    )


def worst_differences(found: tuple[Any, ...], reference: Golden) -> tuple[float, ...]:
    """Largest difference of boxes, scores and landmarks, face by face in order; they must be as many."""
    assert len(found[0]) == len(reference.boxes)
    return tuple(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(found, reference, strict=True))
