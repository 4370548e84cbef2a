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
    """Write the photos of all reports into one, in any format.

    All shards of fercli predict --shard become the report of the whole, in its order; other reports follow
    each other as they are given. A photo that several have with the same rows is taken once; other rows of
    it are refused. The file appears when it is complete: a broken report changes nothing.
    """
    from fercli.locking import locked
    from fercli.reports.merging import merge_reports
    from fercli.reports.settings import keep_settings

    kind = choose_format(out, format)
    refuse_place(out, [("report", report) for report in reports])
    photos = 0
    with ExitStack() as stack:
        target = stack.enter_context(claimed(out))
        is_file = out != STANDARD_OUTPUT and replaceable(out)
        if is_file:
            stack.enter_context(locked(out))
        count = stack.enter_context(counting("photo", shown=not quiet))
        merged = merge_reports(reports)
        say(*() if quiet else merged.differences)
        with open_report(target, kind, whole=True, settings=merged.settings) as writer:
            for report, rows in merged.photos:
                writer.write(rows)
                photos += 1
                count(report)
        if is_file:
            keep_settings(out, None if kind is Format.PARQUET else merged.settings)
    if not quiet:
        say(f"{photos} photos of {len(reports)} reports" + ("." if out == STANDARD_OUTPUT else f"; {out}."))
