"""What an earlier run has written of a report: which photos are done, and which must be read again."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.records import COLUMNS, Status
from fercli.reports import GROWING, Format
from fercli.reports.reading import TornReportError, read_growing, read_report, read_settings
from fercli.reports.rows import photo_key
from fercli.reports.settings import refuse_other_settings
from fercli.reports.text import csv_path
from fercli.sources import printable_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fercli.records import Row
    from fercli.reports.settings import Settings

_HEADER = f"{','.join(COLUMNS)}\n".encode()


def journal(out: str, kind: Format) -> tuple[str, Format]:
    """The file that grows and becomes the report at the end, and its format."""
    return f"{os.path.realpath(out)}.unfinished", kind if kind in GROWING else Format.JSONL


class Earlier:
    """The photos of an interrupted or finished run, by path, and how often each path is there.

    The last photo of a report that grew is read again, because some of its rows may be missing. `tally`
    counts photos by their status, and `faces`.
    """

    def __init__(self, out: str, kind: Format, *, retry_errors: bool) -> None:
        """Reads the report, or what grows beside it.

        Args:
            out: the report, which need not exist.
            kind: its format.
            retry_errors: whether photos that could not be read are read again.

        Raises:
            UsageError: another file is in the report's place.
            UnavailableError: it is Parquet, and pyarrow is not installed.
        """
        beside, growing = journal(out, kind)
        target = os.path.realpath(out)
        self.path, self.kind = (beside, growing) if Path(beside).exists() else (target, kind)
        self.tally: Counter[str] = Counter()
        self.end = self.end_before_last = len(_HEADER) if self.kind is Format.CSV else 0
        self.has_changed = False
        """Whether the paths differ from those of the earlier run; known once all paths were taken."""
        self._shown = out
        self._done: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._last: list[Row] | None = None
        for rows, end in self._read():
            if self._last is not None:
                self._settle(self._last, retry_errors=retry_errors)
            self._last, self.end_before_last, self.end = rows, self.end, end
            self._count(rows, 1)
        if self._last is not None and self.kind not in GROWING:
            self._settle(self._last, retry_errors=retry_errors)
            self._last = None
        self.settings = read_settings(self.path, self.kind) if self.count else None

    def _settle(self, rows: list[Row], *, retry_errors: bool) -> None:
        failed = retry_errors and rows[0]["status"] == Status.ERROR
        (self._failed if failed else self._done)[photo_key(rows)] += 1

    @property
    def count(self) -> int:
        """How many photos there are."""
        return sum(self.tally[status] for status in Status)

    @property
    def is_own(self) -> bool:
        """Whether rows can be added to the file directly, because its header is unchanged."""
        if self.kind is Format.CSV:
            with Path(self.path).open("rb") as file:
                return file.read(len(_HEADER)) == _HEADER
        return self.kind is Format.JSONL

    def photos(self) -> Iterator[list[Row]]:
        """All photos of the file, each as its rows."""
        return (rows for rows, _ in self._read())

    def go_on_with(self, settings: Settings) -> Settings:
        """The settings of the report when it is resumed.

        Raises:
            UsageError: its rows would be different now.
        """
        if self.settings is None or not self.count:
            return settings
        refuse_other_settings(self._shown, self.settings, settings)
        return settings if settings.shard == self.settings.shard else replace(settings, shard="")

    def not_done(self, paths: Iterable[str]) -> Iterator[str]:
        """The paths that are not done, as the user gave them, each as often as it is given."""
        done, again, new = Counter(self._done), Counter(self._failed), False
        if self._last is not None:
            again[photo_key(self._last)] += 1
        for path in paths:
            key = csv_path(printable_path(path))
            if done[key]:
                done[key] -= 1
                self.has_changed |= new
                continue
            if again[key]:
                again[key] -= 1
            else:
                new = True
            yield path
        self.has_changed |= any(done.values()) or any(again.values())

    def is_last(self, rows: list[Row]) -> bool:
        """Whether a photo is the last one of the earlier run."""
        return self._last is not None and photo_key(self._last) == photo_key(rows)

    def takes_last(self) -> None:
        """Stops counting the last photo, which has been read again."""
        if self._last is not None:
            self._count(self._last, -1)
        self._last = None

    def takes(self, rows: list[Row]) -> bool:
        """Whether a photo of the earlier run has been read again; it is then no longer counted."""
        key = photo_key(rows)
        if self._failed[key]:
            self._failed[key] -= 1
            self.tally[Status.ERROR] -= 1
            return True
        if again := self.is_last(rows):
            self.takes_last()
        return again

    def _read(self) -> Iterator[tuple[list[Row], int]]:
        if not Path(self.path).exists():
            return
        if self.kind in GROWING:
            with suppress(TornReportError):
                yield from read_growing(self.path, self.kind)
        else:
            yield from ((rows, 0) for rows in read_report(self.path, self.kind))

    def _count(self, rows: list[Row], times: int) -> None:
        status = str(rows[0]["status"])
        self.tally[status] += times
        self.tally["faces"] += times * len(rows) if status == Status.OK else 0
