"""What a run or a report came to, for people: bars after a run, tables of a report."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from fercli.cli.messages import print_table, say, show
from fercli.records import Status
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from fercli.copies import Copies
    from fercli.records import Photo
    from fercli.reports.summary import Summary

LEAST_CERTAIN = 10
"""Faces that a report's tables name."""

_LONGEST_BAR = 40
_SHORTEST_BAR = 8
"""Cells; in less room there is none."""


def counts(photos: Mapping[str, int], faces: int) -> str:
    """Photos by their status, and their faces, in one line, without a full stop."""
    number = count_of(sum(photos[status] for status in Status), "photo")
    without = count_of(photos[Status.NO_FACE], "photo")
    failed = photos[Status.ERROR]
    return f"{number}: {count_of(faces, 'face')}, {without} without a face, {failed} that could not be read"


def so_far(photos: Mapping[str, int], faces: int) -> str:
    """The same while a run goes on, where how many photos there were is shown already."""
    return f"{count_of(faces, 'face')}, {count_of(photos[Status.ERROR], 'failure')}"


class Beside:
    """What a run shows beside its report: pictures, and what the faces express.

    Raises:
        UsageError: pictures would be written among the photos.
    """

    def __init__(self, annotate: Path | None, crops: Path | None, paths: list[str]) -> None:
        from fercli.reports.summary import Summary

        self._summary = Summary()
        self._began = time.monotonic()  # the first photos come together, once all that reads them is loaded
        self._seconds = 0.0
        self._copies: Copies | None = None
        if annotate is not None or crops is not None:
            from fercli.copies import Copies

            self._copies = Copies(annotate, crops, paths)

    def watched(self, photos: Iterable[Photo]) -> Iterator[Photo]:
        """The photos, once they are counted and their pictures are under way."""
        for photo in photos:
            self._summary.add(photo.rows())
            if self._copies is not None:
                self._copies.add(photo)
            yield photo
            self._seconds = time.monotonic() - self._began

    def say_shares(self) -> None:
        """On a terminal, says on standard error what the faces express, and how fast they were read.

        Words and figures come first in a line, a bar last. It is left out where there is little room, and
        on a terminal without means (TERM=dumb), where a screen reader would read it out sign by sign.
        """
        if sys.stderr is None or not sys.stderr.isatty():
            return
        width = len(str(self._summary.faces)) + 2
        shares = sorted(
            (each for each in self._summary.shares() if each.faces), key=lambda each: -each.faces
        )
        texts = [f"{each.expression:<9}{each.share:>4.0%}{each.faces:>{width}}" for each in shares]
        room = min(_LONGEST_BAR, _columns() - max(map(len, texts), default=0) - 3)
        bars = room >= _SHORTEST_BAR and os.environ.get("TERM") != "dumb"
        for share, text in zip(shares, texts, strict=True):
            say(f"{text}  {_bar(share.share, room)}" if bars else text)
        if self._summary.failures:
            kinds = (f"{count} {kind}" for kind, count in self._summary.failures.most_common())
            say(f"Not read: {', '.join(kinds)}.")
        if self._seconds:
            say(f"{self._summary.photos.total() / self._seconds:.1f} photos a second.")

    def finish(self) -> None:
        """Waits for the last picture.

        Raises:
            ReportError: a picture cannot be written, or something else was in the place of one.
        """
        if self._copies is not None:
            self._copies.finish()


def print_summary(name: str, summary: Summary) -> None:
    """Prints tables of a report to standard output: shares, what failed, and the least certain faces."""
    from rich.table import Table

    show(f"{quoted(name)}: {counts(summary.photos, summary.faces)}.")
    if summary.faces:
        table = Table("expression", title="Shares, with 95% intervals")
        for heading in ("faces", "share", "from", "to"):
            table.add_column(heading, justify="right")
        for share in summary.shares():
            table.add_row(
                share.expression,
                str(share.faces),
                f"{share.share:.1%}",
                f"{share.low:.1%}",
                f"{share.high:.1%}",
            )
        print_table(table)
    if summary.failures:
        table = Table("kind", title="Photos that could not be read")
        table.add_column("photos", justify="right")
        for kind, count in summary.failures.most_common():
            table.add_row(kind, str(count))
        print_table(table)
    if summary.faces:
        show("Least certain:")  # lines, no table: a path is to stay whole in any width
        for row in summary.least_certain():
            confidence = float(row["confidence"] or 0)
            show(
                f"{confidence:>6.1%} {row['expression']}, face {row['face']} of {quoted(str(row['path']))}"
            )


def _columns() -> int:
    """The width of the terminal that standard error is."""
    from rich.console import Console

    return Console(stderr=True).width


def _bar(share: float, room: int) -> str:
    encoding = (sys.stderr and sys.stderr.encoding) or "utf-8"
    try:
        sign = "█".encode(encoding).decode(encoding)
    except UnicodeEncodeError:
        sign = "#"
    return sign * max(1, round(share * room))
