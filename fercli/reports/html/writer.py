"""Rows into a page, a block at a time."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from fercli.ahead import Ahead
from fercli.records import COLUMNS
from fercli.reports.html.blocks import block
from fercli.reports.html.page import Part, page_end, page_start
from fercli.reports.html.pictures import pictured
from fercli.reports.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.records import Row, Value
    from fercli.reports.html.pictures import Pictured
    from fercli.reports.settings import Settings
    from fercli.reports.text import Destination

_BLOCK = 256
"""Rows from which on a block is written."""


class HtmlWriter:
    """A page of one report, or of several side by side.

    Args:
        file: what is written to.
        out: its name, from which links to the photos lead; a descriptor stands in the current folder.
        settings: of the report that has no name.
    """

    def __init__(self, file: Destination, out: str | int, settings: Settings | None = None) -> None:
        self._file = file
        self._beside = os.path.dirname(out) if isinstance(out, str) else ""  # noqa: PTH120 - "" is the current folder
        self._folders: tuple[str, ...] = ("",)
        self._settings = settings
        self._parts: list[Part] = []
        self._ahead: Ahead[tuple[int, list[Row], Pictured]] = Ahead()
        self._columns: dict[str, list[Value]] = {}
        self._crops: list[str] = []
        self._file.write(page_start().encode())

    def begin(self, name: str, settings: Settings | None, folder: str = "") -> None:
        """Begins another report; without this, all rows are of one that has no name.

        Args:
            name: what the page calls it.
            settings: what made it, where that is known.
            folder: the report's, which its paths may be relative to as well.
        """
        self._parts.append(Part(name, Summary(), settings))
        self._folders = ("", folder) if folder else ("",)

    def write(self, rows: Iterable[Row]) -> None:
        """Takes a photo's rows; they are written with the block that they belong to."""
        if not self._parts:
            self.begin("", self._settings)
        photo = list(rows)
        self._parts[-1].summary.add(photo)
        part, look = len(self._parts) - 1, partial(pictured, photo, self._folders, self._beside)
        for done in self._ahead.add(lambda: (part, photo, look())):
            self._take(*done)

    def finish(self) -> None:
        """Writes the last block and what people see."""
        for done in self._ahead.rest():
            self._take(*done)
        self._write_block()
        if not self._parts:
            self.begin("", self._settings)
        self._file.write(page_end(self._parts).encode())

    def _take(self, part: int, rows: list[Row], found: Pictured) -> None:
        """Puts a photo into the block."""
        of_photo = {
            "report": part,
            "link": found.link,
            "width": found.width,
            "height": found.height,
            "taken": found.taken,
        }
        for row in rows:
            for name in COLUMNS:
                self._columns.setdefault(name, []).append(row[name])
            for name, value in of_photo.items():
                self._columns.setdefault(name, []).append(value)
        self._crops += found.crops
        if len(self._crops) >= _BLOCK:
            self._write_block()

    def _write_block(self) -> None:
        if self._crops:
            self._file.write(block(self._columns, self._crops).encode())
            self._columns, self._crops = {}, []
