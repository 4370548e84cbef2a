"""The report of a run, which is gone on with after whatever ended an earlier one.

CSV and JSON Lines grow in their own file. A file of another format must appear complete or not at all, so a
journal of JSON Lines grows beside it, and becomes the report when the run is done.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import ReportError
from fercli.files import whole_file
from fercli.records import Status
from fercli.reports import GROWING, Format, open_report
from fercli.reports.output import open_growing
from fercli.reports.place import refuse_other_file
from fercli.reports.reading import TornReportError, read_growing, read_report
from fercli.reports.text import csv_path
from fercli.sources import printable_path

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from fercli.records import Row
    from fercli.reports import Writer


def read_earlier(out: str, kind: Format, *, retry_errors: bool) -> Iterator[list[Row]]:
    """The photos that an earlier run into the same report is surely done with, each as its rows.

    Of an interrupted run the last photo is left out: rows of it may be missing.

    Args:
        out: the report.
        kind: its format.
        retry_errors: whether photos that could not be read are left out as well.

    Raises:
        UsageError: there is something else in the report's place.
        UnavailableError: it is Parquet, and pyarrow is not installed.
    """
    growing, working = _working(out, kind)
    if Path(working).exists():
        photos = _surely_whole(working, growing)
    elif Path(out).exists():
        photos = read_report(out, kind)
    else:
        return
    yield from (rows for rows in photos if not (retry_errors and rows[0]["status"] == Status.ERROR))


def not_done(paths: Iterable[str], done: Counter[str], kind: Format) -> Iterator[str]:
    """The paths but for those that a report has already, each as often as it has them.

    Args:
        paths: as the user gave them.
        done: how often each path stands in the report; counted down.
        kind: the report's format.
    """
    for path in paths:
        shown = printable_path(path)
        name = csv_path(shown) if kind is Format.CSV else shown
        if done[name]:
            done[name] -= 1
        else:
            yield path


def _surely_whole(path: str, kind: Format) -> Iterator[list[Row]]:
    last: list[Row] | None = None
    with suppress(TornReportError):
        for rows, _ in read_growing(path, kind):
            if last is not None:
                yield last
            last = rows


def _working(out: str, kind: Format) -> tuple[Format, str]:
    """The format and the name of the file that grows while a run goes on."""
    return (kind, out) if kind in GROWING else (Format.JSONL, f"{out}.unfinished")


@contextmanager
def open_running(out: str, kind: Format, earlier: Iterable[list[Row]] | None) -> Iterator[Writer]:
    """The report of a run; `earlier` are the photos to begin with, None replaces what is there.

    Raises:
        ReportError: the report cannot be written; what is safe is said.
    """
    growing, working = _working(os.path.realpath(out), kind)
    if kind not in GROWING and not os.access(Path(working).parent, os.W_OK):
        with open_report(out, kind) as whole:  # there is no room for a journal beside it
            for rows in earlier or ():
                whole.write(rows)
            yield whole
        return
    if working != os.path.realpath(out):
        refuse_other_file(working)
    if earlier is not None:
        with whole_file(working) as made, open_growing(str(made), out) as file:
            writer = _Safe(GROWING[growing](file), working)
            for rows in earlier:
                writer.write(rows)
    with open_growing(working, out, appending=earlier is not None) as file:
        yield _Safe(GROWING[growing](file, begun=earlier is not None), working)
    if kind not in GROWING:
        _complete(working, out, kind)


def _complete(working: str, out: str, kind: Format) -> None:
    """Makes the report of its journal."""
    try:
        with open_report(out, kind) as writer:
            for rows, _ in read_growing(working, Format.JSONL):
                writer.write(rows)
    except ReportError as error:
        raise _safe(error, working) from error
    Path(working).unlink()


class _Safe:
    """A writer whose failures say what is safe."""

    def __init__(self, writer: Writer, working: str) -> None:
        self._writer = writer
        self._working = working

    def write(self, rows: Iterable[Row]) -> None:
        """Writes a photo's rows at once."""
        try:
            self._writer.write(rows)
        except ReportError as error:
            raise _safe(error, self._working) from error


def _safe(error: ReportError, working: str) -> ReportError:
    return ReportError(
        error.message, f"All rows in {working} are whole; make room there, and go on with --resume."
    )
