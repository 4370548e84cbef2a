"""The command line: one file a command, nothing but options, wording and exit codes."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fercli import __version__
from fercli.cli import compare, data, doctor, evaluate, explain, export, models, predict, report, train
from fercli.cli.messages import say
from fercli.errors import ExitCode, FercliError, shortage
from fercli.runtimes import spare_threads

_CLOSED_PIPE = 141
"""What a shell reports of a program that a closed pipe ended: 128 + SIGPIPE."""


class _Group(TyperGroup):
    """Turns what ends a run into a message and an exit code, for every command."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise typer.Exit(ExitCode.INTERRUPTED) from error
        except BrokenPipeError as error:
            raise typer.Exit(_CLOSED_PIPE) from error
        except Exception as error:
            known = error if isinstance(error, FercliError) else shortage(error)
            if known is None:
                raise
            say(f"fercli: {known.message}", *([known.remedy] if known.remedy else []))
            raise typer.Exit(known.exit_code) from error


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
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


app.command("predict")(predict.predict)
app.add_typer(report.app, name="report")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(compare.app, name="compare")
app.add_typer(data.app, name="data")
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """The console script `fercli`."""
    spare_threads()
    app()
