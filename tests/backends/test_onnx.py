from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime  # noqa: TID253 - the runtime itself is what is tested
import pytest

from fercli.bundle import ONNX, load_bundle, sha256
from fercli.errors import UnavailableError
from fercli.plugins import Backend, Classifier, find_backend

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CUDA = "CUDAExecutionProvider"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return find_backend("onnx").load(load_bundle("default"), "cpu", 2)


@pytest.fixture(scope="module")
def faces() -> NDArray[np.float32]:
    return np.random.default_rng(1).random((9, 1, 48, 48), np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the default model, to be damaged."""
    return shutil.copytree(load_bundle("default").folder, tmp_path / "model")


def change(model: Path, content: bytes) -> None:
    """Gives the model another model.onnx and the checksum that belongs to it."""
    (model / ONNX).write_bytes(content)
    description = json.loads((model / "model.json").read_text("utf-8"))
    description["files"][ONNX] = sha256(model / ONNX)
    (model / "model.json").write_text(json.dumps(description), "utf-8")


def test_it_keeps_the_interface() -> None:
    backend = find_backend("onnx")
    assert isinstance(backend, Backend)
    assert backend.is_available().ok


def test_it_gives_finite_logits_of_seven(classifier: Classifier, faces: NDArray[np.float32]) -> None:
    logits = classifier(faces)
    assert logits.shape == (9, 7)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert np.ptp(logits, axis=0).max() > 0  # it looks at the pictures


def test_the_batch_changes_nothing(classifier: Classifier, faces: NDArray[np.float32]) -> None:
    together = classifier(faces)
    alone = np.concatenate([classifier(faces[number : number + 1]) for number in range(len(faces))])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    np.testing.assert_allclose(together[::-1], classifier(np.ascontiguousarray(faces[::-1])), atol=1e-4)


def test_threads_change_nothing(classifier: Classifier, faces: NDArray[np.float32]) -> None:
    single = find_backend("onnx").load(load_bundle("default"), "cpu", 1)
    np.testing.assert_allclose(single(faces), classifier(faces), atol=1e-4)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_picture_is_no_trouble(classifier: Classifier, level: float) -> None:
    assert np.isfinite(classifier(np.full((1, 1, 48, 48), level, np.float32))).all()


def test_it_says_what_runs(classifier: Classifier) -> None:
    assert dict(classifier.describe()) == {
        "runtime": "ONNX Runtime",
        "version": onnxruntime.__version__,
        "device": "CPU",
        "precision": "float32",
        "threads": "2",
    }


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "cpu:0", "", "CUDA"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        find_backend("onnx").load(load_bundle("default"), device, 1)
    assert caught.value.message == f"There is no device {device}."
    assert caught.value.remedy == "Choose auto, cpu, cuda or cuda:N."


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="this ONNX Runtime has CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_cuda_is_an_error_where_it_is_not_there(device: str) -> None:
    with pytest.raises(UnavailableError, match=f"cannot use {device}: it has only ") as caught:
        find_backend("onnx").load(load_bundle("default"), device, 1)
    assert "fercli[gpu]" in caught.value.remedy


def test_auto_is_a_device_that_is_there(faces: NDArray[np.float32]) -> None:
    classifier = find_backend("onnx").load(load_bundle("default"), "auto", 1)
    available = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    assert classifier.describe()["device"] in available
    assert classifier(faces).shape == (9, 7)


def test_a_damaged_network_is_refused_by_its_checksum(model: Path) -> None:
    content = bytearray((model / ONNX).read_bytes())
    content[len(content) // 2] ^= 1
    (model / ONNX).write_bytes(content)
    with pytest.raises(UnavailableError, match="is not the file that"):
        find_backend("onnx").load(load_bundle(str(model)), "cpu", 1)


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_what_is_no_network_is_refused_by_its_name(model: Path, content: bytes) -> None:
    change(model, content)
    with pytest.raises(UnavailableError, match=r"model\.onnx cannot be run by ONNX Runtime: "):
        find_backend("onnx").load(load_bundle(str(model)), "cpu", 1)
