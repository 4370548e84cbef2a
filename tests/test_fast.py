"""The fast way: the same faces, in the photo's own pixels, at fewer of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fercli
from fercli.detectors import load_detector
from fercli.errors import UsageError
from fercli.images import decode, decode_reduced
from fercli.mtcnn import MtcnnPlugin
from tests.corpus import SAMPLES, encoded, gradient
from tests.mtcnn.matching import match

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.records import Photo
    from tests.conftest import Run

ONE: dict[str, Any] = {"backend": "onnx"}


@pytest.fixture(scope="module")
def group() -> NDArray[np.uint8]:
    """Four faces on so many pixels, 3000 by 2850, that they are decoded at a half."""
    rgb = decode((SAMPLES / "group.jpg").read_bytes())
    return np.asarray(cv2.resize(rgb, (2850, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)


def boxes(photo: Photo) -> NDArray[np.float64]:
    return np.array([(face.box.x1, face.box.y1, face.box.x2, face.box.y2) for face in photo.faces]).reshape(
        -1, 4
    )


def same_faces(exact: Photo, fast: Photo) -> None:
    assert (fast.width, fast.height, fast.error) == (exact.width, exact.height, None)
    found = match(boxes(exact), boxes(fast), iou=0.85)
    assert (found.missed, found.extra) == (0, 0)
    for i, j in found.pairs:
        one, other = exact.faces[i], fast.faces[j]
        assert one.expression == other.expression
        assert one.landmarks is not None
        assert other.landmarks is not None
        off = np.subtract(one.landmarks.nose, other.landmarks.nose)
        assert np.hypot(*off) < 0.05 * one.box.width


def test_a_large_photo_s_faces_are_in_its_own_pixels(group: NDArray[np.uint8]) -> None:
    exact = fercli.analyze(group, **ONE)
    assert len(exact.faces) == 4
    same_faces(exact, fercli.analyze(encoded(group, "jpg"), fast=True, **ONE))
    same_faces(exact, fercli.analyze(encoded(group, "bmp"), fast=True, **ONE))
    same_faces(exact, fercli.analyze(group, fast=True, **ONE))


def test_a_turned_photo_s_faces_are_upright(group: NDArray[np.uint8], tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6  # to be turned to the right
    path = tmp_path / "turned.jpg"
    Image.fromarray(np.rot90(group)).save(path, exif=exif, quality=95)
    with fercli.read_faces(path, fast=True, workers=1, **ONE) as photos:
        assert photos.pipeline.detector["fast"] == "on"
        (fast,) = photos
    assert fast == fercli.analyze(path, fast=True, **ONE)
    same_faces(fercli.analyze(path, **ONE), fast)


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
def test_photos_of_usual_size_have_the_same_faces(path: Path) -> None:
    fast = fercli.analyze(path, fast=True, **ONE)
    same_faces(fercli.analyze(path, **ONE), fast)
    assert bool(fast.faces) == (not path.stem.endswith("no-face"))


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from([12, 40, 95, 96, 200, 800]))
def test_the_smallest_face_keeps_the_pixels_that_the_network_sees(height: int, width: int, px: int) -> None:
    detector = DETECTORS.setdefault(px, PLUGIN.load(px, 0.9, threads=1))
    times = detector.reduction(height, width)
    assert times in (1, 2, 4, 8)
    assert times == 1 or max(px, 0.04 * min(height, width)) >= 48 * times
    assert times == detector.reduction(width, height) <= detector.reduction(2 * height, 2 * width)


PLUGIN = MtcnnPlugin()
DETECTORS = {40: PLUGIN.load(40, 0.9, threads=1)}


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("times", [1, 2, 4, 8])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (333, 217), (17, 200), (1, 1)])
def test_a_jpeg_is_decoded_smaller(width: int, height: int, times: int, orientation: int) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    Image.fromarray(gradient(width, height)).save(file, "JPEG", exif=exif, quality=95)
    whole = decode(file.getvalue())
    picture = decode_reduced(file.getvalue(), lambda *_: times)
    assert (picture.height, picture.width) == whole.shape[:2]
    assert picture.rgb.shape == (-(-picture.height // times), -(-picture.width // times), 3)
    difference = picture.rgb.mean(axis=(0, 1)) - whole.mean(axis=(0, 1))
    assert np.abs(difference).max() < 6 + 255 * times / min(width, height)  # the last pixel may be cut


def test_what_is_wrong_with_a_photo_is_the_same(group: NDArray[np.uint8]) -> None:
    whole = encoded(group, "jpg")
    middle = len(whole) // 2
    for data in (b"", b"text", whole[:middle], whole[:middle] + bytes(4096) + whole[middle + 4096 :]):
        error = fercli.analyze(data, **ONE).error
        assert error
        assert fercli.analyze(data, fast=True, **ONE).error == error
    assert str(fercli.analyze(whole, fast=True, max_pixels=99, **ONE).error).startswith("too-large: ")


def test_a_smallest_face_that_is_asked_for_stays_the_least(group: NDArray[np.uint8]) -> None:
    exact, fast = (
        fercli.analyze(encoded(group, "jpg"), fast=fast, min_face="40%", **ONE) for fast in (False, True)
    )
    assert 0 < len(exact.faces) < 4
    same_faces(exact, fast)


@pytest.mark.parametrize("name", ["none", "two-halves"])
def test_a_detector_without_a_fast_way_says_so(
    name: str, faulty_plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(faulty_plugins)
    with pytest.raises(UsageError, match=rf"^The detector {name} has no fast way\.$") as raised:
        load_detector(name, 40, 0.9, 1, fast=True)
    assert raised.value.remedy == "Leave --fast out."
    assert load_detector(name, 40, 0.9, 1).detect(gradient())


def test_a_report_is_gone_on_with_in_the_same_way(inside: Run, tmp_path: Path) -> None:
    out, photo = tmp_path / "r.csv", SAMPLES / "vice-president-biden.jpg"
    told = inside("predict", photo, "--fast", "-v", "-o", out, "--backend", "onnx")
    assert told.returncode == 0
    assert ", fast on" in told.stderr
    refused = inside("predict", photo, "--resume", "-o", out, "--backend", "onnx")
    assert refused.returncode == 2
    assert "other settings: --fast on, now off." in refused.stderr
    assert inside("predict", photo, "--resume", "--fast", "-o", out, "--backend", "onnx").returncode == 0
