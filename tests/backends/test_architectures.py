"""Every network that a model.json can describe is the same one in PyTorch and in TensorFlow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from fercli.architecture import Architecture, ArticleArchitecture, ResidualArchitecture
from fercli.bundle import MODELS, WEIGHTS, load_bundle, sha256
from fercli.classifiers import load_classifiers
from fercli.crop import to_unit_range
from fercli.exporting import export_model
from fercli.fer2013 import Pictures, Split, read_pictures
from fercli.parity import TOLERANCE
from fercli.plugins import find_exporter
from fercli.sample_faces import sample_faces
from fercli_torch.network import build_network
from fercli_training.export import write_bundle
from fercli_training.inputs import Dataset
from fercli_training.recipe_files import load_recipe
from fercli_training.snapshots import Candidate
from tests.fer2013 import made_up

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.bundle import Bundle

ARCHITECTURES = [
    ArticleArchitecture(),
    ArticleArchitecture((4,), 3, (5,), 0.0),
    ArticleArchitecture((3, 4, 5, 6, 7, 8, 9), 1, (10, 11, 12), 0.5),
    ArticleArchitecture((6, 2), 7, ()),
    ArticleArchitecture((), 5, (9,)),
    ArticleArchitecture((), 5, ()),
    ArticleArchitecture((6, 4), 3, (5,), normalisation="local_response", dense_normalisation="none"),
    ArticleArchitecture((6, 4), 3, (5,), normalisation="none", leak=0.2),
    ArticleArchitecture((6, 4), 3, (5,), biases=True),
    ArticleArchitecture((6, 12), 3, (5,), normalisation="local_response", biases=True, leak=0.01),
    ResidualArchitecture(4, ((6, 1),), 0.0),
    ResidualArchitecture(3, ((3, 2), (5, 1)), 0.5),
    ResidualArchitecture(4, ((4, 1), (6, 3), (6, 1), (8, 2)), 0.1),
    ResidualArchitecture(32, ((48, 1), (80, 2), (160, 2), (320, 1)), 0.3),
]


def bundle(folder: Path, architecture: Architecture) -> Bundle:
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
def test_the_tensors_are_those_of_the_network(architecture: Architecture) -> None:
    state = build_network(architecture).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    counts = [name for name in shapes if name.endswith("num_batches_tracked")]
    assert {name: shape for name, shape in shapes.items() if name not in counts} == architecture.tensors()


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_both_frameworks_give_the_same_logits(tmp_path: Path, architecture: Architecture) -> None:
    made = bundle(tmp_path, architecture)
    faces = np.concatenate([sample_faces(), np.zeros((1, 48, 48), np.float32)])[:, np.newaxis]
    expected, logits = (answer(made, name, faces) for name in ("torch", "tensorflow"))
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(
        logits, expected, atol=TOLERANCE * max(1, np.abs(expected).max() / 10), rtol=0
    )


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, saving
@pytest.mark.parametrize(
    "architecture",
    [
        ArticleArchitecture((6, 4), 3, (5,), normalisation="local_response", leak=0.1),
        ArticleArchitecture((6, 4), 3, (5,), biases=True, dense_normalisation="none"),
        ResidualArchitecture(4, ((6, 1), (6, 2)), 0.1),
        ResidualArchitecture(32, ((48, 1), (80, 2), (160, 2), (320, 1)), 0.3),
    ],
    ids=str,
)
def test_every_runtime_and_format_gives_the_same_logits(
    tmp_path: Path, splits: dict[Split, Pictures], architecture: Architecture
) -> None:
    """The network draws PublicTest's labels itself, so that calibration changes little."""
    public = splits[Split.PUBLIC]
    faces = to_unit_range(public.pixels[:, np.newaxis])
    network = lived_in(architecture, torch.from_numpy(faces))
    with torch.inference_mode():
        labels = torch.multinomial(network(torch.from_numpy(faces)).softmax(1), 1)[:, 0].numpy()
    recipe = load_recipe("article")
    folder = write_bundle(
        tmp_path / "model",
        replace(recipe, architecture=architecture),
        Candidate("best", (1,), (network.state_dict(),), 0.0),
        Dataset(splits | {Split.PUBLIC: replace(public, labels=labels)}, {}),
    )
    made = load_bundle(str(folder))
    expected = answer(made, "torch", faces)
    assert np.ptp(expected) > 0.1
    for backend in ("onnx", "openvino", "tensorflow"):
        np.testing.assert_allclose(answer(made, backend, faces), expected, atol=TOLERANCE, rtol=0)
    for name in ("keras", "savedmodel", "torchscript"):
        path = tmp_path / f"exported{find_exporter(name).format.suffix}"
        exported = export_model(made, name, path, 2, faces=faces)
        assert exported.source == "onnx"


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[Split, Pictures]:
    return read_pictures(made_up.write(tmp_path_factory.mktemp("data") / "fer2013.csv"), Split)


def lived_in(architecture: Architecture, faces: torch.Tensor) -> nn.Module:
    """The network with its statistics measured, and scales of normalisation that let every block speak."""
    torch.manual_seed(4)
    network = build_network(architecture)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.2)
        nn.init.normal_(network.get_parameter("classifier.weight"))
        for _ in range(20):
            network(faces)
    return network.eval()


def answer(bundle: Bundle, backend: str, faces: NDArray[np.float32]) -> NDArray[np.float32]:
    return load_classifiers([bundle], backend, "cpu", 2).classifiers[0](faces)
