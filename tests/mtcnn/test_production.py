"""The detector plugin as a user gets it finds the reference's confident faces and no others."""

from __future__ import annotations

import numpy as np
import pytest

from fercli.mtcnn import MtcnnPlugin
from tests.mtcnn.goldens import MIN_FACES, golden
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
