"""Converts a data set from one layout to another, a row at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013.interpretation import silently
from fercli.fer2013.layouts import find_layout
from fercli.fer2013.rows import BrokenRow, Row, Split
from fercli.replacing import refuse_existing, refuse_input, refuse_inside
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fercli.fer2013.layouts import Layout


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion wrote.

    Attributes:
        counts: how many rows of each split.
        votes_fit: whether the rows kept their numbers, so that FER+ votes still fit.
    """

    counts: dict[Split, int]
    votes_fit: bool


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
            f"{quoted(target)}: such files can only be read.",
            "Name a .csv or .csv.gz, a folder, a list (.txt) or a .tfrecord.",
        )
    refuse_input(target, [("data set", source)])
    refuse_inside(target, "data set", source)
    refuse_existing(target)
    rows = _CountedRows(_whole_rows(reader, source, tell), count)
    writer.write(_until_end(rows, target), target)
    return Converted(rows.counts, writer.keeps_numbers or rows.in_place)


def _whole_rows(reader: Layout, source: Path, tell: Callable[[str], None]) -> Iterator[Row]:
    """The rows of a source that has some and none of them broken."""
    empty = True
    for row in reader.read(source, tell):
        if isinstance(row, BrokenRow):
            raise UsageError(f"{row.where}: {row.reason}.", reader.remedy)
        empty = False
        yield row
    if empty:
        raise UsageError(f"{quoted(source)} has no rows.", reader.remedy)


def _until_end(rows: Iterable[Row], target: Path) -> Iterator[Row]:
    """The rows, after which the target must still not exist: another program may have made it meanwhile."""
    yield from rows
    refuse_existing(target)


class _CountedRows:
    """Rows that are counted as they pass.

    Attributes:
        counts: how many there were of each split.
        in_place: whether every row's number was its place.
    """

    def __init__(self, rows: Iterable[Row], count: Callable[[str], None]) -> None:
        self.counts = dict.fromkeys(Split, 0)
        self.in_place = True
        self._rows = rows
        self._count = count

    def __iter__(self) -> Iterator[Row]:
        for place, row in enumerate(self._rows):
            self.in_place = self.in_place and row.number == place
            self.counts[row.split] += 1
            self._count(row.split)
            yield row
