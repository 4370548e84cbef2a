"""Writes rows into a page, a block at a time."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from fercli.ahead import Ahead
from fercli.records import COLUMNS
from fercli.reports.html.blocks import block
from fercli.reports.html.page import Part, page_end, page_start
from fercli.reports.html.pictures import pictured
from fercli.reports.output import is_in_store
from fercli.reports.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.records import Row, Value
    from fercli.reports.html.pictures import Pictured
    from fercli.reports.settings import Settings
    from fercli.reports.text import Destination

_BLOCK = 256
"""A block is written once it has so many rows."""


class HtmlWriter:
    """A page of one report, or of several side by side.

    Args:
        file: where the page is written.
        out: its name. Links to photos are relative to its folder; for a descriptor, to the current folder.
            A page in a store has no links.
        settings: of the report, if the page has only one and it has no name.
    """

    def __init__(self, file: Destination, out: str | int, settings: Settings | None = None) -> None:
        self._file = file
        self._beside = _folder_of(out)
        self._folders: tuple[str, ...] = ("",)
        self._settings = settings
        self._parts: list[Part] = []
        self._ahead: Ahead[tuple[int, list[Row], Pictured]] = Ahead()
        self._columns: dict[str, list[Value]] = {}
        self._crops: list[str] = []
        self._file.write(page_start().encode())

    def begin(self, name: str, settings: Settings | None, folder: str = "") -> None:
        """Begins another report. Without this, all rows belong to one report without a name.

        Args:
            name: the report's name in the page.
            settings: its settings, if they are known.
            folder: the report's folder, which its paths may also be relative to.
        """
        self._parts.append(Part(name, Summary(), settings))
        self._folders = ("", folder) if folder else ("",)

    def write(self, rows: Iterable[Row]) -> None:
        """Takes a photo's rows. They are written together with their block."""
        if not self._parts:
            self.begin("", self._settings)
        photo = list(rows)
        self._parts[-1].summary.add(photo)
        part, look = len(self._parts) - 1, partial(pictured, photo, self._folders, self._beside)
        for done in self._ahead.add(lambda: (part, photo, look())):
            self._take(*done)

    def finish(self) -> None:
        """Writes the last block and the visible part of the page."""
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


def _folder_of(out: str | int) -> str | None:
    """The folder of a page; None for a store, from which no relative path leads to this computer."""
    if is_in_store(out):
        return None
    return os.path.dirname(out) if isinstance(out, str) else ""  # noqa: PTH120 - "" is the current folder
