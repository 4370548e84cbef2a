import shutil
from pathlib import Path

import numpy as np
import pytest

from fercli.comparison.faces import UNKNOWN, read_faces
from fercli.errors import NoPhotosError
from fercli.mtcnn import MtcnnPlugin
from fercli.plugins import Detector
from fercli.records import EXPRESSIONS
from fercli.sample_faces import sample_faces


@pytest.fixture(scope="module")
def detector() -> Detector:
    return MtcnnPlugin().load(40, 0.9, 1)


def test_faces_are_found_and_cropped_as_for_a_report(samples: Path, detector: Detector) -> None:
    faces = read_faces([str(samples)], detector)
    assert faces.crops.shape == sample_faces().shape
    # The sheet holds these faces in bytes: half a grey level. Processors round an interpolated sample of a
    # pixel's four to the one grey level or the next: a quarter each, and two of them at once are rare.
    assert np.abs(faces.crops - sample_faces()).max() <= 1 / 255
    assert (faces.labels == UNKNOWN).all()
    assert faces.unreadable == ()


def test_a_folder_named_as_an_expression_labels_the_largest_face(
    samples: Path, tmp_path: Path, detector: Detector
) -> None:
    for folder in ("Happy", "sad", "others"):
        (tmp_path / folder).mkdir()
        shutil.copy(samples / "group.jpg", tmp_path / folder)
    faces = read_faces([str(tmp_path)], detector)
    happy, sad = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
    assert faces.labels.tolist() == [happy, *[UNKNOWN] * 4, sad]
    assert np.array_equal(faces.crops[0], faces.crops[1])
    assert np.array_equal(faces.crops[0], faces.crops[5])


def test_a_photo_that_cannot_be_read_is_named(samples: Path, tmp_path: Path, detector: Detector) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    faces = read_faces([str(tmp_path), str(samples / "group.jpg"), str(tmp_path / "gone.jpg")], detector)
    assert len(faces.crops) == 4
    assert [line.rpartition("/")[2].split(":")[:2] for line in faces.unreadable] == [
        ["broken.jpg", " not-an-image"],
        ["gone.jpg", " missing"],
    ]


def test_without_a_face_there_is_nothing_to_compare_on(samples: Path, detector: Detector) -> None:
    with pytest.raises(NoPhotosError, match=r"No face was found in .*coffee-no-face.jpg"):
        read_faces([str(samples / "coffee-no-face.jpg")], detector)


def test_without_a_photo_there_is_nothing_to_compare_on(tmp_path: Path, detector: Detector) -> None:
    with pytest.raises(NoPhotosError, match=r"No photo in "):
        read_faces([str(tmp_path)], detector)


def test_a_path_that_gives_nothing_is_not_passed_over(
    samples: Path, tmp_path: Path, detector: Detector
) -> None:
    with pytest.raises(NoPhotosError, match=r"holds no photo\."):
        read_faces([str(samples / "coffee-no-face.jpg"), str(tmp_path)], detector)
