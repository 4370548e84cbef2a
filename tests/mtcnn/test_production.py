"""The detector plugin as a user gets it finds the reference's confident faces and no others."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fercli.bundle import load_bundle
from fercli.crop import FER2013, crop_face
from fercli.mtcnn import MtcnnPlugin
from fercli.plugins import find_backend
from fercli.records import Box, Face, Landmarks
from tests.mtcnn.goldens import MIN_FACES, Golden, golden
from tests.mtcnn.matching import match
from tests.mtcnn.pictures import PICTURES

CONFIDENT = 0.9


@pytest.mark.parametrize("min_face", MIN_FACES)
def test_recall_and_extra_faces(min_face: int) -> None:
    detector = MtcnnPlugin().load(min_face, CONFIDENT, threads=1)
    confident = recalled = found = extra = 0
    for name, make in PICTURES.items():
        boxes = np.array(
            [(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in detector.detect(make())]
        ).reshape(-1, 4)
        reference = golden(name, min_face)
        sure = reference.boxes[reference.scores >= CONFIDENT]
        recalled += len(match(sure, boxes).pairs)
        extra += match(reference.boxes, boxes).extra
        confident, found = confident + len(sure), found + len(boxes)
    assert confident >= 150
    assert recalled >= 0.98 * confident
    assert extra <= 0.02 * found


@pytest.mark.parametrize("min_face", MIN_FACES)
def test_the_same_faces_get_the_same_expression(min_face: int) -> None:
    detector = MtcnnPlugin().load(min_face, CONFIDENT, threads=1)
    ours, theirs = [], []
    for name, make in PICTURES.items():
        picture = make()
        found = detector.detect(picture)
        boxes = np.array([(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in found]).reshape(-1, 4)
        reference = golden(name, min_face)
        for index, mine in match(reference.boxes, boxes).pairs:
            ours.append(crop_face(picture, found[mine], FER2013))
            theirs.append(crop_face(picture, _face(reference, index), FER2013))
    assert len(ours) >= 150
    assert np.mean(_answers(ours) == _answers(theirs)) >= 0.97


def _face(reference: Golden, index: int) -> Face:
    points = ((x, y) for x, y in reference.landmarks[index].tolist())
    return Face(Box(*reference.boxes[index].tolist()), reference.scores[index], Landmarks(*points))


def _answers(crops: list[NDArray[np.float32]]) -> NDArray[np.int64]:
    classifier = find_backend("onnx").load(load_bundle("default"), "cpu", threads=1)
    return np.asarray(classifier(np.stack(crops)[:, np.newaxis]).argmax(axis=1))
