"""Every network that a model.json can describe is the same one in PyTorch and in TensorFlow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from fercli.architecture import ArticleArchitecture
from fercli.bundle import MODELS, WEIGHTS, load_bundle, sha256
from fercli.choosing import load_classifiers
from fercli.sample_faces import sample_faces
from fercli_torch.network import build_network

if TYPE_CHECKING:
    from pathlib import Path

    from fercli.bundle import Bundle

ARCHITECTURES = [
    ArticleArchitecture(),
    ArticleArchitecture((4,), 3, (5,), 0.0),
    ArticleArchitecture((3, 4, 5, 6, 7, 8, 9), 1, (10, 11, 12), 0.5),
    ArticleArchitecture((6, 2), 7, ()),
    ArticleArchitecture((), 5, (9,)),
    ArticleArchitecture((), 5, ()),
]


def bundle(folder: Path, architecture: ArticleArchitecture) -> Bundle:
    """A model of random weights, with statistics of normalisation as training might leave them."""
    random = np.random.default_rng(5)
    weights = {
        name: random.uniform(0.5, 1.5, shape)
        if name.endswith("running_var")
        else random.normal(0, 0.2, shape)
        for name, shape in architecture.tensors().items()
    }
    save_file({name: value.astype(np.float32) for name, value in weights.items()}, folder / WEIGHTS)
    description = json.loads((MODELS / "article" / "model.json").read_text("utf-8"))
    description |= {
        "architecture": architecture.description(),
        "files": {WEIGHTS: sha256(folder / WEIGHTS)},
    }
    (folder / "model.json").write_text(json.dumps(description), "utf-8")
    return load_bundle(str(folder))


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_the_tensors_are_those_of_the_network(architecture: ArticleArchitecture) -> None:
    state = build_network(architecture.description()).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    counts = [name for name in shapes if name.endswith("num_batches_tracked")]
    assert {name: shape for name, shape in shapes.items() if name not in counts} == architecture.tensors()


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_both_frameworks_give_the_same_logits(tmp_path: Path, architecture: ArticleArchitecture) -> None:
    made = bundle(tmp_path, architecture)
    faces = np.concatenate([sample_faces(), np.zeros((1, 48, 48), np.float32)])[:, np.newaxis]
    torch, tensorflow = (
        load_classifiers([made], name, "cpu", 2).classifiers[0](faces) for name in ("torch", "tensorflow")
    )
    assert np.ptp(torch) > 0.01
    np.testing.assert_allclose(tensorflow, torch, atol=1e-4 * max(1, np.abs(torch).max() / 10), rtol=0)
