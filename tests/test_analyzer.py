from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fercli.analyzer import Analyzer
from fercli.bundle import load_bundle
from fercli.classifiers import load_classifier
from fercli.crop import WHOLE
from fercli.errors import PhotoError, PhotoErrorKind, UnavailableError
from fercli.images import decode
from fercli.prediction import Predictor, softmax
from fercli.records import EXPRESSIONS, Box, Face, Status
from tests.corpus import encoded, gradient
from tests.faulty_plugins.backends import ConstantBackend, NotFinite, RaisesInCall, WrongShape
from tests.faulty_plugins.detectors import RaisesInDetectPlugin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fercli.plugins import Classifier, Detector


class Columns:
    """A detector that takes every 48 columns of a picture for a face, so a picture may hold any number."""

    framing = WHOLE

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return [Face(Box(x, 0, x + 48, 48), 1.0) for x in range(0, rgb.shape[1] - 47, 48)]

    def describe(self) -> Mapping[str, str]:
        return {"detector": "columns"}


class Shades:
    """A classifier that calls the darkest seventh of all greys angry, the next one disgust, and so on."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        assert batch.dtype == np.float32
        assert batch.shape[1:] == (1, 48, 48)
        self.batches.append(len(batch))
        shades = (batch.mean(axis=(1, 2, 3)) * 6.999).astype(int)
        logits: NDArray[np.float32] = np.eye(7, dtype=np.float32)[shades] * 9
        return logits

    def describe(self) -> Mapping[str, str]:
        return {}


def picture(*shades: int) -> NDArray[np.uint8]:
    """One face for each shade, 0 to 6; of none, a picture too narrow to hold one."""
    grey = [np.full((48, 48, 3), 18 + 36 * shade, np.uint8) for shade in shades]
    return np.concatenate(grey or [np.zeros((48, 20, 3), np.uint8)], axis=1)


def analyzer(detector: Detector | None = None, classifier: Classifier | None = None) -> Analyzer:
    return Analyzer(detector or Columns(), Predictor([classifier or Shades()]))


def constant(backend: type[ConstantBackend]) -> ConstantBackend:
    return backend()


@given(
    arrays(np.float32, st.tuples(st.integers(1, 5), st.just(7)), elements=st.floats(-1e4, 1e4, width=32))
)
def test_softmax_adds_up_to_one_and_keeps_the_order(logits: NDArray[np.float32]) -> None:
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-12)
    assert (probabilities >= 0).all()
    rows = np.arange(len(logits))
    np.testing.assert_array_equal(probabilities[rows, logits.argmax(axis=1)], probabilities.max(axis=1))


def test_softmax_of_known_logits() -> None:
    logits = np.log(np.array([[1, 2, 3, 4, 5, 6, 7]], np.float32))
    np.testing.assert_allclose(softmax(logits)[0], np.arange(1, 8) / 28, rtol=1e-6)


@given(st.lists(st.lists(st.integers(0, 6), max_size=4), max_size=6))
def test_every_face_keeps_its_own_expression(photos: list[list[int]]) -> None:
    batch = [(f"{number}.png", partial(picture, *shades)) for number, shades in enumerate(photos)]
    records = analyzer().analyze(batch)
    assert [record.path for record in records] == [path for path, _ in batch]
    for record, shades in zip(records, photos, strict=True):
        rows = list(record.rows()) if shades else []
        assert [row["expression"] for row in rows] == [EXPRESSIONS[shade] for shade in shades]
        assert record.status is (Status.OK if shades else Status.NO_FACE)
        assert (record.height, record.width) == (48, 48 * len(shades) or 20)


def test_the_faces_of_a_batch_go_through_the_network_together() -> None:
    classifier = Shades()
    analyzer(classifier=classifier).analyze(
        [
            ("a", partial(picture, 1, 2)),
            ("b", partial(decode, b"")),
            ("c", picture),
            ("d", partial(picture, 3)),
        ]
    )
    assert classifier.batches == [3]


def test_without_a_face_the_network_does_not_run() -> None:
    classifier = Shades()
    assert analyzer(classifier=classifier).analyze([]) == []
    analyzer(classifier=classifier).analyze([("a", picture)])
    assert classifier.batches == []


def test_a_picture_that_cannot_be_decoded_is_its_own_error() -> None:
    (record,) = analyzer().analyze([("text.jpg", partial(decode, b"This is a text."))])
    assert record.error is not None
    assert record.error.startswith("not-an-image: ")
    assert (record.width, record.height, record.faces) == (0, 0, ())


def test_a_picture_above_the_limit_is_refused() -> None:
    (record,) = analyzer().analyze(
        [("large.png", partial(decode, encoded(gradient(1001, 1000), "png"), 1_000_000))]
    )
    assert record.error is not None
    assert record.error.startswith("too-large: ")


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (PhotoError(PhotoErrorKind.MISSING, "There is no such file."), "missing: There is no such file."),
        (RuntimeError("one\ntwo"), "internal: RuntimeError: one"),
        (MemoryError(), "too-large: It does not fit into the memory that is left; try fewer --workers."),
    ],
)
def test_whatever_goes_wrong_while_reading_is_that_photo_s_error(raised: Exception, error: str) -> None:
    def broken() -> NDArray[np.uint8]:
        raise raised

    bad, fine = analyzer().analyze([("bad", broken), ("fine", partial(picture, 4))])
    assert bad.error == error
    assert fine.status is Status.OK


def test_a_detector_that_raises_ends_the_photo_and_not_the_run() -> None:
    (record,) = analyzer(RaisesInDetectPlugin()).analyze([("a.png", partial(picture, 1))])
    assert record.error == "internal: ZeroDivisionError: nothing"


def guarded(backend: type[ConstantBackend]) -> Classifier:
    """A backend's network as a run loads it."""
    return load_classifier("faulty", backend(), load_bundle("default"), "cpu", 1)


def test_a_classifier_that_raises_ends_the_run_with_its_reason() -> None:
    with pytest.raises(UnavailableError, match="RuntimeError: it would not run"):
        analyzer(classifier=guarded(RaisesInCall)).analyze([("a.png", partial(picture, 1))])


@pytest.mark.parametrize("backend", [WrongShape, NotFinite])
def test_a_classifier_that_gives_no_logits_ends_the_run(backend: type[ConstantBackend]) -> None:
    with pytest.raises(UnavailableError, match=r"no finite logits of shape \(2, 7\)"):
        analyzer(classifier=guarded(backend)).analyze([("a.png", partial(picture, 1, 2))])
