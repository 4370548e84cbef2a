from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
from fercli.prediction import Predictor, softmax
from fercli.records import EXPRESSIONS
from fercli.sample_faces import sample_faces
from tests.backends.conftest import FLOAT_BACKENDS
from tests.corpus import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.plugins import Classifier
    from tests.conftest import Run


class Sides:
    """A classifier that sees light on the left as the first expression, on the right as the last."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = np.zeros((len(batch), 7), np.float32)
        logits[:, 0] = 9 * batch[:, 0, :, :24].mean(axis=(1, 2))
        logits[:, 6] = 9 * batch[:, 0, :, 24:].mean(axis=(1, 2))
        return logits

    def describe(self) -> Mapping[str, str]:
        return {}


class Always:
    """A classifier that always gives the same logits."""

    def __init__(self, *logits: float) -> None:
        self._logits = np.array(logits, np.float32)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = np.tile(self._logits, (len(batch), 1))
        return logits

    def describe(self) -> Mapping[str, str]:
        return {}


def light_on_the_left() -> NDArray[np.float32]:
    face = np.zeros((1, 48, 48), np.float32)
    face[:, :, :24] = 1
    return face


def test_one_network_gives_its_own_softmax() -> None:
    faces = sample_faces()
    network = Sides()
    np.testing.assert_array_equal(Predictor([network])(faces), softmax(network(faces[:, np.newaxis])))


def test_the_mirror_image_has_half_the_say() -> None:
    left = Predictor([Sides()])(light_on_the_left())[0]
    both = Predictor([Sides()], mirrored=True)(light_on_the_left())[0]
    assert left[0] > 0.9
    assert both[0] == pytest.approx(both[6])
    np.testing.assert_allclose(both, (left + left[::-1]) / 2)


def test_networks_have_equal_say_in_probabilities_not_in_logits() -> None:
    sure, unsure = Always(20, 0, 0, 0, 0, 0, 0), Always(0, 0, 0, 0, 0, 0, 1)
    mean = Predictor([sure, unsure])(light_on_the_left())[0]
    face = light_on_the_left()[:, np.newaxis]
    np.testing.assert_allclose(mean, np.mean([softmax(sure(face)), softmax(unsure(face))], axis=0)[0])


@pytest.mark.parametrize("networks", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_probabilities_add_up_to_1(networks: int, mirrored: bool) -> None:
    classifiers: list[Classifier] = [Sides()] * networks
    probabilities = Predictor(classifiers, mirrored=mirrored)(sample_faces())
    assert probabilities.shape == (11, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def probabilities(report: bytes) -> NDArray[np.float64]:
    rows = csv.DictReader(report.decode().splitlines())
    return np.array([[float(row[name]) for name in EXPRESSIONS] for row in rows])


@pytest.mark.parametrize("backend", FLOAT_BACKENDS)
def test_every_backend_averages_models_and_mirror_images(
    run: Run, samples: Path, tmp_path: Path, backend: str
) -> None:
    (tmp_path / "other").symlink_to(load_bundle("default").folder)
    photo = samples / "admiral-grace-hopper.jpg"
    options = ("--tta", "--model", "default", "--model", tmp_path / "other", "--backend", backend)
    done = run("predict", photo, "-q", *options)
    assert done.returncode == 0, done.stderr
    loaded = load_classifiers([load_bundle("default")], backend, "cpu", 1)
    face = sample_faces()[TURNED_BY_A_MIRROR][np.newaxis]
    expected = Predictor(loaded.classifiers, mirrored=True)(face)
    # The face that ships was rounded to whole greys, the report to four digits.
    np.testing.assert_allclose(probabilities(done.stdout), expected, atol=0.015)
    plain = Predictor(loaded.classifiers)(face)
    assert np.abs(plain - expected).max() > 0.03


TURNED_BY_A_MIRROR = 0


def test_the_faces_that_ship_are_those_of_the_samples(run: Run) -> None:
    done = run("predict", SAMPLES, "-q")
    rows = [row for row in csv.DictReader(done.stdout.decode().splitlines()) if row["status"] == "ok"]
    assert rows[TURNED_BY_A_MIRROR]["path"].endswith("admiral-grace-hopper.jpg")
    loaded = load_classifiers([load_bundle("default")], "auto", "cpu", 1)
    shipped = Predictor(loaded.classifiers)(sample_faces())
    printed = [[float(row[name]) for name in EXPRESSIONS] for row in rows]
    np.testing.assert_allclose(printed, shipped, atol=0.04)
