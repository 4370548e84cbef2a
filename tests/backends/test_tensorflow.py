from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run


def test_it_says_nothing_and_leaves_nothing_behind(run: Run, samples: Path, tmp_path: Path) -> None:
    photo = samples / "cat-chelsea-no-face.jpg"
    done = run(
        "predict",
        photo,
        "--detector",
        "none",
        "-q",
        "--backend",
        "tensorflow",
        env={"TMPDIR": str(tmp_path), "KERAS_BACKEND": "torch"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


THREADS = """
import numpy
from fercli.bundle import load_bundle
from fercli.plugins import find_backend
for threads, said in ((2, "2"), (1, "2")):
    network = find_backend("tensorflow").load(load_bundle("default"), "cpu", threads)
    network(numpy.zeros((1, 1, 48, 48), "float32"))
    assert network.describe()["threads"] == said, network.describe()
"""


def test_the_first_use_in_a_process_sets_its_threads() -> None:
    subprocess.run([sys.executable, "-c", THREADS], check=True)
