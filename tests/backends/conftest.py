from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save

from fercli.bundle import WEIGHTS, load_bundle, sha256
from fercli.crop import to_unit_range
from fercli.fer2013 import Split
from fercli.weights import read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.fer2013 import Pictures

FLOAT_BACKENDS = ("onnx", "openvino", "torch", "tensorflow")
"""Those that must agree: 32-bit floats, on any machine."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the default model, to be damaged."""
    return shutil.copytree(load_bundle("default").folder, tmp_path / "model")


@pytest.fixture
def earlier(model: Path) -> Path:
    """The same as models were made earlier, with weights in a file of their own."""
    change(model, WEIGHTS, save(read_weights(load_bundle(str(model)))))
    return model


def change(model: Path, name: str, content: bytes) -> None:
    """Gives the model another file, and the checksum that belongs to it."""
    (model / name).write_bytes(content)
    description = json.loads((model / "model.json").read_text("utf-8"))
    description["files"][name] = sha256(model / name)
    (model / "model.json").write_text(json.dumps(description), "utf-8")


def forget(model: Path, name: str) -> None:
    """Takes a file out of the model, as if it had never had one."""
    description = json.loads((model / "model.json").read_text("utf-8"))
    description["files"].pop(name, None)
    (model / "model.json").write_text(json.dumps(description), "utf-8")


@pytest.fixture(scope="session")
def private_test(real_pictures: dict[Split, Pictures]) -> NDArray[np.float32]:
    """All of FER2013's PrivateTest as the network takes it, float32 (3589, 1, 48, 48)."""
    return to_unit_range(real_pictures[Split.PRIVATE].pixels[:, np.newaxis])
