from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from fercli.bundle import ONNX_INT8, load_bundle
from fercli.cli.commands import app
from fercli.parity import TOLERANCE
from fercli.plugins import find_backend
from fercli.sample_faces import sample_faces
from fercli.weights import read_weights
from tests.backends.conftest import change
from tests.conftest import FERCLI
from tests.fer2013.made_up import rows, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.conftest import Run

EARLIER = "pictures logits model.weights.h5 constants.pkl fercli_torch"
"""What stands for an earlier export of any format: it has what those have that fercli wrote."""

NAMES = {
    "onnx": "m.onnx", "onnx-int8": "small.onnx", "keras": "m.keras", "savedmodel": "saved",
    "torchscript": "m.pt",
}  # fmt: skip

LOADERS = {
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(path)
def run(faces): return session.run(["logits"], {"pictures": faces})[0]
""",
    "keras": """
import keras
model = keras.models.load_model(path)
def run(faces): return model(faces).numpy()
""",
    "savedmodel": """
import keras
import tensorflow as tf
model, layer = tf.saved_model.load(path), keras.layers.TFSMLayer(path)
def run(faces):
    logits = model.signatures["serving_default"](pictures=tf.constant(faces))["logits"].numpy()
    assert abs(logits - layer(faces).numpy()).max() < 1e-6
    return logits
""",
    "torchscript": """
import torch
network = torch.jit.load(path)
def run(faces): return network(torch.from_numpy(faces)).numpy()
""",
}
LOADERS["onnx-int8"] = LOADERS["onnx"]

PROGRAM = """
import sys
for name in ("fercli", "fercli_onnx", "fercli_tensorflow", "fercli_torch"):
    sys.modules[name] = None
import numpy
path, faces, answers = sys.argv[1:]
{loader}
faces = numpy.load(faces)
numpy.save(answers, numpy.concatenate([run(faces[:1]), run(faces[1:8]), run(faces[8:])]))
"""
"""Runs an export as a stranger would: nothing of fercli can be imported."""

FULL_DISK = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="module")
def faces() -> NDArray[np.float32]:
    noise = np.random.default_rng(4).random((20, 48, 48), np.float32)
    return np.concatenate([sample_faces(), noise])[:, np.newaxis]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the default model, to be changed."""
    return shutil.copytree(load_bundle("default").folder, tmp_path / "model")


@pytest.fixture
def older(model: Path) -> Path:
    """A model without model.int8.onnx."""
    description = json.loads((model / "model.json").read_text())
    del description["files"][ONNX_INT8]
    (model / "model.json").write_text(json.dumps(description))
    (model / ONNX_INT8).unlink()
    return model


def hide(folder: Path, *modules: str) -> dict[str, str]:
    """An environment in which modules are not installed."""
    lines = [f"sys.modules[{module!r}] = None" for module in modules]
    (folder / "sitecustomize.py").write_text("\n".join(["import sys", *lines]))
    return {"PYTHONPATH": str(folder)}


def with_other_weights(model: Path) -> None:
    """Weights of their own, as an earlier model's, that differ from model.onnx in one number."""
    from safetensors.numpy import save

    weights = read_weights(load_bundle(str(model)))
    weights["classifier.bias"][2] += 0.001
    change(model, "weights.safetensors", save(weights))


def export(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("kind", NAMES)
def test_an_export_answers_in_its_own_runtime_as_the_model_does(
    kind: str, run: Run, faces: NDArray[np.float32], tmp_path: Path
) -> None:
    path = tmp_path / NAMES[kind]
    done = run("export", "default", "--to", kind, "--out", path)
    assert (done.returncode, done.stdout) == (0, b"")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{path}: {'probabilities' if kind == 'onnx-int8' else 'logits'} within ")
    assert "on 11 faces against the backend " in line
    assert [child.name for child in tmp_path.iterdir()] == [path.name]

    np.save(tmp_path / "faces.npy", faces)
    program = PROGRAM.format(loader=LOADERS[kind])
    subprocess.run(
        [sys.executable, "-I", "-c", program, path, tmp_path / "faces.npy", tmp_path / "answers.npy"],
        check=True, capture_output=True,
    )  # fmt: skip
    answers = np.load(tmp_path / "answers.npy")
    source = "onnx-int8" if kind == "onnx-int8" else "onnx"
    expected = find_backend(source).load(load_bundle("default"), "cpu", 2)(faces)
    assert (answers.shape, answers.dtype) == ((31, 7), np.float32)
    np.testing.assert_allclose(answers, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("kind", "name"), [("onnx", "model.onnx"), ("onnx-int8", "model.int8.onnx")])
def test_onnx_is_the_models_own_file_even_where_torch_and_tensorflow_are_not(
    kind: str, name: str, run: Run, tmp_path: Path
) -> None:
    environment = hide(tmp_path, "torch", "tensorflow")
    done = run("export", "default", "--to", kind, "-o", tmp_path / "m.onnx", env=environment)
    assert done.returncode == 0, done.stderr
    assert "against the backend onnx." in done.stderr
    assert (tmp_path / "m.onnx").read_bytes() == (load_bundle("default").folder / name).read_bytes()


@pytest.mark.parametrize(
    ("kind", "hidden", "extra"),
    [
        ("onnx", "onnxruntime", "cpu"),
        ("keras", "tensorflow", "tensorflow"),
        ("savedmodel", "tensorflow", "tensorflow"),
        ("torchscript", "torch", "torch"),
    ],
)
def test_a_runtime_that_is_not_installed_is_named_with_its_extra(
    kind: str, hidden: str, extra: str, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = run("export", "default", "--to", kind, "-o", out / NAMES[kind], env=hide(tmp_path, hidden))
    assert done.returncode == 5
    reason, remedy = done.stderr.splitlines()
    assert hidden in reason
    assert remedy == f"pip install 'fercli[{extra}]'"
    assert list(out.iterdir()) == []


def test_calibrating_without_onnx_says_what_to_install(run: Run, older: Path, tmp_path: Path) -> None:
    arguments = ("--to", "onnx-int8", "-o", tmp_path / "m.onnx", "--data", write(tmp_path / "d.csv"))
    done = run("export", older, *arguments, env=hide(tmp_path, "onnx"))
    assert done.returncode == 5
    assert done.stderr.splitlines() == [
        "fercli: Calibrating needs onnx, not installed here.", "pip install 'fercli[train]'"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "remedy"),
    [
        ("onnx", "m.pt", "--to onnx needs --out NAME.onnx."),
        ("onnx-int8", "m", "--to onnx-int8 needs --out NAME.onnx."),
        ("keras", "m.h5", "--to keras needs --out NAME.keras."),
        ("torchscript", "m.pt.zip", "--to torchscript needs --out NAME.pt."),
        ("savedmodel", "m.keras", "--to savedmodel makes a folder."),
    ],
)
def test_a_name_that_does_not_fit_is_2(kind: str, name: str, remedy: str, tmp_path: Path) -> None:
    result = export("default", "--to", kind, "--out", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1] == remedy
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_is_replaced_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text(EARLIER)
    (tmp_path / "link.onnx").symlink_to("m.onnx")
    assert export("default", "--to", "onnx", "--out", tmp_path / "link.onnx").exit_code == 0
    assert (tmp_path / "link.onnx").is_symlink()
    assert (tmp_path / "m.onnx").stat().st_size > 10**6
    assert len(list(tmp_path.iterdir())) == 2


def test_an_earlier_saved_model_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "version-1.0"
    (out / "variables").mkdir(parents=True)
    (out / "saved_model.pb").touch()
    (out / "variables" / "old").touch()
    assert export("default", "--to", "savedmodel", "--out", out).exit_code == 0
    assert (out / "saved_model.pb").stat().st_size > 0
    assert not (out / "variables" / "old").exists()
    assert [child.name for child in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("kind", "make", "message"),
    [
        ("onnx", lambda path: path.mkdir(), "exists and is not a file."),
        ("savedmodel", lambda path: path.touch(), "exists and is not a folder."),
        (
            "savedmodel",
            lambda path: (path / "holiday photos").mkdir(parents=True),
            "holds other things than an earlier savedmodel export.",
        ),
        ("onnx", lambda path: path.parent.rmdir(), "cannot be written: No such file or directory."),
    ],
)
def test_what_must_not_be_replaced_is_6(kind: str, make: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / NAMES[kind]
    path.parent.mkdir()
    make(path)
    before = sorted(tmp_path.rglob("*"))
    result = export("default", "--to", kind, "--out", path)
    assert (result.exit_code, result.stdout) == (6, "")
    assert result.stderr.splitlines() == [f"fercli: {path} {message}", "Choose another --out."]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_a_model_whose_two_networks_differ_is_not_exported(kind: str, model: Path, tmp_path: Path) -> None:
    with_other_weights(model)
    out = tmp_path / "out"
    out.mkdir()
    (out / NAMES[kind]).write_text(EARLIER)
    result = export(model, "--to", kind, "--out", out / NAMES[kind])
    assert result.exit_code == 1
    assert f"The logits of {NAMES[kind]} differ from the model's by 0.001" in result.stderr
    assert [child.name for child in out.iterdir()] == [NAMES[kind]]
    assert (out / NAMES[kind]).read_text() == EARLIER


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_a_file_that_was_changed_is_not_exported(kind: str, model: Path, tmp_path: Path) -> None:
    (model / "model.onnx").write_bytes(b"another")
    out = tmp_path / "out"
    out.mkdir()
    result = export(model, "--to", kind, "--out", out / NAMES[kind])
    assert result.exit_code == 5
    assert f"{model / 'model.onnx'} is not the file that model.json was made with." in result.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("kind", NAMES)
def test_a_full_disk_leaves_the_earlier_one_and_nothing_else(kind: str, tmp_path: Path) -> None:
    path = tmp_path / NAMES[kind]
    earlier = path / "saved_model.pb" if kind == "savedmodel" else path
    earlier.parent.mkdir(exist_ok=True)
    earlier.write_text(EARLIER)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, FERCLI, "export", "default", "--to", kind, "--out", path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COVERAGE_FILE": os.devnull},
    )
    assert done.returncode == 6, done.stderr
    message, remedy = done.stderr.splitlines()
    assert message.startswith(f"fercli: {path} cannot be written: ")
    assert "File too large" in message
    assert remedy == "Choose another --out."
    assert [child.name for child in tmp_path.iterdir()] == [path.name]
    assert earlier.read_text() == EARLIER


def test_8_bits_need_data_where_the_model_has_none(older: Path, tmp_path: Path) -> None:
    result = export(older, "--to", "onnx-int8", "--out", tmp_path / "m.onnx")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"fercli: The model residual in {older} has no model.int8.onnx.",
        "Give --data fer2013.csv to make one.",
    ]
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("onnx", "--to onnx does not use --data.\nLeave it out, or give --to onnx-int8."),
        ("onnx-int8", "The model residual has its own model.int8.onnx.\nLeave --data out to get that one."),
    ],
)
def test_data_that_has_no_use_is_2(kind: str, message: str, tmp_path: Path) -> None:
    result = export("default", "--to", kind, "--out", tmp_path / "m.onnx", "--data", tmp_path / "d.csv")
    assert result.exit_code == 2
    assert result.stderr == f"fercli: {message}\n"


