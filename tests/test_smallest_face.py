"""The smallest face in pixels, and as a share of the photo."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fercli
from fercli.detectors import load_detector
from fercli.errors import UsageError
from fercli.records import Box
from fercli.smallest_face import LEAST, SmallestFace, smallest_face
from tests.corpus import SAMPLES
from tests.mtcnn.pictures import PICTURES


@pytest.mark.parametrize(
    ("said", "pixels", "written"),
    [
        (40, 40, "40"),
        ("40", 40, "40"),
        (" 064 ", 64, "64"),
        (np.int64(40), 40, "40"),
        ("5%", 30, "5%"),
        ("5 %", 30, "5%"),
        ("5.0%", 30, "5%"),
        ("2.51%", 16, "2.51%"),
        ("0.1%", LEAST, "0.1%"),
        ("100%", 600, "100%"),
        (SmallestFace(50), 50, "50"),
    ],
)
def test_sizes_in_a_photo_of_600_by_900(said: int | str | SmallestFace, pixels: int, written: str) -> None:
    face = smallest_face(said)
    assert face.in_pixels(900, 600) == face.in_pixels(600, 900) == pixels
    assert str(face) == written
    assert smallest_face(str(face)) == pickle.loads(pickle.dumps(face)) == face  # noqa: S301 - our own


@pytest.mark.parametrize(
    "said",
    ["0%", "0.0%", "200%", "100.1%", "abc", "", "%", "-5", "-5%", "11", "0", "1e3", "40px", "5%%", "5.5",
     "5,5%", "nan%", "٤٠", 11, 0, -40, 40.5, None, b"40"],
)  # fmt: skip
def test_what_is_no_size_is_a_sentence(said: int) -> None:
    with pytest.raises(UsageError, match=r"^The smallest face \(--min-face\) is .+\.$") as raised:
        smallest_face(said)
    assert raised.value.remedy.startswith("Give pixels from 12 up, such as 40, or a share")


@given(st.floats(0.01, 100).map(lambda share: f"{share:.2f}%"), st.integers(1, 9000), st.integers(1, 9000))
def test_a_share_is_of_the_shorter_side(share: str, height: int, width: int) -> None:
    pixels = smallest_face(share).in_pixels(height, width)
    exact = float(share[:-1]) * min(height, width) / 100
    assert pixels == LEAST if exact <= LEAST else exact - 1e-6 <= pixels < exact + 1 + 1e-6


@pytest.mark.parametrize("name", ["collage of 30, 30 to 60 px", "wide panorama", "12 by 200", "one pixel"])
@pytest.mark.parametrize("share", ["3%", "12%", "100%"])
def test_a_share_finds_what_as_many_pixels_find(name: str, share: str) -> None:
    picture = PICTURES[name]()
    pixels = smallest_face(share).in_pixels(*picture.shape[:2])
    relative = load_detector("mtcnn", share, 0.9, 1)
    assert relative.detect(picture) == load_detector("mtcnn", pixels, 0.9, 1).detect(picture)
    assert relative.describe()["min_face"] == share


def test_photos_of_several_sizes_each_have_their_own() -> None:
    detector = load_detector("mtcnn", "30%", 0.9, 1)
    small, large = PICTURES["collage of 5"](), PICTURES["collage of 8 large"]()
    found = [[face.box for face in detector.detect(picture)] for picture in (small, large, small)]
    assert found[0] == found[2] != []
    assert _least(found[1]) > 0.3 * 640 * 0.6 > _least(found[0])


def _least(boxes: list[Box]) -> float:
    return min(max(box.width, box.height) for box in boxes)


def test_the_library_takes_a_share() -> None:
    path = SAMPLES / "group.jpg"  # 800 by 800
    kept = fercli.analyze(path, min_face="5%", backend="onnx")
    assert kept == fercli.analyze(path, min_face=40, backend="onnx")
    with fercli.read_faces(path, min_face="5%", backend="onnx", workers=1) as photos:
        assert photos.pipeline.detector["min_face"] == "5%"
        assert next(photos) == kept
    with pytest.raises(UsageError, match="is '5 percent', which is not a size"):
        fercli.read_faces(path, min_face="5 percent")


def test_a_detector_without_a_smallest_face_says_none() -> None:
    assert load_detector("none", "5%", 0.9, 1).describe()["min_face"] == ""
