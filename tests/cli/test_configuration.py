"""Defaults from `fercli.toml` and FERCLI_* variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from typer.testing import CliRunner

from fercli.cli.commands import app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Result, Run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; the user's own is beside it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "fercli").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


class Predict(Protocol):
    def __call__(self, *options: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]: ...


@pytest.fixture
def predict(capfd: pytest.CaptureFixture[str]) -> Predict:
    """Exit code, standard output and standard error of `fercli predict absent.jpg`."""

    def predict(*options: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        result = CliRunner(env=env).invoke(app, ["predict", "absent.jpg", *options])
        return result.exit_code, capfd.readouterr().out, result.stderr

    return predict


def test_a_file_sets_defaults_and_the_command_line_comes_first(predict: Predict, folder: Path) -> None:
    (folder / "fercli.toml").write_text('[predict]\nformat = "jsonl"\nquiet = true\n')
    code, out, err = predict()
    assert (code, json.loads(out)["path"], err) == (3, "absent.jpg", "")
    assert predict("--format", "csv")[1].startswith("path,face")


@pytest.mark.parametrize("value", ['"absent"', '["absent"]'])
def test_an_option_that_may_be_repeated_takes_one_value_or_a_list(
    predict: Predict, folder: Path, value: str
) -> None:
    (folder / "fercli.toml").write_text(f"[predict]\nmodel = {value}\n")
    code, _, err = predict()
    assert code == 5
    assert err.startswith("fercli: There is no model absent.\n")


def test_a_variable_comes_between_them(predict: Predict, folder: Path) -> None:
    (folder / "fercli.toml").write_text('[predict]\nformat = "jsonl"\n')
    variable = {"FERCLI_PREDICT_FORMAT": "json"}
    assert json.loads(predict(env=variable)[1])[0]["status"] == "error"
    assert predict("--format", "csv", env=variable)[1].startswith("path,face")


def test_verbose_says_where_defaults_come_from(predict: Predict, folder: Path) -> None:
    (folder / "fercli.toml").write_text('[predict]\nmin-face = 60\nbackend = "onnx"\n')
    said = predict("-v", "--backend", "onnx", env={"FERCLI_PREDICT_WORKERS": "1"})[2]
    assert f"defaults: min-face from {folder / 'fercli.toml'}\n" in said
    assert "defaults: workers from FERCLI_PREDICT_WORKERS\n" in said
    assert "min_face 60" in said
    assert "workers: 1\n" in said


def test_the_users_own_file_holds_where_the_folder_has_none(predict: Predict, folder: Path) -> None:
    own = folder.parent / "config" / "fercli" / "fercli.toml"
    own.write_text('[predict]\nformat = "jsonl"\n')
    assert predict()[1].startswith("{")
    (folder / "fercli.toml").write_text("")
    assert predict()[1].startswith("path,face")


@pytest.mark.parametrize("name", ["loop", "x" * 300])
def test_a_home_that_cannot_be_looked_into_has_no_file(predict: Predict, folder: Path, name: str) -> None:
    """As root's home, which containers and sudo leave in HOME for other users."""
    (folder / "loop").symlink_to("loop")
    code, out, _ = predict(env={"XDG_CONFIG_HOME": str(folder / name)})
    assert (code, len(out.splitlines())) == (3, 2)


