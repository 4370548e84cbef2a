"""The cascade gives facenet-pytorch's faces, on every golden picture, one by one and in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fercli.mtcnn.cascade import find_faces
from tests.mtcnn.goldens import MIN_FACES, golden, pixels_sha256, stored, worst_differences
from tests.mtcnn.pictures import PICTURES

if TYPE_CHECKING:
    from fercli.mtcnn.nets import Nets


def test_goldens_are_of_these_pictures() -> None:
    assert len(PICTURES) >= 44
    digests = {name: pixels_sha256(make()) for name, make in PICTURES.items()}
    assert digests == {name: entry["sha256"] for name, entry in stored()["pictures"].items()}
    assert stored()["made_with"]["facenet-pytorch"] == "2.6.0"


@pytest.mark.parametrize("min_face", MIN_FACES)
@pytest.mark.parametrize("name", PICTURES)
def test_same_faces_as_the_reference(name: str, min_face: int, nets: Nets) -> None:
    found = find_faces(PICTURES[name](), nets, min_face)
    reference = golden(name, min_face)
    assert len(found.boxes) == len(reference.boxes)
    boxes, scores, landmarks = worst_differences(found, reference)
    assert boxes <= 0.05
    assert scores <= 1e-4
    assert landmarks <= 0.05
