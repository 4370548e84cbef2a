"""`fercli report`: what is made of reports that were written before."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from fercli.cli.messages import counting, say
from fercli.reports import (
    STANDARD_OUTPUT,
    Format,
    choose_format,
    claimed,
    open_report,
    refuse_place,
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
    from fercli.locking import locked
    from fercli.reports.reading import read_report

    kind = choose_format(out, format)
    refuse_place(out, [("report", report) for report in reports])
    photos = 0
    with ExitStack() as stack:
        target = stack.enter_context(claimed(out))
        if out != STANDARD_OUTPUT and replaceable(out):
            stack.enter_context(locked(out))
        count = stack.enter_context(counting("photo", shown=not quiet))
        writer = stack.enter_context(open_report(target, kind, whole=True))
        for report in reports:
            for rows in read_report(report):
                writer.write(rows)
                photos += 1
                count(report)
    if not quiet:
        say(f"{photos} photos of {len(reports)} reports" + ("." if out == STANDARD_OUTPUT else f"; {out}."))
