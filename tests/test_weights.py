"""A model's weights, read from model.onnx, or from the weights.safetensors of earlier models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import save

from fercli.bundle import MODELS, ONNX, WEIGHTS, load_bundle, sha256, shipped_models
from fercli.errors import ModelError
from fercli.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Callable


def without_weights(name: str, folder: Path, change: Callable[[Any], None] | None = None) -> str:
    """A copy of a model that ships whose only copy of the weights is model.onnx, changed."""
    folder.mkdir()
    path = folder / ONNX
    shutil.copy(MODELS / name / ONNX, path)
    if change is not None:
        network = onnx.load(path)
        change(network.graph)
        onnx.save(network, path)
    description = json.loads((MODELS / name / "model.json").read_text("utf-8"))
    (folder / "model.json").write_text(json.dumps(description | {"files": {ONNX: sha256(path)}}))
    return str(folder)


@pytest.mark.parametrize("name", shipped_models())
def test_a_model_that_ships_keeps_every_tensor_in_model_onnx(name: str) -> None:
    bundle = load_bundle(name)
    assert WEIGHTS not in bundle.files
    weights = read_weights(bundle)
    assert {name: tensor.shape for name, tensor in weights.items()} == bundle.architecture.tensors()
    kept = {one.name: one for one in onnx.load(bundle.verified(ONNX)).graph.initializer}
    for key, tensor in weights.items():
        assert np.array_equal(tensor, numpy_helper.to_array(kept[key]))


def test_folded_normalisations_are_no_weights(tmp_path: Path) -> None:
    bundle = load_bundle(without_weights("residual", tmp_path / "model", _folded))
    with pytest.raises(ModelError, match=r"model\.onnx lacks \S+\.normalisation\.bias\.$"):
        read_weights(bundle)


def test_an_earlier_model_has_a_file_of_its_own(tmp_path: Path) -> None:
    weights = read_weights(load_bundle("residual"))
    folder = Path(without_weights("residual", tmp_path / "model", _folded))
    (folder / WEIGHTS).write_bytes(save(weights))
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["files"][WEIGHTS] = sha256(folder / WEIGHTS)
    (folder / "model.json").write_text(json.dumps(description))
    bundle = load_bundle(str(folder))
    assert bundle.sha256 == description["files"][WEIGHTS]
    read = read_weights(bundle)
    assert read.keys() == weights.keys()
    assert all(np.array_equal(read[name], value) for name, value in weights.items())


def _folded(graph: Any) -> None:
    """As torch's exporter folds normalisations into the layers before them."""
    kept = [one for one in graph.initializer if ".normalisation." not in one.name]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _lacking(graph: Any) -> None:
    graph.initializer.remove(next(one for one in graph.initializer if one.name == "classifier.bias"))


def _turned(graph: Any) -> None:
    tensor = next(one for one in graph.initializer if one.name == "classifier.weight")
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).T.copy(), tensor.name))


def _halved(graph: Any) -> None:
    tensor = next(one for one in graph.initializer if one.name == "classifier.bias")
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))


def _short(graph: Any) -> None:
    tensor = next(one for one in graph.initializer if one.name == "classifier.bias")
    tensor.raw_data = tensor.raw_data[:-4]


_BIAS = "model.onnx lacks classifier.bias"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_lacking, _BIAS),
        (_turned, "model.onnx has classifier.weight of shape [512, 7] instead of [7, 512]"),
        (_halved, _BIAS),
        (_short, _BIAS),
    ],
)
def test_what_is_wrong_with_them_is_named(tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    bundle = load_bundle(without_weights("article", tmp_path / "model", change))
    with pytest.raises(ModelError) as caught:
        read_weights(bundle)
    assert caught.value.message.endswith(f"{said}.")
    assert str(bundle.folder) in caught.value.message
