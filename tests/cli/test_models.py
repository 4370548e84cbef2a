from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from fercli.bundle import CARD, DEFAULT_MODEL, MODELS, ONNX, load_bundle, shipped_models
from fercli.cli.commands import app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["models", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "model")


def test_list_shows_every_model_and_which_is_the_default(run: Run) -> None:
    done = run("models", "list")
    assert (done.returncode, done.stderr) == (0, "")
    for name in shipped_models():
        assert name in done.stdout.decode()
    assert f"{DEFAULT_MODEL} (default)" in done.stdout.decode()
    about = load_bundle(DEFAULT_MODEL).description
    assert f"{about['cost']['parameters']:,}" in done.stdout.decode()
    assert f"{about['metrics']['PrivateTest']['accuracy']:.4f}" in done.stdout.decode()


@pytest.mark.parametrize("name", ["default", DEFAULT_MODEL])
def test_show_prints_the_card(name: str) -> None:
    card = (MODELS / DEFAULT_MODEL / CARD).read_text("utf-8")
    assert invoke("show", name) == (0, card + "\n", "")


def test_verify_names_every_file() -> None:
    code, out, err = invoke("verify")
    files = [MODELS / name / file for name in shipped_models() for file in load_bundle(name).files]
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{file}: whole" for file in files]


def test_verify_of_a_folder(model: Path) -> None:
    code, out, _ = invoke("verify", str(model))
    assert code == 0
    assert f"{model / ONNX}: whole" in out.splitlines()


def test_verify_names_the_file_that_was_changed(model: Path) -> None:
    with (model / ONNX).open("ab") as file:
        file.write(b"more")
    code, _, err = invoke("verify", DEFAULT_MODEL, str(model))
    assert code == 5
    assert err.startswith(f"fercli: {model / ONNX} is not the file that model.json was made with.\n")


def test_verify_names_the_file_that_is_missing(model: Path) -> None:
    (model / CARD).unlink()
    code, _, err = invoke("verify", str(model))
    assert code == 5
    assert f"{model / CARD} is missing" in err


def test_show_refuses_a_card_that_was_changed(model: Path) -> None:
    (model / CARD).write_text("Better than it is.")
    assert invoke("show", str(model))[:2] == (5, "")


@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_unknown_model_gets_a_hint(command: str) -> None:
    code, out, err = invoke(command, f"{DEFAULT_MODEL}s")
    assert (code, out) == (5, "")
    assert f"Did you mean {DEFAULT_MODEL}?" in err


def test_a_folder_whose_name_is_not_utf8(model: Path, run: Run) -> None:
    odd = model.with_name("not \udcff utf-8")
    model.rename(odd)
    for environment in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "utf-8:strict"}):
        done = run("models", "verify", odd, env=environment)
        assert done.returncode == 0
        assert done.stdout.count(b": whole\n") == len(load_bundle(DEFAULT_MODEL).files)
