"""What holds for every built-in backend, since all run the very same network."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import openvino
import pytest

from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
from fercli.errors import DeviceError, ModelError
from fercli.parity import TOLERANCE
from fercli.plugins import Backend, Classifier, find_backend
from fercli.sample_faces import sample_faces
from fercli_openvino import OpenVinoBfloat16Backend
from tests.backends.conftest import FLOAT_BACKENDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

DISTRIBUTIONS = {"onnx": "onnxruntime"}


@pytest.fixture(scope="module", params=FLOAT_BACKENDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def classifier(name: str) -> Classifier:
    return find_backend(name).load(load_bundle("default"), "cpu", 2)


@pytest.fixture(scope="module")
def faces() -> NDArray[np.float32]:
    """The faces that ship, and noise."""
    noise = np.random.default_rng(1).random((6, 48, 48), np.float32)
    return np.concatenate([sample_faces(), noise])[:, np.newaxis]


@pytest.fixture(scope="module")
def expected(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    return find_backend("torch").load(load_bundle("default"), "cpu", 2)(faces)


def test_it_keeps_the_interface(name: str) -> None:
    backend = find_backend(name)
    assert isinstance(backend, Backend)
    assert backend.name == name
    assert backend.is_available().ok


def test_it_gives_the_logits_of_torch(
    classifier: Classifier, faces: NDArray[np.float32], expected: NDArray[np.float32]
) -> None:
    logits = classifier(faces)
    assert logits.shape == (len(faces), 7)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=TOLERANCE, rtol=0)
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_the_batch_changes_nothing(classifier: Classifier, faces: NDArray[np.float32]) -> None:
    together = classifier(faces)
    alone = np.concatenate([classifier(faces[number : number + 1]) for number in range(len(faces))])
    np.testing.assert_allclose(together, alone, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(
        together[::-1], classifier(np.ascontiguousarray(faces[::-1])), atol=TOLERANCE, rtol=0
    )


def test_an_answer_outlives_the_next_call(classifier: Classifier, faces: NDArray[np.float32]) -> None:
    first = classifier(faces[:4])
    kept = first.copy()
    classifier(faces[4:8])
    np.testing.assert_array_equal(first, kept)


def test_the_faces_are_left_as_they_are(classifier: Classifier, faces: NDArray[np.float32]) -> None:
    given = faces.copy()
    classifier(given)
    np.testing.assert_array_equal(given, faces)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_picture_is_no_trouble(classifier: Classifier, level: float) -> None:
    assert np.isfinite(classifier(np.full((1, 1, 48, 48), level, np.float32))).all()


def test_it_says_what_runs(name: str, classifier: Classifier) -> None:
    about = classifier.describe()
    runs = version(DISTRIBUTIONS.get(name, name))
    assert set(about) == {"runtime", "version", "device", "precision", "threads"}
    assert about["version"].partition("+")[0] == runs.partition("+")[0]
    assert about["device"].startswith("CPU")
    assert about["precision"] == "float32"
    if name != "tensorflow":  # whose threads are those of its first use in the process: test_tensorflow
        assert about["threads"] == "2"


def test_cuda_is_an_error_where_it_is_not_there(name: str) -> None:
    with pytest.raises(DeviceError, match="cuda:97") as caught:
        load_classifiers([load_bundle("default")], name, "cuda:97", 1)
    assert "--device cpu" in caught.value.remedy


def test_bfloat16_is_said_to_be_that_or_refused(
    faces: NDArray[np.float32], expected: NDArray[np.float32]
) -> None:
    backend, bundle = OpenVinoBfloat16Backend(), load_bundle("default")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        assert not backend.is_available().ok
        with pytest.raises(DeviceError, match="computes in float32, not in bfloat16"):
            backend.load(bundle, "cpu", 2)
        return
    if not backend.is_available().ok:  # ONEDNN_MAX_CPU_ISA keeps it from the layers
        with pytest.raises(ModelError, match="cannot be run by OpenVINO"):
            backend.load(bundle, "cpu", 2)
        return
    classifier = backend.load(bundle, "cpu", 2)
    assert classifier.describe()["precision"] == "bfloat16"
    assert TOLERANCE < np.abs(classifier(faces) - expected).max() < 1


@pytest.mark.fer2013
def test_all_of_private_test_gets_the_logits_and_labels_of_torch(
    classifier: Classifier, private_test: NDArray[np.float32], torchs_answers: NDArray[np.float32]
) -> None:
    logits = in_parts(classifier, private_test)
    assert len(logits) == 3589
    np.testing.assert_allclose(logits, torchs_answers, atol=TOLERANCE, rtol=0)
    assert (logits.argmax(axis=1) == torchs_answers.argmax(axis=1)).all()


@pytest.fixture(scope="module")
def torchs_answers(private_test: NDArray[np.float32]) -> NDArray[np.float32]:
    return in_parts(find_backend("torch").load(load_bundle("default"), "cpu", 2), private_test)


def in_parts(classifier: Classifier, faces: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([classifier(faces[start : start + 256]) for start in range(0, len(faces), 256)])


INTERRUPTED = """
import signal, sys
from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
first, second = (load_classifiers([load_bundle("default")], sys.argv[1], "cpu", 1) for _ in range(2))
del first
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("as it should be")
"""


@pytest.mark.parametrize("backend", ["openvino", "onnx"])
def test_ctrl_c_is_an_exception_after_two_networks_are_gone(backend: str) -> None:
    """Two of OpenVINO's Cores that end in the order in which they were made leave a stack that is gone."""
    line = [sys.executable, "-c", INTERRUPTED, backend]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == "as it should be\n"
