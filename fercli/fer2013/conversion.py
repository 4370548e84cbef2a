"""One layout to another, a row at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013.interpretation import silently
from fercli.fer2013.layouts import find_layout
from fercli.fer2013.rows import BrokenRow, Row, Split
from fercli.replacing import refuse_existing, refuse_input, refuse_inside
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

from fercli.fer2013.layouts import Layout


@dataclass(slots=True)
class Converted:
    """What a conversion wrote.

    Attributes:
        counts: how many rows of each split.
        votes_fit: whether FER+ votes still find their rows: the numbers of the rows were kept.
    """

    counts: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(Split, 0))
    votes_fit: bool = True

    @property
    def rows(self) -> int:
        """Of all splits."""
        return sum(self.counts.values())


def convert(
    source: Path, target: Path, count: Callable[[str], None], tell: Callable[[str], None] = silently
) -> Converted:
    """Writes all rows of a data set in the target's layout; pixels, labels, splits and order stay.

    Args:
        source: the data, in any layout.
        target: where it goes; its name tells the layout.
        count: called for each row with its split.
        tell: takes a sentence on what in the source was taken for what.

    Raises:
        UsageError: the source cannot be read, has a broken row or none; the target exists, or lies in it.
        ReportError: the target cannot be written.
    """
    reader, writer = find_layout(source), find_layout(target)
    if writer.write is None:
        raise UsageError(
            f"{quoted(target)}: such files are read only.",
            "Name a .csv or .csv.gz, a folder, a list (.txt) or a .tfrecord.",
        )
    refuse_input(target, [("data set", source)])
    refuse_inside(target, "data set", source)
    refuse_existing(target)
    converted = Converted()
    rows = reader.read(source, tell)
    writer.write(_counted(rows, source, target, reader, writer, converted, count), target)
    return converted


def _counted(
    rows: Iterator[Row | BrokenRow],
    source: Path,
    target: Path,
    reader: Layout,
    writer: Layout,
    converted: Converted,
    count: Callable[[str], None],
) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, BrokenRow):
            raise UsageError(f"{row.where}: {row.reason}.", reader.remedy)
        if not writer.keeps_numbers and row.number != converted.rows:
            converted.votes_fit = False
        converted.counts[row.split] += 1
        count(row.split)
        yield row
    if not converted.rows:
        raise UsageError(f"{quoted(source)} has no rows.", reader.remedy)
    refuse_existing(target)  # another program may have made it meanwhile
