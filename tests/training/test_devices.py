"""The default recipe on another device than the CPU, from data to a model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fercli.bundle import load_bundle
from tests.fer2013.made_up import ONE_THREAD
from tests.training.pretended_device import splits_of, trainer_of

_CHANGES = (
    "epochs=2", "batch_size=14", "precision=float32", "teacher=0.5", "teacher_temperature=2", "mixup=0.2",
    "text=0.5", "architecture.dropout=0.0",
)  # fmt: skip


def _losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_nothing_mixes_devices_and_the_numbers_are_the_cpus(data: Path, tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.pretended_device", data, there, "28", *_CHANGES],
        cwd=Path(__file__).parents[2], env=os.environ | ONE_THREAD, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = ["best epoch", "mean of the weights", "mean of the predictions"]
    assert [line.rpartition(" ")[0] for line in done.stdout.splitlines()] == names
    assert load_bundle(str(there / "model")).name == "residual"
    trainer_of(splits_of(data, 28), here, *_CHANGES).run(lambda _: None)
    assert _losses(there) == pytest.approx(_losses(here), rel=1e-3)
