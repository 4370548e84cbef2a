from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
from typer.testing import CliRunner

from fercli import __version__
from fercli.cli.commands import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Run

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"
_HEAVY = {"numpy", "cv2", "pandas", "onnxruntime", "torch", "tensorflow", "openvino", "PIL", "onnx"}
_IMPORTED = re.compile(r"^import time:.*\| +([\w.]+)$", re.MULTILINE)


def commands(command: Any = None, name: str = "fercli") -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, with the words that are typed for it."""
    command = command or typer.main.get_command(app)
    yield name, command
    for word, child in sorted(getattr(command, "commands", {}).items()):
        yield from commands(child, f"{name} {word}")


def options(command: Any) -> list[str]:
    """Every spelling of every option of a command."""
    return [
        spelling
        for parameter in command.params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
        if spelling.startswith("-")
    ]


COMMANDS = dict(commands())


def section(name: str) -> str:
    """What the reference says of a command, from its heading to the next one."""
    heading = re.compile(rf"^#+ `?{re.escape(name)}`?\s*$", re.MULTILINE)
    found = heading.search(REFERENCE.read_text("utf-8"))
    assert found is not None, f"{REFERENCE.name} has no heading {name}"
    return re.split(r"^#+ ", REFERENCE.read_text("utf-8")[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_commands_are_those_that_are_promised() -> None:
    assert set(COMMANDS) >= {
        "fercli predict", "fercli train", "fercli evaluate", "fercli doctor",
        "fercli models list", "fercli models show", "fercli models verify",
    }  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name: str) -> None:
    text = section(name)
    missing = [
        option
        for option in options(COMMANDS[name])
        if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)
    ]
    assert not missing


def test_the_reference_invents_no_command() -> None:
    headings = re.findall(r"^#+ `?(fercli(?: [a-z]+)*)`?\s*$", REFERENCE.read_text("utf-8"), re.MULTILINE)
    assert set(headings) <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert result.exit_code == 0
    assert COMMANDS[name].help.split(".")[0].split()[0] in result.output
    for option in COMMANDS[name].params:
        if option.opts[0].startswith("--"):
            assert option.help, f"{option.opts[0]} says nothing of itself"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_as_people_write(name: str) -> None:
    arguments = [*name.split()[1:], "--help"]
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, arguments).output
    lines = [line.strip() for line in shown.partition("╭")[0].splitlines()]
    for line, following in pairwise(lines):
        if line and following:
            assert len(f"{line} {following.split()[0]}") > 78, f"there is room after: {line}"
    assert not re.search(r"<bool>|list\[|\.\.\.\S*\.\.\.", shown)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["predict", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from fercli.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name.partition(".")[0] for name in _IMPORTED.findall(done.stderr)}
    assert "typer" in imported
    assert not imported & (_HEAVY | ({"rich"} if arguments == ["--version"] else set()))


def test_the_version(run: Run) -> None:
    assert run("--version") == (0, f"fercli {__version__}\n".encode(), "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage: fercli"),
        (["predikt"], "predict"),
        (["--nonsense"], "nonsense"),
        (["models"], "Usage: fercli models"),
        (["models", "show"], "Missing argument"),
        (["models", "shwo"], "show"),
        (["predict", "--bakcend", "onnx"], "--backend"),
        (["predict"], "fercli predict photos --out report.csv"),
    ],
)
def test_wrong_usage_is_2(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_the_options_of_predict_are_in_groups() -> None:
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["predict", "--help"]).output
    groups = re.findall(r"^╭─ (\w+) ─", shown, re.MULTILINE)
    assert set(groups) == {"Arguments", "Options", "Input", "Faces", "Model", "Output", "Running"}
    assert len(groups) == len(set(groups))
    (rest,) = re.findall(r"^╭─ Options ─.*?^╰", shown, re.MULTILINE | re.DOTALL)
    assert re.findall(r"--[a-z-]+", rest) == ["--help"]
    assert max(map(len, shown.splitlines())) <= 80
