"""docs/reference.md is what the program says of itself."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest
import typer.cli
from typer.testing import CliRunner

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"
COMMAND = "typer fercli.cli.commands utils docs --name fercli --output docs/reference.md"


@pytest.mark.parametrize("terminal", [{}, {"COLUMNS": "40"}, {"COLUMNS": "300", "FORCE_COLOR": "1"}])
def test_the_reference_is_what_typer_makes_of_the_program(terminal: dict[str, str], tmp_path: Path) -> None:
    _, *arguments, _ = COMMAND.split()
    made = tmp_path / "reference.md"
    result = CliRunner(env=terminal).invoke(typer.cli.app, [*arguments, str(made)])
    assert result.exit_code == 0, result.output
    kept, fresh = (path.read_text("utf-8").splitlines() for path in (REFERENCE, made))
    difference = "\n".join(unified_diff(kept, fresh, str(REFERENCE), "the program", lineterm=""))
    assert not difference, f"make it again: {COMMAND}\n{difference}"
