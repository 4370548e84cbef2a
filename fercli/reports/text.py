"""The writers of CSV, JSON Lines and JSON. They write the rows of a photo in one write."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Protocol

from fercli.records import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.records import Row, Value

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Destination(Protocol):
    """Receives the bytes of a report."""

    def write(self, data: bytes) -> None:
        """Takes all of `data`, or raises a `ReportError`."""
        ...


class Writer(Protocol):
    """Takes the rows of one photo after another."""

    def write(self, rows: Iterable[Row]) -> None:
        """Writes a photo's rows at once."""
        ...


class CsvWriter:
    """RFC 4180 with a header, which a `begun` file already has. An empty cell is a missing value."""

    def __init__(self, file: Destination, *, begun: bool = False) -> None:
        self._file = file
        if not begun:
            self._file.write(_csv_line(COLUMNS).encode())

    def write(self, rows: Iterable[Row]) -> None:
        """Writes a photo's rows at once."""
        self._file.write("".join(_csv_line(_csv_cells(row)) for row in rows).encode())


class JsonLinesWriter:
    """One JSON object in each line. There is no header, so `begun` makes no difference."""

    def __init__(self, file: Destination, *, begun: bool = False) -> None:  # noqa: ARG002 - as in CsvWriter
        self._file = file

    def write(self, rows: Iterable[Row]) -> None:
        """Writes a photo's rows at once."""
        self._file.write("".join(f"{_json(row)}\n" for row in rows).encode())


class JsonWriter:
    """One JSON array of objects, with a row in each line."""

    def __init__(self, file: Destination) -> None:
        self._file = file
        self._separator = "[\n"

    def write(self, rows: Iterable[Row]) -> None:
        """Writes a photo's rows at once."""
        self._file.write((self._separator + ",\n".join(_json(row) for row in rows)).encode())
        self._separator = ",\n"

    def finish(self) -> None:
        """Closes the array."""
        self._file.write(b"[]\n" if self._separator == "[\n" else b"\n]\n")


def _json(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def _csv_line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    # Before 3.13, Python quotes a carriage return only where lines end in one.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"


def _csv_cells(row: Row) -> tuple[str, ...]:
    return tuple(_csv_cell(name, row[name]) for name in COLUMNS)


def _csv_cell(name: str, value: Value) -> str:
    if value is None:
        return ""
    # A NUL in a line would mean that the line was not written to its end.
    return csv_path(str(value)) if name == "path" else str(value).replace("\0", "\\x00")


def csv_path(path: str) -> str:
    """A path for CSV. A spreadsheet does not take it for a formula, and it still names the same file."""
    return f"./{path}" if path.startswith(_FORMULA_STARTS) else path