def test_8_bits_calibrated_by_what_are_no_faces_are_not_kept(older: Path, tmp_path: Path) -> None:
    flat = " ".join(["128"] * 48 * 48)
    content = [row | ({"pixels": flat} if row["Usage"] == "Training" else {}) for row in rows()]
    data = write(tmp_path / "fer2013.csv", content)
    result = export(older, "--to", "onnx-int8", "--out", tmp_path / "m.onnx", "--data", data)
    assert result.exit_code == 1
    assert "The probabilities of m.onnx are " in result.stderr
    assert sorted(child.name for child in tmp_path.iterdir()) == ["fer2013.csv", "model"]


@pytest.mark.fer2013
def test_8_bits_calibrated_by_fer2013_are_kept(older: Path, fer2013: Path, tmp_path: Path) -> None:
    """By a part of it, since all of it takes long to read."""
    with (gzip.open if fer2013.suffix == ".gz" else open)(fer2013, "rt", newline="") as file:
        content = list(islice(csv.DictReader(file), 700))
    for place, row in enumerate(content):
        row["Usage"] = "Training" if place < 600 else "PublicTest" if place < 650 else "PrivateTest"
    data = write(tmp_path / "part.csv", content)
    result = export(older, "--to", "onnx-int8", "--out", tmp_path / "m.onnx", "--data", data)
    assert result.exit_code == 0, result.stderr
    assert "on 50 faces against the backend onnx." in result.stderr
    assert (tmp_path / "m.onnx").stat().st_size < (older / "model.onnx").stat().st_size / 3


def test_an_unknown_format_gets_a_hint(tmp_path: Path) -> None:
    result = export("default", "--to", "kera", "--out", tmp_path / "m.keras")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "fercli: There is no exporter kera.",
        "Did you mean keras? Installed are keras, onnx, onnx-int8, savedmodel, torchscript.",
    ]


def test_completion_offers_every_exporter_that_is_installed(run: Run, faulty_plugins: Path) -> None:
    words = {"COMP_WORDS": "fercli export default --to ", "COMP_CWORD": "4"}
    done = run(env={**words, "_FERCLI_COMPLETE": "complete_bash", "PYTHONPATH": str(faulty_plugins)})
    assert set(done.stdout.decode().split()) >= {*NAMES, "copies", "copies-into-a-folder"}
