"""Any layout into memory: the asked splits, one byte a pixel, and nothing else."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from fercli.architecture import SIDE
from fercli.errors import UsageError
from fercli.fer2013.interpretation import silently
from fercli.fer2013.layouts import find_layout
from fercli.fer2013.rows import BrokenRow, Pictures, Split
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from fercli.fer2013.rows import Row


class Gathered:
    """Pictures as they come, packed: no more than the bytes of their pixels."""

    def __init__(self) -> None:
        self._pixels = bytearray()
        self._labels = array("q")
        self._rows = array("q")

    def add(self, row: Row) -> None:
        """Keeps the row's picture, label and number."""
        self._pixels += row.picture.tobytes()
        self._labels.append(row.label)
        self._rows.append(row.number)

    def pictures(self) -> Pictures:
        """What was kept, not copied: nothing may be added after this."""
        return Pictures(
            np.frombuffer(self._pixels, np.uint8).reshape(-1, SIDE, SIDE),
            np.array(self._labels, np.int64),
            np.array(self._rows, np.int64),
        )


def read_pictures(
    path: Path, splits: Iterable[Split], tell: Callable[[str], None] = silently
) -> dict[Split, Pictures]:
    """The asked splits of a data set in any layout; every row of it is checked on the way.

    Args:
        path: the data.
        splits: those that are wanted.
        tell: takes a sentence on what in the data was taken for what.

    Raises:
        UsageError: the data cannot be read or is in no known layout, a row is broken (the row is named,
            counting from 1), or an asked split has no rows.
    """
    layout = find_layout(path)
    gathered = {split: Gathered() for split in splits}
    for row in layout.read(path, tell):
        if isinstance(row, BrokenRow):
            raise UsageError(f"{row.where}: {row.reason}.", layout.remedy)
        if row.split in gathered:
            gathered[row.split].add(row)
    read = {split: kept.pictures() for split, kept in gathered.items()}
    for split, pictures in read.items():
        if not len(pictures):
            raise UsageError(f"{quoted(path)} has no rows of {split}.", layout.remedy)
    return read
