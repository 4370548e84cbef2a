"""What measures models and reads data needs neither torch nor the package that trains."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Result, Run
from tests.fer2013.made_up import COUNTS, write

FERCLI = Path(__file__).parents[2] / "fercli"
TRAINING = ("fercli_training", "fercli_torch", "torch", "lightning_fabric", "tensorboard", "safetensors")

BLOCKING = """
import os, sys

# What Python takes for a module that cannot be imported, and find_spec for one that is not there.
sys.modules.update(dict.fromkeys(os.environ["FERCLI_BLOCKED"].split()))
"""
"""Python itself imports this, as sitecustomize."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sitecustomize.py").write_text(BLOCKING)
    write(tmp_path / "d.csv")
    return tmp_path


def without(run: Run, folder: Path, command: str, *blocked: str) -> Result:
    environment = {"PYTHONPATH": str(folder), "FERCLI_BLOCKED": " ".join(blocked)}
    return run(*command.split(), cwd=folder, env=environment)


def test_a_model_is_evaluated(run: Run, folder: Path) -> None:
    done = without(
        run, folder, "evaluate default --data d.csv --backend onnx --format json --out out", *TRAINING
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["figures"]["pictures"] == COUNTS["PrivateTest"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "private.confusion.png", "private.curves.png", "private.json", "private.reliability.png"
    ]  # fmt: skip


def test_data_is_inspected_and_converted(run: Run, folder: Path) -> None:
    for command in ("data convert d.csv d.tfrecord", "data convert d.tfrecord folders"):
        assert without(run, folder, command, *TRAINING).returncode == 0
    done = without(run, folder, "data inspect folders --contact-sheet s.png --format json", *TRAINING)
    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)["counts"]
    assert {split: sum(classes.values()) for split, classes in counts.items()} == COUNTS
    assert (folder / "s.png").is_file()


def test_models_are_compared(run: Run, folder: Path) -> None:
    done = without(
        run, folder, "compare models article residual --data d.csv --backend onnx --repeat 1 --format json",
        *TRAINING,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"article" in done.stdout


def test_training_itself_names_its_extra(run: Run, folder: Path) -> None:
    for command in ("train --data d.csv --out run", "ablation --data d.csv --out run"):
        done = without(run, folder, command, *TRAINING)
        assert (done.returncode, done.stdout) == (5, b"")
        said, remedy = done.stderr.splitlines()
        assert said.startswith("fercli: Training needs ")
        assert remedy == "pip install 'fercli[train]'"
        assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("command", "blocked", "extra"),
    [
        ("data convert d.csv d.tfrecord", "google_crc32c", "tfrecord"),
        ("evaluate default --data d.csv --out out", "matplotlib", "charts"),
        ("explain a.png --out page.png", "matplotlib", "charts,torch"),
    ],
)
def test_what_is_missing_is_named_with_its_extra(
    command: str, blocked: str, extra: str, run: Run, folder: Path
) -> None:
    done = without(run, folder, command, blocked)
    assert (done.returncode, done.stdout) == (5, b"")
    said, remedy = done.stderr.splitlines()
    assert said.replace("-", "_").endswith(f" {blocked}, not installed here.")
    assert remedy == f"pip install 'fercli[{extra}]'"


def test_only_what_trains_or_explains_imports_the_package_that_does() -> None:
    importers = {
        path.relative_to(FERCLI).as_posix()
        for path in FERCLI.rglob("*.py")
        if re.search(r"^\s*(?:from|import) fercli_training\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert importers == {
        "cli/ablation.py",
        "cli/explain.py",
        "cli/export.py",
        "cli/train.py",
        "cli/training.py",
    }
