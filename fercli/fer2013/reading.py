"""Reads any layout into memory: the wanted splits, one byte a pixel."""

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
    """Collects pictures one by one, in the bytes of their pixels."""

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
        """The collected pictures. They are not copied, so nothing may be added after this."""
        return Pictures(
            np.frombuffer(self._pixels, np.uint8).reshape(-1, SIDE, SIDE),
            np.array(self._labels, np.int64),
            np.array(self._rows, np.int64),
        )


def read_pictures(
    path: Path, splits: Iterable[Split], tell: Callable[[str], None] = silently
) -> dict[Split, Pictures]:
    """The wanted splits of a data set in any layout. Every row is checked, also those of other splits.

    Args:
        path: the data.
        splits: the wanted ones.
        tell: takes a sentence on what in the data was taken for what.

    Raises:
        UsageError: the data cannot be read or is in no known layout, a row is broken (the row is named,
            counting from 1), or a wanted split has no rows.
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
