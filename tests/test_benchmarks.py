"""The benchmarks: that they run, add up, and compare what they should."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from fercli.images import decode

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments], capture_output=True, text=True, check=False
    )


def measure(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environments = folder / "environments"
    return run("run.py", "--environments", environments, "--out", folder, "--rounds", "1", *arguments)


def result(folder: Path) -> Any:
    (file,) = folder.glob("speed-*.json")
    return json.loads(file.read_text("utf-8"))


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmarks are scripts that import one another."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_a_run_on_two_photos_measures_and_a_second_adds_to_it(tmp_path: Path) -> None:
    first = measure(tmp_path, "--photos", "2", "--only", "start-up", "floor")
    assert first.returncode == 0, first.stderr
    seconds = result(tmp_path)["rounds"]["floor"][0]["seconds"]
    assert min(seconds.values()) > 0
    assert seconds["decoding and networks alone"] == pytest.approx(
        seconds["decoding"] + seconds["networks"]
    )
    assert "| `fercli --help` |" in first.stdout

    assert measure(tmp_path, "--photos", "2", "--only", "start-up").returncode == 0
    rounds = result(tmp_path)["rounds"]
    assert (len(rounds["start-up"]), len(rounds["floor"])) == (2, 1)
    assert result(tmp_path)["machine"]["cores"] >= 1

    other = measure(tmp_path, "--photos", "3", "--only", "start-up")
    assert other.returncode != 0
    assert "Choose another --out" in other.stderr


def test_ratios_are_made_inside_rounds(tmp_path: Path) -> None:
    # The machine is ten times slower in the second round: no ratio changes.
    faces = {
        "fercli": {"ours": 4, "theirs": 4, "found": 4, "same_expression": 4},
        "peer": {"ours": 4, "theirs": 5, "found": 3, "same_expression": 2},
    }
    rounds = [
        {"seconds": {"fercli": 1.0, "peer": 8.0}, "warm": {"peer": 6.0}, "faces": faces},
        {"seconds": {"fercli": 10.0, "peer": 80.0}, "warm": {"peer": 60.0}, "faces": faces},
    ]
    machine = {
        "processor": "P", "instruction_sets": ["avx2"], "cores": 2, "python": "3.11", "commit": "abc",
        "versions": {"numpy": "2"},
    }  # fmt: skip
    file = tmp_path / "speed.json"
    file.write_text(json.dumps({"machine": machine, "photos": 9, "rounds": {"mixed": rounds}}), "utf-8")
    printed = run("page.py", file).stdout
    assert "| peer | 44.00 (8.00 to 80.00) | 8.00 | 33.00 (6.00 to 60.00) | 6.00 | 5 | 75.0% |" in printed
    assert "P (avx2)" in printed


@pytest.mark.usefixtures("modules")
def test_faces_are_matched_by_their_boxes_in_the_same_photo() -> None:
    compare = import_module("faces").compare
    ours = {
        "a.jpg": [[0, 0, 10, 10, "happy"], [20, 0, 30, 10, "sad"], [50, 0, 60, 10, "fear"]],
        "b.jpg": [[0, 0, 10, 10, "sad"]],
    }
    theirs = {
        "a.jpg": [[1, 0, 11, 10, "happy"], [20, 0, 30, 11, "happy"], [57, 0, 67, 10, "fear"]],
        "c.jpg": [[0, 0, 10, 10, "sad"]],
    }
    assert compare(ours, theirs) == {"ours": 4, "theirs": 4, "found": 2, "same_expression": 1}
    assert compare(ours, ours) == {"ours": 4, "theirs": 4, "found": 4, "same_expression": 4}


@pytest.mark.usefixtures("modules")
def test_the_same_photos_are_made_every_time(tmp_path: Path) -> None:
    photos = import_module("photos")
    for name in ("once", "again"):
        photos.make_photos(tmp_path / name, 4, 3, [(64, 48), (80, 60)])
    once, again = (sorted((tmp_path / name).iterdir()) for name in ("once", "again"))
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
    shapes = [decode(path.read_bytes()).shape for path in once]
    assert shapes == [(48, 64, 3), (60, 80, 3), (64, 48, 3), (48, 64, 3)]
    assert once[3].samefile(once[0])
