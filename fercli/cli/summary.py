"""What a run or a report came to, for people: bars after a run, tables of a report."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from fercli.cli.messages import count_of, print_table, say, show
from fercli.records import Status
from fercli.wording import quoted

if TYPE_CHECKING:
    from fercli.reports.summary import Summary

LEAST_CERTAIN = 10
"""Faces that a report's tables name."""

_LONGEST_BAR = 40
_SHORTEST_BAR = 8
"""Cells; in less room there is none."""


def counts(summary: Summary) -> str:
    """Photos, faces and failures in one line, without a full stop."""
    photos = count_of(summary.photos.total(), "photo")
    faces = count_of(summary.faces, "face")
    without = count_of(summary.photos[Status.NO_FACE], "photo")
    failed = summary.photos[Status.ERROR]
    return f"{photos}: {faces}, {without} without a face, {failed} that could not be read"


def say_shares(summary: Summary, photos: int, seconds: float) -> None:
    """On a terminal, says on standard error what the faces of a run express, and how fast it was.

    Words and figures come first in a line and a bar last. It is left out where there is little room, and on
    a terminal without means (TERM=dumb), where a screen reader would read it out sign by sign.

    Args:
        summary: of the whole report.
        photos: those that were read now.
        seconds: how long that took.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        return
    shares = sorted((share for share in summary.shares() if share.faces), key=lambda share: -share.faces)
    texts = [
        f"{share.expression:<9}{share.share:>4.0%}{share.faces:>{len(str(summary.faces)) + 2}}"
        for share in shares
    ]
    room = min(_LONGEST_BAR, _columns() - max(map(len, texts), default=0) - 3)
    bars = room >= _SHORTEST_BAR and os.environ.get("TERM") != "dumb"
    for share, text in zip(shares, texts, strict=True):
        say(f"{text}  {_bar(share.share, room)}".rstrip() if bars else text)
    if summary.failures:
        kinds = (f"{count} {kind}" for kind, count in summary.failures.most_common())
        say(f"Not read: {', '.join(kinds)}.")
    if photos and seconds:
        say(f"{photos / seconds:.1f} photos a second.")


def print_summary(name: str, summary: Summary) -> None:
    """Prints tables of a report to standard output: shares, what failed, and the least certain faces."""
    from rich.table import Table

    show(f"{quoted(name)}: {counts(summary)}.")
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
    """Of the terminal that standard error is."""
    from rich.console import Console

    return Console(stderr=True).width


def _bar(share: float, room: int) -> str:
    encoding = (sys.stderr and sys.stderr.encoding) or "utf-8"
    try:
        sign = "█".encode(encoding).decode(encoding)
    except UnicodeEncodeError:
        sign = "#"
    return sign * max(1, round(share * room))
