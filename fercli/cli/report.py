"""`fercli report`: what is made of reports that were written before."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from fercli.cli.messages import counting, say
from fercli.errors import UsageError
from fercli.reports import (
    STANDARD_OUTPUT,
    Format,
    choose_format,
    claimed_standard_output,
    open_report,
    replaceable,
)

app = typer.Typer(help="Put reports together.", no_args_is_help=True)

Reports = Annotated[
    list[str],
    typer.Argument(
        metavar="REPORT...", help="Reports that fercli predict wrote, in any format.", show_default=False
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


@app.callback()
def _group() -> None:
    pass


@app.command()
def merge(
    reports: Reports,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE|-", help="The report of all; - is standard output.")
    ] = STANDARD_OUTPUT,
    format: Annotated[  # noqa: A002 - the parameter is the option's name
        Format | None,
        typer.Option("--format", help="Its format; taken from the name of --out where not given."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the photos of all reports into one, in the order given and in any format.

    What fercli predict --shard wrote on several machines becomes one report. The file appears when it is
    complete: a broken report changes nothing.
    """
    from fercli.reports.reading import read_report

    kind = choose_format(out, format)
    _refuse_input(out, reports)
    photos = 0
    with ExitStack() as stack:
        target = _target(stack, out)
        count = stack.enter_context(counting("photo", shown=not quiet))
        writer = stack.enter_context(open_report(target, kind, whole=True))
        for report in reports:
            for rows in read_report(report):
                writer.write(rows)
                photos += 1
                count(report)
    if not quiet:
        say(f"{photos} photos of {len(reports)} reports" + ("." if out == STANDARD_OUTPUT else f"; {out}."))


def _target(stack: ExitStack, out: str) -> str | int:
    """What is written to: standard output, claimed until the stack ends, or the file, locked likewise."""
    from fercli.reports.running import locked

    if out == STANDARD_OUTPUT:
        return stack.enter_context(claimed_standard_output())
    stack.enter_context(redirect_stdout(sys.stderr))
    if replaceable(out):
        stack.enter_context(locked(out))
    return out


def _refuse_input(out: str, reports: list[str]) -> None:
    """Keeps a report from being written over one that it is made of."""
    target = Path(out)
    if out == STANDARD_OUTPUT or not replaceable(out) or not target.exists():
        return
    for report in reports:
        if Path(report).exists() and target.samefile(report):
            raise UsageError(f"{out} is one of the reports that are read.", "Choose another --out.")