def test_a_file_may_be_named_and_have_tables_of_tables(predict: Predict, folder: Path) -> None:
    named = folder.parent / "named.toml"
    named.write_text('[compare.backends]\nformat = "csv"\n[predict]\nmin_face = 13\n', "utf-8-sig")
    assert "min_face 13" in predict("-v", env={"FERCLI_CONFIG": str(named)})[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[predict]\nbakcend = 'onnx'\n",
            "[predict] has bakcend, which names no option.\nDid you mean backend?",
        ),
        ("[predikt]\n", "it has predikt, which names no table of a command.\nDid you mean predict?"),
        ("backend = 'onnx'\n", "it has backend, which names no table of a command."),
        ("[models]\nbackend = 1\n", "[models] has backend, which names no table of a command."),
        ("[predict.backend]\nonnx = 1\n", "[predict] has backend, which names no option."),
        ("[predict]\nmin-face = 'ten'\n", "--min-face"),
        ("[predict]\nmin-face = 3\n", "--min-face"),
        ("[predict]\nformat = 'cvs'\n", "--format"),
        ("[predict\n", "is not TOML"),
        ("[predict]\nhelp = true\n", "[predict] has help, which names no option."),
        ("[predict]\nbackend = ['onnx']\n", "[predict] has a list for backend, which takes one value."),
        ("[predict]\nannotate = ''\n", "[predict] has annotate, which is empty."),
        ("[predict]\nmin-score = nan\n", "--min-score"),
        ("[predict]\ntimeout = nan\n", "--timeout"),
    ],
)
def test_what_is_wrong_in_a_file_is_a_sentence_that_names_it(
    predict: Predict, folder: Path, text: str, said: str
) -> None:
    (folder / "fercli.toml").write_text(text)
    code, out, err = predict()
    assert (code, out) == (2, "")
    assert err.startswith(f"fercli: {folder / 'fercli.toml'}")
    assert said in err
    assert "Traceback" not in err


def test_a_file_that_is_named_and_not_there_is_wrong_usage(predict: Predict, folder: Path) -> None:
    code, _, err = predict(env={"FERCLI_CONFIG": str(folder / "none.toml")})
    assert code == 2
    assert err.startswith(f"fercli: {folder / 'none.toml'} cannot be read: No such file or directory.")


@pytest.mark.parametrize("name", ["MIN_FACE", "WORKERS"])
def test_a_wrong_value_of_a_variable_names_the_variable(predict: Predict, folder: Path, name: str) -> None:
    assert folder.is_dir()
    code, _, err = predict(env={f"FERCLI_PREDICT_{name}": "ten"})
    assert code == 2
    assert err.startswith(f"fercli: FERCLI_PREDICT_{name}: ")
    assert f"--{name.lower().replace('_', '-')}" in err


@pytest.mark.parametrize(
    ("key", "code"), [("backend", 5), ("detector", 5), ("device", 5), ("model", 5), ("shard", 2)]
)
def test_what_only_the_run_finds_wrong_is_said_with_where_it_stands(
    predict: Predict, folder: Path, key: str, code: int
) -> None:
    value = ["absent"] if key == "model" else "absent"
    (folder / "fercli.toml").write_text(f"[predict]\n{key} = {json.dumps(value)}\n")
    exit_code, _, err = predict()
    assert exit_code == code
    assert f"defaults: {key} from {folder / 'fercli.toml'}\n" in err


def test_other_variables_are_left_alone(predict: Predict, folder: Path) -> None:
    assert folder.is_dir()
    assert (
        predict("-q", env={"FERCLI_VERSION": "1.2.3", "FERCLI_HELP": "x", "FERCLI_PREDICT_HELP": "1"})[0]
        == 3
    )


def test_doctor_shows_the_file_and_the_variables_and_names_a_slip(run: Run, folder: Path) -> None:
    (folder / "fercli.toml").write_text("[predict]\nmin-face = 60\n")
    variables = {"FERCLI_PREDICT_WORKERS": "2", "FERCLI_PREDICT_WROKERS": "3", "FERCLI_TRAIN_DEVICES": "2"}
    shown: Result = run("doctor", cwd=folder, env=variables)
    _, _, defaults = shown.stdout.decode().partition("Defaults set\n")
    assert defaults.splitlines() == [
        f"  {folder / 'fercli.toml'}: [predict]",
        "  FERCLI_PREDICT_WORKERS=2",
        "  FERCLI_PREDICT_WROKERS names no option. Did you mean FERCLI_PREDICT_WORKERS?",
        "  FERCLI_TRAIN_DEVICES=2",
    ]


def test_help_does_not_repeat_the_variables(folder: Path) -> None:
    assert folder.is_dir()
    assert "FERCLI_" not in CliRunner().invoke(app, ["predict", "--help"]).output
