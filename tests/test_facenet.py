"""The reference detector; all but the first test need an environment with facenet-pytorch.

tools/mtcnn/run_facenet.sh makes that environment and runs them there.
"""

from __future__ import annotations

from importlib import util

import numpy as np
import pytest

from fercli.crop import FER2013
from fercli.errors import UnavailableError
from fercli.facenet import FacenetPlugin
from fercli.plugins import Detector
from tests.mtcnn.goldens import MIN_FACES, golden, worst_differences
from tests.mtcnn.pictures import COFFEE, COLLINS, GROUP, noise, sample

INSTALLED = util.find_spec("facenet_pytorch") is not None
needs_facenet = pytest.mark.skipif(not INSTALLED, reason="facenet-pytorch is not installed")


@pytest.mark.skipif(INSTALLED, reason="facenet-pytorch is installed")
def test_without_it_the_remedy_is_named() -> None:
    availability = FacenetPlugin().is_available()
    assert not availability.ok
    assert "fercli[facenet]" in availability.remedy
    assert "environment of its own" in availability.remedy
    with pytest.raises(UnavailableError) as raised:
        FacenetPlugin().load(40, 0.9, threads=1)
    assert raised.value.remedy == availability.remedy


@needs_facenet
@pytest.mark.parametrize("min_face", MIN_FACES)
@pytest.mark.parametrize("name", [COLLINS, GROUP, COFFEE])
def test_it_gives_the_goldens(name: str, min_face: int) -> None:
    assert FacenetPlugin().is_available().ok
    detector = FacenetPlugin().load(min_face, 0.0, threads=1)
    assert isinstance(detector, Detector)
    assert detector.framing is FER2013
    faces = detector.detect(sample(name))
    reference = golden(name, min_face)
    boxes = np.array([(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in faces]).reshape(-1, 4)
    points = [
        (m.left_eye, m.right_eye, m.nose, m.left_mouth, m.right_mouth)
        for m in (f.landmarks for f in faces)
        if m is not None
    ]
    scores = np.array([f.score for f in faces])
    found = boxes, scores, np.array(points).reshape(-1, 5, 2)
    assert worst_differences(found, reference) <= (1e-2, 1e-5, 1e-2)


@needs_facenet
def test_min_score_keeps_what_reaches_it() -> None:
    faces = FacenetPlugin().load(20, 0.0, threads=1).detect(sample(GROUP))
    middle = sorted(face.score for face in faces)[len(faces) // 2]
    strict = FacenetPlugin().load(20, middle, threads=1).detect(sample(GROUP))
    assert strict == [face for face in faces if face.score >= middle]


@needs_facenet
@pytest.mark.parametrize(("height", "width"), [(1, 1), (39, 300), (5000, 1)])
def test_a_picture_smaller_than_the_smallest_face_has_none(height: int, width: int) -> None:
    assert FacenetPlugin().load(40, 0.0, threads=1).detect(noise(height, width)) == []
