"""The detector plugin `mtcnn` through the interface that every detector has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.crop import FER2013
from fercli.errors import UsageError
from fercli.mtcnn import MtcnnDetector, MtcnnPlugin
from fercli.plugins import Detector, DetectorPlugin, find_detector
from tests.mtcnn.pictures import COLLINS, GROUP, PICTURES, SPEAKING, noise, sample


@pytest.fixture(scope="module")
def detector() -> MtcnnDetector:
    return MtcnnPlugin().load(min_face=40, min_score=0.0, threads=1)


def test_it_is_a_detector(detector: MtcnnDetector) -> None:
    plugin = find_detector("mtcnn")
    assert isinstance(plugin, DetectorPlugin)
    assert isinstance(plugin, MtcnnPlugin)
    assert plugin.is_available().ok
    assert isinstance(detector, Detector)
    assert detector.framing is FER2013
    assert detector.describe()["runtime"] == "onnxruntime"
    assert detector.describe()["min_face"] == "40"


def test_faces_come_largest_first_with_landmarks_in_their_boxes(detector: MtcnnDetector) -> None:
    faces = detector.detect(sample(GROUP))
    assert len(faces) == 4
    assert [face.box.area for face in faces] == sorted((face.box.area for face in faces), reverse=True)
    for face in faces:
        assert face.landmarks is not None
        assert face.box.x1 < face.landmarks.left_eye[0] < face.landmarks.right_eye[0] < face.box.x2
        assert face.box.y1 < face.landmarks.left_eye[1] < face.landmarks.left_mouth[1] < face.box.y2


def test_min_score_keeps_what_reaches_it(detector: MtcnnDetector) -> None:
    picture = PICTURES["collage of 30 on noise"]()
    faces = detector.detect(picture)
    scores = sorted(face.score for face in faces)
    middle = scores[len(scores) // 2]
    assert scores[0] < middle
    strict = MtcnnPlugin().load(40, middle, threads=1)
    assert strict.detect(picture) == [face for face in faces if face.score >= middle]


def test_threads_share_a_detector(detector: MtcnnDetector) -> None:
    pictures = [sample(name) for name in (GROUP, COLLINS, SPEAKING)] * 4
    expected = [detector.detect(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, pictures)) == expected


def test_threads_within_a_call_change_nothing_that_shows(detector: MtcnnDetector) -> None:
    one, two = (d.detect(sample(GROUP)) for d in (detector, MtcnnPlugin().load(40, 0.0, threads=2)))
    assert [face.score for face in one] == pytest.approx([face.score for face in two], abs=1e-5)
    assert [face.box.x1 for face in one] == pytest.approx([face.box.x1 for face in two], abs=1e-2)


def test_views_and_mirrored_pictures_are_taken_as_they_are(detector: MtcnnDetector) -> None:
    view = sample(COLLINS)[:, ::-1]
    assert not view.flags.c_contiguous
    assert detector.detect(view) == detector.detect(np.ascontiguousarray(view))


def test_a_smallest_face_below_what_the_net_sees_is_refused() -> None:
    assert MtcnnPlugin().load(12, 0.9, threads=1)
    with pytest.raises(UsageError, match="12 pixels, not 11") as raised:
        MtcnnPlugin().load(11, 0.9, threads=1)
    assert raised.value.remedy


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([12, 13, 20, 40]), st.booleans())
def test_no_small_picture_fails(height: int, width: int, min_face: int, dull: bool) -> None:
    picture = noise(height, width) if not dull else np.full((height, width, 3), 90, np.uint8)
    faces = SMALL[min_face].detect(picture)
    assert min(height, width) >= min_face or not faces


SMALL = {min_face: MtcnnPlugin().load(min_face, 0.0, threads=1) for min_face in (12, 13, 20, 40)}
