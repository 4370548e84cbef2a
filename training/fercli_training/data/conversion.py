"""One layout to another, a row at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.replacing import refuse_existing, refuse_input, refuse_inside
from fercli_training.data.layouts import find_layout
from fercli_training.data.rows import BrokenRow, Row, Split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fercli_training.data.layouts import Layout


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


def convert(source: Path, target: Path, tell: Callable[[str], None]) -> Converted:
    """Writes all rows of a data set in the target's layout; pixels, labels, splits and order stay.

    Args:
        source: the data, in any layout.
        target: where it goes; its name tells the layout.
        tell: called for each row with its split.

    Raises:
        UsageError: the source cannot be read, has a broken row or none; the target exists, or lies in it.
        ReportError: the target cannot be written.
    """
    reader, writer = find_layout(source), find_layout(target)
    refuse_input(target, [("data set", source)])
    refuse_inside(target, "data set", source)
    refuse_existing(target)
    converted = Converted()
    writer.write(_counted(source, target, reader, writer, converted, tell), target)
    return converted


def _counted(
    source: Path,
    target: Path,
    reader: Layout,
    writer: Layout,
    converted: Converted,
    tell: Callable[[str], None],
) -> Iterator[Row]:
    for row in reader.read(source):
        if isinstance(row, BrokenRow):
            raise UsageError(f"{row.where}: {row.reason}.", reader.remedy)
        if not writer.keeps_numbers and row.number != converted.rows:
            converted.votes_fit = False
        converted.counts[row.split] += 1
        tell(row.split)
        yield row
    if not converted.rows:
        raise UsageError(f"{source} has no rows.", reader.remedy)
    refuse_existing(target)  # another program may have made it meanwhile
