"""What `--help` shows: where Typer has it otherwise than people write it, it is changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ["--help", "-h"]


def as_people_write(command: Any) -> None:
    """Changes what a command, and each command below it, says of itself.

    Typer keeps the source's line ends in all paragraphs but the first. Newer versions write `<bool>` behind
    an option that takes no value, and an argument's type in Python's words: `<list[str]>`.
    """
    for each in _with_those_below(command):
        if each.help:
            each.help = "\n\n".join(" ".join(part.split()) for part in each.help.split("\n\n"))
        for parameter in (*each.params, each.get_help_option(typer.Context(each, help_option_names=NAMES))):
            if parameter.param_type_name == "argument":
                parameter.display_type_rich = _no_type
            elif parameter.is_flag:
                parameter.metavar = ""


def _with_those_below(command: Any) -> Iterator[Any]:
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from _with_those_below(child)


def _no_type(ctx: Any) -> None:
    """Takes the place of an argument's type."""
