"""Plugins that lie, leave or raise, behind the guard that names them."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fercli.analyzer import prepare
from fercli.detectors import load_detector
from fercli.engines.actor import ChunkReader
from fercli.engines.options import checked_options
from fercli.errors import UnavailableError
from tests.corpus import encoded, gradient

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.records import Photo
    from tests.conftest import Run


@pytest.fixture(autouse=True)
def _installed(faulty_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(faulty_plugins)


def picture() -> NDArray[np.uint8]:
    return np.zeros((60, 80, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("framed-by-words", "fails: TypeError: its framing is not a fercli.crop.Framing."),
        ("loads-nothing", "fails: AttributeError: 'NoneType' object has no attribute 'framing'."),
    ],
)
def test_a_detector_that_does_not_load_is_named(name: str, said: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        load_detector(name, 40, 0.9, 1)
    assert caught.value.message == f"The detector {name} {said}"


def test_a_detector_that_leaves_is_named() -> None:
    with pytest.raises(UnavailableError, match=r"^The detector leaves fails: SystemExit: 3\.$"):
        load_detector("leaves", 40, 0.9, 1).detect(picture())


LIES = {
    "None": "TypeError",
    "7": "TypeError",
    "[None]": "AttributeError",
    "[(0, 0, 9, 9, 0.5)]": "AttributeError",
    "[Face(None, 0.5)]": "AttributeError",
    "[Face(Box(0, 0, 9, np.nan), 0.5)]": "ValueError: it gives a face the box 0, 0, 9, nan",
    "[Face(Box(0, 0, np.inf, 9), 0.5)]": "ValueError: it gives a face the box 0, 0, inf, 9",
    "[Face(Box(9, 9, 1, 1), 0.5)]": "ValueError: it gives a face the box 9, 9, 1, 1",
    "[Face(Box(9, 9, 9, 9), 0.5)]": "ValueError: it gives a face the box 9, 9, 9, 9",
    "[Face(Box('a', 0, 9, 9), 0.5)]": "ValueError: could not convert string to float: 'a'",
    "[Face(Box(0, 0, 9, 9), np.nan)]": "ValueError: it gives a face a score or landmarks that are no",
    "[Face(Box(0, 0, 9, 9), None)]": "TypeError",
    "[Face(Box(0, 0, 9, 9), 1, (1, 2, 3))]": "TypeError",
    "[Face(Box(0, 0, 9, 9), 1, Landmarks((1, 2), (3, 4), (5, 6), (7, 8), (9, np.nan)))]": (
        "ValueError: it gives a face a score or landmarks that are not numbers"
    ),
    "(Face(Box(0, 0, 9, 9), 1 / 0) for _ in range(1))": "ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize("lie", LIES)
def test_faces_that_are_none_are_the_detectors_fault(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCLI_GIVES", lie)
    detector = load_detector("gives", 40, 0.9, 1)
    with pytest.raises(UnavailableError) as caught:
        detector.detect(picture())
    assert caught.value.message.startswith(f"The detector gives fails: {LIES[lie]}")

    photo = prepare("a.png", picture, detector).photo
    assert photo.error == f"internal: {caught.value.message}"


@pytest.mark.parametrize("gives", ["()", "[]", "iter(())", "{}"])
def test_no_face_is_no_fault(gives: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCLI_GIVES", gives)
    assert load_detector("gives", 40, 0.9, 1).detect(picture()) == []


def test_other_numbers_become_python_s() -> None:
    detector = load_detector("computes-in-numpy", 40, 0.9, 1)
    photo: Photo = prepare("a.png", picture, detector).photo
    (row,) = photo.rows()
    assert json.loads(json.dumps(row))["x2"] == 41.0


def test_the_built_in_detector_s_faces_pass_the_guard_unchanged() -> None:
    from fercli.images import decode
    from fercli.plugins import find_detector
    from tests.corpus import SAMPLES

    rgb = decode((SAMPLES / "group.jpg").read_bytes())
    plain = find_detector("mtcnn").load(40, 0.9, 1).detect(rgb)
    guarded = load_detector("mtcnn", 40, 0.9, 1)
    assert guarded.detect(rgb) == plain
    assert guarded.framing == find_detector("mtcnn").load(40, 0.9, 1).framing
    assert len(plain) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--detector", "none", "--backend", "forgets"], "The backend forgets, with the model in "),
        (["--detector", "none", "--backend", "interrupts"], "The backend interrupts, with the model in "),
        (
            ["--detector", "none", "--backend", "leaves-in-import"],
            "The backend leaves-in-import cannot",
        ),
        (
            ["--detector", "leaves-in-import"],
            "The detector leaves-in-import cannot run here: it",
        ),
        (["--detector", "loads-nothing"], "The detector loads-nothing fails: AttributeError: "),
    ],
)
def test_predict_names_what_fails(
    run: Run, faulty_plugins: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(), "png"))
    done = run("predict", "a.png", *arguments, cwd=tmp_path, env={"PYTHONPATH": str(faulty_plugins)})
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.startswith(f"fercli: {said}")


def test_an_error_of_a_plugins_own_comes_from_its_process_in_its_words(
    run: Run, faulty_plugins: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(), "png"))
    environment = {"PYTHONPATH": str(faulty_plugins)}
    said = "The licence X is 3 years old."
    read = run("predict", "a.png", "--detector", "has-errors-of-its-own", cwd=tmp_path, env=environment)
    assert (read.returncode, read.stderr) == (5, f"fercli: {said}\nBuy another one.\n")
    compared = run(
        *("compare", "detectors", "a.png", "--detectors", "none,has-errors-of-its-own", "--format", "json"),
        *("--repeat", "1"),
        cwd=tmp_path,
        env=environment,
    )
    assert compared.returncode == 0
    assert [row["reason"] for row in json.loads(compared.stdout)] == [None, f"{said} Buy another one."]


def test_it_comes_from_an_actor_with_the_node_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # and back at the end: an actor enters its folder for good
    options = checked_options(
        model="default", backend="auto", detector="has-errors-of-its-own", device="cpu", min_face=40,
        min_score=0.9, fast=False, tta=False, max_pixels=10**6,
    )  # fmt: skip
    error = pickle.loads(pickle.dumps(ChunkReader(options, 1, str(tmp_path)).describe()))  # noqa: S301 - our own
    assert isinstance(error, UnavailableError)
    assert error.message.startswith("On the node ")
    assert error.message.endswith(" of the Ray cluster: The licence X is 3 years old.")


def test_a_detector_that_interrupts_or_leaves_costs_one_photo(
    run: Run, faulty_plugins: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(), "png"))
    for name, kind in (("interrupts", "KeyboardInterrupt"), ("leaves", "SystemExit: 3")):
        done = run(
            *("predict", "a.png", "--detector", name, "--format", "json", "--workers", "1"),
            cwd=tmp_path,
            env={"PYTHONPATH": str(faulty_plugins)},
        )
        (row,) = json.loads(done.stdout)
        assert (done.returncode, row["error"]) == (3, f"internal: The detector {name} fails: {kind}.")
