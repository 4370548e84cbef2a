"""All commands as one program."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fercli import __version__
from fercli.cli import (
    ablation,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    export,
    models,
    predict,
    report,
    train,
)
from fercli.cli.configuration import origin, set_defaults
from fercli.cli.ending import end
from fercli.errors import UsageError

_DIGITS = 4
"""Of the number of a terminal's columns."""


class _Group(TyperGroup):
    """Turns what ends a run into a message and an exit code, for every command."""

    def __init__(self, *arguments: Any, **extra: Any) -> None:
        super().__init__(*arguments, **extra)
        _fill_paragraphs(self)

    def main(self, *arguments: Any, **extra: Any) -> Any:
        _forget_no_width()
        try:
            return super().main(*arguments, **extra)
        except Exception as error:  # noqa: BLE001 - nobody can foresee them all
            sys.exit(end(error))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # As a path, it would stand for the current folder.
        if (empty := next(filter(_is_empty, args), None)) is not None and not ctx.resilient_parsing:
            raise UsageError(
                f"{empty.rstrip('=') or 'An argument'} is empty.", "A variable of the shell may not be set."
            )
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            context: Any = error.ctx
            parameter: Any = error.param
            place = origin(context, parameter.name) if context and parameter else None
            if place is None:
                raise
            raise UsageError(f"{place}: {parameter.opts[0]}: {error.message}") from error
        except (KeyboardInterrupt, EOFError, OSError) as error:  # Typer has endings of its own for these
            raise typer.Exit(end(error)) from error


def _is_empty(argument: str) -> bool:
    """Whether an argument, or the value of an option in it, is empty."""
    return not argument or re.fullmatch(r"--[a-z0-9-]+=", argument) is not None


def _forget_no_width() -> None:
    """Takes COLUMNS for not set where it is no width: Rich shows nothing at 0, millions take minutes."""
    width = os.environ.get("COLUMNS", "")
    if width.isdecimal() and not 1 <= len(width.lstrip("0")) <= _DIGITS:
        del os.environ["COLUMNS"]


def _fill_paragraphs(command: Any) -> None:
    """Joins the lines of a help text, whose line ends Typer keeps in all paragraphs but the first."""
    if command.help:
        command.help = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
    for child in getattr(command, "commands", {}).values():
        _fill_paragraphs(child)


app = typer.Typer(
    name="fercli",
    cls=_Group,
    help="Read the facial expressions in folders of photos and write a report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fercli {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    set_defaults(context)


app.command("predict")(predict.predict)
app.add_typer(report.app, name="report")
app.command("train")(train.train)
app.command("ablation")(ablation.ablation)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(compare.app, name="compare")
app.add_typer(data.app, name="data")
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
