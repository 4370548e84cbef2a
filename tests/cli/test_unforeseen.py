"""What nobody foresaw: one sentence from every command, and the traceback for whoever asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from fercli.cli.commands import app
from fercli.errors import ExitCode, in_one_line, shortage
from tests.conftest import FERCLI
from tests.corpus import encoded, gradient

if TYPE_CHECKING:
    from tests.conftest import Result, Run

_LONG = 120

FAILS = """
import errno, os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["FERCLI_AT"]:
            raise eval(os.environ["FERCLI_FAILS"])

sys.meta_path.insert(0, Finder())
"""
"""Lets an import fail as no import should; Python itself imports this, as sitecustomize."""

WHERE = "Run it with FERCLI_DEBUG=1 in the environment to see where that happens, and report it."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sitecustomize.py").write_text(FAILS)
    (tmp_path / "a.png").write_bytes(encoded(gradient(), "png"))
    return tmp_path


def failing(run: Run, folder: Path, command: str, module: str, error: str, **environment: str) -> Result:
    environment |= {"PYTHONPATH": str(folder), "FERCLI_AT": module, "FERCLI_FAILS": error}
    return run(*command.split(), cwd=folder, env=environment)


COMMANDS = {
    "--version": "typer",
    "predict a.png": "fercli.engines.workers",
    "predict a.png -o report.json": "fercli.engines.local",
    "train --data d.csv --out run": "torch",
    "evaluate default --data d.csv": "fercli.fer2013",
    "explain a.png -o out.png": "fercli_training.explanation",
    "export default --to onnx -o out.onnx": "fercli.exporting",
    "data inspect d.csv": "numpy",
    "data convert d.csv out.csv": "numpy",
    "models list": "rich.table",
    "models verify": "fercli.bundle",
    "report merge r.csv": "fercli.reports.reading",
    "report show r.csv": "fercli.reports.reading",
    "report r.csv -o page.html": "fercli.reports.reading",
    "compare backends": "fercli.comparison.side_by_side",
    "compare models default": "fercli.comparison.faces",
    "compare detectors a.png": "fercli.comparison.detectors",
    "doctor": "fercli.devices",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_it_in_a_sentence(run: Run, folder: Path, command: str) -> None:
    before = sorted(folder.iterdir())
    done = failing(run, folder, command, COMMANDS[command], "ZeroDivisionError('nothing\\nto divide')")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.splitlines() == [
        "fercli: An error that nobody foresaw: ZeroDivisionError: nothing.",
        WHERE,
    ]
    assert sorted(path for path in folder.iterdir() if path.name != "run") == before


def test_a_library_that_workers_lack_is_named(run: Run, folder: Path) -> None:
    error = "ImportError('libGL.so.1: no such file')"
    done = failing(run, folder, "predict a.png", "cv2", error)
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.splitlines() == [
        "fercli: A worker process cannot read photos: ImportError: libGL.so.1: no such file.",
        "See what fercli doctor says.",
    ]
    environment = {
        "PYTHONPATH": str(folder),
        "FERCLI_AT": "cv2",
        "FERCLI_FAILS": error,
        "FERCLI_DEBUG": "1",
    }
    seen = subprocess.run(
        [FERCLI, "predict", "a.png"], cwd=folder, env=os.environ | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "fercli/crop.py" in seen.stderr


KINDS = {
    "MemoryError()": "There is not enough memory.",
    "MemoryError('Unable to allocate 9 GiB')": "There is not enough memory.",
    "OSError(errno.ENOMEM, 'Cannot allocate memory')": "There is not enough memory.",
    "OSError(errno.EMFILE, 'Too many open files', 'a.png')": (
        "The system does not let this program open more files."
    ),
    'RuntimeError("can\'t start new thread")': (
        "The system does not let this program start more threads or processes."
    ),
    "BlockingIOError(errno.EAGAIN, 'Resource temporarily unavailable')": (
        "The system does not let this program start more threads or processes."
    ),
    "OSError(errno.ENOSPC, 'No space left on device')": "There is no room left where this program writes.",
    "RecursionError()": "Something is nested more deeply than Python can follow (RecursionError).",
    "OSError(errno.EIO, 'Input/output error', '/mnt/photos')": "/mnt/photos: Input/output error.",
    "KeyError('x')": "An error that nobody foresaw: KeyError: 'x'.",
    "ValueError()": "An error that nobody foresaw: ValueError.",
    "EOFError()": "An error that nobody foresaw: EOFError.",
    "GeneratorExit()": "An error that nobody foresaw: GeneratorExit.",
}


@pytest.mark.parametrize("error", KINDS)
def test_what_the_machine_lacks_is_named(run: Run, folder: Path, error: str) -> None:
    done = failing(run, folder, "models verify", "fercli.bundle", error)
    lacking = KINDS[error].startswith(("There is", "The system"))
    assert (done.returncode, done.stdout) == (5 if lacking else 1, b"")
    sentence, remedy = done.stderr.splitlines()
    assert sentence == f"fercli: {KINDS[error]}"
    assert remedy


PLACES = {
    "PermissionError(errno.EACCES, 'Permission denied', '/mnt/photos')": "/mnt/photos: Permission denied.",
    "OSError(errno.EROFS, 'Read-only file system', '/mnt/a b')": "'/mnt/a b': Read-only file system.",
}


@pytest.mark.parametrize("error", PLACES)
def test_a_place_that_the_system_refuses_is_wrong_usage(run: Run, folder: Path, error: str) -> None:
    done = failing(run, folder, "models verify", "fercli.bundle", error)
    assert (done.returncode, done.stdout) == (2, b"")
    sentence, remedy = done.stderr.splitlines()
    assert sentence == f"fercli: {PLACES[error]}"
    assert remedy.startswith("Choose ")


LONG_NAME = "a" * 300


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"predict a.png --annotate {LONG_NAME}", ExitCode.REPORT),
        (f"explain a.png --out {LONG_NAME}.png", ExitCode.REPORT),
        (f"export default --to onnx --out {LONG_NAME}.onnx", ExitCode.REPORT),
        (f"export default --to savedmodel --out {LONG_NAME}", ExitCode.REPORT),
        (f"data convert {LONG_NAME}.csv out.csv", ExitCode.USAGE),
        (f"data crop a.png --out {LONG_NAME}", ExitCode.REPORT),
        (f"report {LONG_NAME}.csv", ExitCode.USAGE),
        (f"train {LONG_NAME} --data d.csv --out run", ExitCode.USAGE),
        (f"train --data d.csv --out {LONG_NAME}", ExitCode.REPORT),
    ],
)
def test_a_name_that_is_too_long_is_named_by_every_command(
    command: str, code: ExitCode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, command.split())
    assert (done.exit_code, done.stdout) == (code, "")
    assert LONG_NAME in done.stderr
    assert "foresaw" not in done.stderr
    assert WHERE not in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        ("SystemExit(7)", 7, ""),
        ("SystemExit()", 0, ""),
        ("SystemExit('that was it')", 1, "fercli: that was it\n"),
        ("BrokenPipeError()", 141, ""),
    ],
)
def test_a_library_that_leaves_the_program(
    run: Run, folder: Path, error: str, code: int, said: str
) -> None:
    assert failing(run, folder, "models verify", "fercli.bundle", error) == (code, b"", said)


def test_the_traceback_is_for_who_asks(folder: Path) -> None:
    environment = {"PYTHONPATH": str(folder), "FERCLI_AT": "fercli.bundle", "FERCLI_FAILS": "KeyError('x')"}
    said = [
        subprocess.run(
            [FERCLI, "models", "verify"],
            env={**os.environ, **environment, "FERCLI_DEBUG": debug},
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        for debug in ("1", "0", "")
    ]
    assert said[0].startswith("Traceback (most recent call last):\n")
    assert "\nKeyError: 'x'\nfercli: An error that nobody foresaw: KeyError: 'x'.\n" in said[0]
    assert said[1] == said[2] == f"fercli: An error that nobody foresaw: KeyError: 'x'.\n{WHERE}\n"


def test_the_cause_of_an_error_that_was_foreseen_is_in_the_traceback_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FERCLI_DEBUG", "1")
    done = CliRunner().invoke(app, ["models", "show", str(tmp_path / "none")])
    assert done.exit_code == 5
    assert done.stderr.startswith("Traceback")
    assert "fercli.errors." in done.stderr
    assert f"\nfercli: {done.stderr.split('fercli: ')[1]}" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "--version",
        "predict --help",
        "compare models --help",
        "models list",
        "models show default",
    ],
)
def test_standard_output_that_takes_nothing(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("wb") as full:
        closed, filled = (
            subprocess.run([FERCLI, *command.split()], stdout=out, stderr=subprocess.PIPE, check=False)
            for out in (writing, full)
        )
    os.close(writing)
    assert (closed.returncode, closed.stderr) == (141, b"")
    assert filled.returncode == 5
    assert filled.stderr.splitlines()[0] == b"fercli: There is no room left where this program writes."
    assert filled.stderr.count(b"\n") == 2


@pytest.mark.parametrize("arguments", [[], ["predict"], ["models"]])
def test_python_m_fercli_calls_itself_so(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fercli", *arguments, "--bogus"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONG,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Usage: {' '.join(['python -m fercli', *arguments])} ")


def test_python_m_fercli_does_what_fercli_does(run: Run, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fercli", "predict", "a.png", "missing.png"],
        cwd=folder,
        env={**os.environ, "FERCLI_AT": ""},
        capture_output=True,
        check=False,
        timeout=_LONG,
    )
    expected = run("predict", "a.png", "missing.png", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr.decode()) == expected


def test_little_can_be_said_where_an_error_itself_fails() -> None:
    class WordlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert in_one_line(WordlessError()) == "WordlessError"
    assert in_one_line(ValueError("One.\nTwo.")) == "ValueError: One"
    assert shortage(ValueError("no memory")) is None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["predict", "a.png", "--crops", ""], "An argument"),
        (["predict", "a.png", "--crops="], "--crops"),
        (["predict", "a.png", "--annotate=", "-q"], "--annotate"),
        (["predict", "", "-o", "report.csv"], "An argument"),
        (["evaluate", "default", "--data", "d.csv", "--out", ""], "An argument"),
        (["data", "convert", "d.csv", ""], "An argument"),
    ],
)
def test_an_empty_argument_does_not_stand_for_the_current_folder(
    arguments: list[str], named: str, folder: Path, run: Run
) -> None:
    before = sorted(folder.iterdir())
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == f"fercli: {named} is empty.\nA variable of the shell may not be set.\n"
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("command", ["predict a.png", "doctor", "report report.csv"])
def test_a_current_folder_that_is_gone_is_wrong_usage(command: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && "$@"'
    line = ["sh", "-c", script, "sh", str(gone), str(FERCLI), *command.split()]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=_LONG)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "fercli: The current folder is not there any more.\nChange to another one first.\n"
    )
