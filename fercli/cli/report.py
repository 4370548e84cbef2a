"""`fercli report`: what is made of reports that were written before."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fercli.cli import options
from fercli.cli.messages import counting, say
from fercli.cli.writing import is_file
from fercli.errors import UsageError
from fercli.reports import (
    STANDARD_OUTPUT,
    Format,
    choose_format,
    claimed,
    open_report,
    refuse_place,
)
from fercli.wording import count_of, quoted

_SHOW = "show"


class _ShowUnlessSaid(TyperGroup):
    """Takes whatever is not a command as reports to show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Show reports, or put them together; fercli report REPORT... is short for fercli report show.",
    cls=_ShowUnlessSaid,
    no_args_is_help=True,
)

Reports = Annotated[
    list[str],
    typer.Argument(
        metavar="REPORTS...", help="Reports that fercli predict wrote, in any format.", show_default=False
    ),
]


@app.callback()
def _group() -> None:
    pass


@app.command(_SHOW)
def show_reports(
    reports: Reports,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.html|-",
            help="Write a page that shows every face; - is standard output.",
            show_default="a summary on the terminal",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Say what reports come to, or make one page of them, side by side.

    The page is one file. It shows every face cut from its photo, where that is still there, and links to
    it; so keep the page where it is in relation to the photos.
    """
    if out is not None:
        _write_page(reports, out, quiet=quiet)
        return
    from fercli.cli.summary import LEAST_CERTAIN, print_summary
    from fercli.reports.reading import read_report
    from fercli.reports.summary import Summary
    from fercli.sources import printable_path

    for report in reports:
        summary = Summary(LEAST_CERTAIN)
        with counting("photo", shown=not quiet) as count:
            for rows in read_report(report):
                summary.add(rows)
                count(report)
        print_summary(printable_path(report), summary)


def _write_page(reports: list[str], out: str, *, quiet: bool) -> None:
    from fercli.reports.html.writer import HtmlWriter
    from fercli.reports.output import open_appearing
    from fercli.reports.reading import read_report, read_settings
    from fercli.sources import printable_path

    if choose_format(out, Format.HTML if out == STANDARD_OUTPUT else None) is not Format.HTML:
        raise UsageError(
            f"{quoted(out)} does not end in .html.",
            "Name a page, or write other formats with fercli report merge.",
        )
    photos = 0
    with ExitStack() as stack:
        target = _occupied(stack, out, reports)
        count = stack.enter_context(counting("photo", shown=not quiet))
        file = stack.enter_context(open_appearing(target))
        writer = HtmlWriter(file, target)
        for report in reports:
            folder = os.path.dirname(report)  # noqa: PTH120 - "" is the current one
            writer.begin(printable_path(report), read_settings(report), folder)
            for rows in read_report(report):
                writer.write(rows)
                photos += 1
                count(report)
        writer.finish()
    if not quiet:
        _say_written(photos, reports, out)


@app.command()
def merge(
    reports: Reports,
    out: options.Report = STANDARD_OUTPUT,
    report_format: options.ReportFormat = None,
    for_excel: Annotated[
        bool,
        typer.Option("--for-excel", help="Begin CSV with a byte-order mark, so that Excel reads UTF-8."),
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the photos of all reports into one, in any format.

    All shards of fercli predict --shard become the report of the whole, in its order; other reports follow
    each other as they are given. A photo that several have with the same rows is taken once; other rows of
    it are refused. The file appears when it is complete: a broken report changes nothing.
    """
    from fercli.reports.merging import merge_reports
    from fercli.reports.settings import bind_settings, keep_settings

    kind = choose_format(out, report_format)
    if for_excel and kind is not Format.CSV:
        raise UsageError(f"--for-excel is for CSV, not for {kind}.", "Name a .csv, or leave it out.")
    photos = 0
    with ExitStack() as stack:
        target = _occupied(stack, out, reports)
        count = stack.enter_context(counting("photo", shown=not quiet))
        merged = merge_reports(reports)
        say(*() if quiet else merged.differences)
        with open_report(
            target, kind, whole=True, settings=merged.settings, byte_order_mark=for_excel
        ) as writer:
            for report, rows in merged.photos:
                writer.write(rows)
                photos += 1
                count(report)
        if is_file(out):
            keep_settings(out, None if kind is Format.PARQUET else merged.settings)
            bind_settings(out)
    if not quiet:
        _say_written(photos, reports, out)


def _occupied(stack: ExitStack, out: str, reports: list[str]) -> str | int:
    """What is written to in place of reports' names; nobody else writes there until the stack ends."""
    from fercli.locking import locked

    refuse_place(out, [("report", report) for report in reports])
    target = stack.enter_context(claimed(out))
    if is_file(out):
        stack.enter_context(locked(out))
    return target


def _say_written(photos: int, reports: list[str], out: str) -> None:
    of = f"{count_of(photos, 'photo')} of {count_of(len(reports), 'report')}"
    say(of + ("." if out == STANDARD_OUTPUT else f"; {quoted(out)}."))
