"""One photo by `analyze`."""

from __future__ import annotations

import csv
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

import fercli
from fercli.bundle import DEFAULT_MODEL, DESCRIPTION, MODELS, ONNX
from fercli.errors import ModelError, UsageError
from fercli.images import read_picture
from fercli.records import Status
from tests.api.photos import FACE, LIGHT
from tests.corpus import SAMPLES, encoded, gradient
from tests.tolerances import PRINTED_PROBABILITY

if TYPE_CHECKING:
    from tests.conftest import Run


class TestPictures:
    def test_a_path_its_bytes_and_its_pixels_give_the_same(self) -> None:
        photo = fercli.analyze(FACE)
        assert (photo.path, len(photo.faces), photo.faces[0].expression) == (str(FACE), 1, "happy")
        for image in (FACE.read_bytes(), bytearray(FACE.read_bytes()), read_picture(str(FACE))):
            other = fercli.analyze(image)
            assert other.path == ""
            assert (other.faces, other.width, other.height) == (photo.faces, photo.width, photo.height)

    def test_it_is_what_the_report_says(self, run: Run) -> None:
        (row,) = csv.DictReader(run("predict", FACE, "-q").stdout.decode().splitlines())
        photo = fercli.analyze(str(FACE))
        assert row["expression"] == photo.faces[0].expression
        assert float(row["confidence"]) == pytest.approx(photo.faces[0].confidence, abs=PRINTED_PROBABILITY)

    def test_any_view_of_an_array_will_do_and_stays_as_it_is(self) -> None:
        bgr = cv2.imread(str(FACE))
        assert bgr is not None
        kept = bgr.copy()
        (face,) = fercli.analyze(bgr[:, :, ::-1]).faces  # type: ignore[arg-type] # OpenCV's type is wider
        assert face.expression == "happy"
        np.testing.assert_array_equal(bgr, kept)

    @pytest.mark.parametrize(
        ("image", "kind"),
        [
            ("nowhere.jpg", "missing"),
            (SAMPLES, "not-a-file"),
            (b"", "empty"),
            (b"This is a text.", "not-an-image"),
            (FACE.read_bytes()[:9000], "truncated"),
        ],
        ids=str,
    )
    def test_one_that_cannot_be_read_says_why(self, image: Any, kind: str) -> None:
        photo = fercli.analyze(image, **LIGHT)
        assert photo.status is Status.ERROR
        assert photo.error is not None
        assert photo.error.startswith(f"{kind}: ")

    @pytest.mark.parametrize(
        "image",
        [
            None,
            7,
            [[0, 0, 0]],
            gradient().tolist(),
            gradient()[:, :, 0],
            gradient().astype(np.float32),
            np.zeros((9, 9, 4), np.uint8),
            np.zeros((0, 9, 3), np.uint8),
            np.zeros((2, 9, 9, 3), np.uint8),
        ],
        ids=lambda image: f"{type(image).__name__} {getattr(image, 'shape', '')}",
    )
    def test_what_is_no_image_is_refused(self, image: Any) -> None:
        with pytest.raises(UsageError, match=r" is not an image\.$") as caught:
            fercli.analyze(image, **LIGHT)
        assert "uint8 (H, W, 3), RGB" in caught.value.remedy

    def test_an_image_of_pillow_is_told_what_to_be(self) -> None:
        image: Any = Image.fromarray(gradient())
        with pytest.raises(UsageError, match=r"^What is of the type PIL\.Image\.Image is not") as caught:
            fercli.analyze(image, **LIGHT)
        assert "numpy.asarray(image.convert('RGB'))" in caught.value.remedy
        assert fercli.analyze(np.asarray(image.convert("RGB")), **LIGHT).width == image.width

    def test_a_picture_above_the_limit_is_refused(self) -> None:
        photo = fercli.analyze(encoded(gradient(100, 100), "png"), max_pixels=9999, **LIGHT)
        assert str(photo.error).startswith("too-large: ")

    def test_threads_take_turns(self) -> None:
        expected = fercli.analyze(FACE, **LIGHT)
        with ThreadPoolExecutor(4) as threads:
            for photo in threads.map(partial(fercli.analyze, **LIGHT), [FACE] * 12):
                assert photo == expected


class TestKept:
    """A model's file that is broken shows whether it is loaded anew."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        model = shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "model")
        fercli.analyze(gradient(), model=model, **LIGHT)
        (model / ONNX).write_bytes(b"broken")
        return model

    def test_networks_are_kept_for_the_next_call(self, model: Path) -> None:
        assert fercli.analyze(gradient(), model=model, **LIGHT).status is Status.OK

    def test_a_model_that_was_made_anew_is_loaded_anew(self, model: Path) -> None:
        description = json.loads((model / DESCRIPTION).read_text("utf-8"))
        description["files"][ONNX] = "0" * 64
        (model / DESCRIPTION).write_text(json.dumps(description))
        with pytest.raises(ModelError, match=r"is not the file that model\.json was made with"):
            fercli.analyze(gradient(), model=model, **LIGHT)

    def test_only_so_many_are_kept(self, model: Path) -> None:
        for min_face in range(50, 54):
            fercli.analyze(gradient(), min_face=min_face, **LIGHT)
        with pytest.raises(ModelError, match=r"is not the file that model\.json was made with"):
            fercli.analyze(gradient(), model=model, **LIGHT)
