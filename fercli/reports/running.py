"""The report of a run that can be resumed, however it ended.

A new report in CSV or JSON Lines grows in its own file. A file of another format, and a file that replaces
an older report, must appear complete or not at all. For these, a journal of CSV or JSON Lines grows beside
the report, and becomes the report when the run is done.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fercli.errors import ReportError
from fercli.files import blamed_on_place, whole_file
from fercli.flushing import flushed_meanwhile
from fercli.records import Status
from fercli.reports import GROWING, Format, open_report
from fercli.reports.earlier import journal
from fercli.reports.output import open_growing
from fercli.reports.place import refuse_other_file
from fercli.reports.reading import read_growing
from fercli.reports.rows import photo_key
from fercli.reports.settings import bind_settings, keep_settings
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fercli.records import Row
    from fercli.reports import Writer
    from fercli.reports.earlier import Earlier
    from fercli.reports.settings import Settings

_HELD = 4096
"""How many photos that were read again wait in memory, since putting them in place copies the report."""


@contextmanager
def open_running(
    out: str, kind: Format, earlier: Earlier | None, settings: Settings | None = None
) -> Iterator[Writer]:
    """The report of a run. It continues `earlier`; None replaces the report that is there, at the end.

    Raises:
        ReportError: the report cannot be written; the message says what is safe.
        UsageError: another file is in the journal's place.
    """
    with ExitStack() as stack:
        working, growing = _working(out, kind, earlier, stack)
        is_journal = working != os.path.realpath(out)
        if is_journal:
            refuse_other_file(working)
        report = _Running(out, working, growing, earlier, settings)
        try:
            yield report
        except BaseException:
            with suppress(ReportError):  # the first error is the one to report
                report.close()
            raise
        try:
            report.close()
            if is_journal:
                _complete(working, out, kind, settings)
        except ReportError as error:
            raise report.safe(error) from error


def _working(out: str, kind: Format, earlier: Earlier | None, stack: ExitStack) -> tuple[str, Format]:
    """The file that grows during the run, and its format."""
    target = os.path.realpath(out)
    beside, growing = journal(out, kind)
    writable = os.access(Path(target).parent, os.W_OK)
    if kind in GROWING:
        goes_on = earlier is not None and earlier.path == target
        if goes_on or not writable or not _holds_rows(target, kind):
            return target, kind
    elif not writable:
        folder = stack.enter_context(TemporaryDirectory(prefix="fercli-"))
        return str(Path(folder, Path(beside).name)), growing
    return beside, growing


def _holds_rows(path: str, kind: Format) -> bool:
    """Whether a file, which is a report or missing, has a row. JSON Lines has no header before its rows."""
    with suppress(OSError), Path(path).open("rb") as file:
        if kind is Format.CSV:
            file.readline()
        return bool(file.read(1))
    return False


def _complete(working: str, out: str, kind: Format, settings: Settings | None) -> None:
    """Makes the report from its journal, and then removes the journal."""
    if kind in GROWING:
        with whole_file(out) as made:
            shutil.copyfile(working, made)
    else:
        with open_report(out, kind, settings=settings) as writer:
            for rows, _ in read_growing(working, Format.JSONL):
                writer.write(rows)
    keep_settings(out, None if kind is Format.PARQUET else settings)
    bind_settings(out)
    keep_settings(working, None)
    Path(working).unlink()


class _Running:
    """A report that grows. Photos that are read again get their old place, at the latest at the end."""

    def __init__(
        self, out: str, working: str, growing: Format, earlier: Earlier | None, settings: Settings | None
    ) -> None:
        self.working = working
        self._out = out
        self._growing = growing
        self._earlier = earlier
        self._held: dict[str, deque[list[Row]]] = {}
        self._photos = self._before = earlier.count if earlier is not None else 0
        self._to_cut = False
        if earlier is not None and self._before:
            self._to_cut = earlier.path == working and earlier.is_own
            if not self._to_cut:
                self._rewrite(earlier.photos())
        self._open(begun=self._before > 0)
        keep_settings(working, settings)

    def _open(self, *, begun: bool) -> None:
        self._file = ExitStack()
        file = self._file.enter_context(open_growing(self.working, self._out, appending=begun))
        self._writer = GROWING[self._growing](file, begun=begun)
        with blamed_on_place(self._out):
            self._file.enter_context(flushed_meanwhile(self.working))

    def _close(self) -> None:
        with blamed_on_place(self._out):
            self._file.close()

    def _rewrite(self, photos: Iterable[list[Row]]) -> None:
        with whole_file(self.working) as made, open_growing(str(made), self._out) as file:
            writer = GROWING[self._growing](file)
            for rows in photos:
                writer.write(rows)

    def write(self, rows: Iterable[Row]) -> None:
        """Writes a photo's rows at once, or keeps them until they can be put in their place."""
        rows = list(rows)
        try:
            if self._takes(rows):
                self._hold(rows)
            else:
                self._writer.write(rows)
                self._photos += 1
        except ReportError as error:
            raise self.safe(error) from error

    def _takes(self, rows: list[Row]) -> bool:
        """Whether a photo replaces an earlier one that is not the last of the report."""
        if self._earlier is None:
            return False
        if not self._to_cut:
            return self._earlier.takes(rows)
        if not self._earlier.is_last(rows):
            self._cut(self._earlier.end)
            return self._earlier.takes(rows)
        self._cut(self._earlier.end_before_last)
        self._earlier.takes_last()
        self._photos -= 1
        return False

    def _cut(self, end: int) -> None:
        """Cuts off what is incomplete or will be written again."""
        self._to_cut = False
        with blamed_on_place(self._out):
            os.truncate(self.working, end)

    def _hold(self, rows: list[Row]) -> None:
        self._held.setdefault(photo_key(rows), deque()).append(rows)
        if sum(map(len, self._held.values())) >= _HELD:
            self._put_in_place()

    def _put_in_place(self) -> None:
        self._close()
        self._rewrite(self._with_held())
        self._held.clear()
        self._open(begun=True)

    def _with_held(self) -> Iterator[list[Row]]:
        for number, (rows, _) in enumerate(read_growing(self.working, self._growing), 1):
            waiting = self._held.get(photo_key(rows))
            again = rows[0]["status"] == Status.ERROR or number == self._before
            yield waiting.popleft() if waiting and again else rows

    def close(self) -> None:
        """Puts waiting photos in their place, and closes the file."""
        try:
            if self._to_cut and self._earlier is not None:
                self._cut(self._earlier.end)
            if self._held:
                self._put_in_place()
        finally:
            self._close()
        bind_settings(self.working)

    def safe(self, error: ReportError) -> ReportError:
        """The error, with what is safe and how to continue."""
        return ReportError(
            error.message,
            f"Done and safe: {count_of(self._photos, 'photo')}. All rows in {quoted(self.working)} are"
            " whole. Make room there, and continue with --resume.",
        )
