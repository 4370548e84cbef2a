"""Reads reports of any format, photo by photo. Values have the types that the writers were given."""

from __future__ import annotations

import csv
import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fercli.errors import UsageError, in_one_line
from fercli.records import COLUMNS, DECIMALS
from fercli.reports import BYTE_ORDER_MARK, GROWING, Format, choose_format
from fercli.reports.html.blocks import read_page
from fercli.reports.parquet import SETTINGS, import_pyarrow
from fercli.reports.rows import checked_row, photos
from fercli.reports.settings import Settings, kept_settings
from fercli.sources import is_url
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from fercli.records import Row, Value

_BATCH = 1024
"""Rows of Parquet that are in memory at once, besides their row group."""


class TornReportError(UsageError):
    """The report's last line was not written to its end, as after a kill or on a full disk."""


def read_report(path: str, asked: Format | None = None) -> Iterator[list[Row]]:
    """The photos of a report, each as its rows, in the report's order.

    CSV, JSON Lines, Parquet and pages are read in constant memory. Neighbouring rows belong to one photo if
    they have the same path and `face` rises. Other columns than the report's are ignored.

    Args:
        path: the report's file.
        asked: its format, if its name does not tell it.

    Raises:
        UsageError: the file cannot be read or is not a complete report; the message names file and line.
        UnavailableError: it is Parquet, and pyarrow is not installed.
    """
    kind = _format_of(path, asked)
    if kind in GROWING:
        yield from (rows for rows, _ in read_growing(path, kind))
        return
    read = {Format.JSON: _read_json, Format.PARQUET: _read_parquet, Format.HTML: _read_html}[kind]
    try:
        yield from (rows for rows, _ in photos((row, 0) for row in read(path)))
    except OSError as error:
        raise _unreadable(path, error) from error


def read_growing(path: str, kind: Format) -> Iterator[tuple[list[Row], int]]:
    """The photos of a CSV or JSON Lines report, each with the position in bytes where its last row ends.

    Raises:
        TornReportError: after all photos before it, if the last line was not written to its end.
        UsageError: the file cannot be read or is not a report; the message names file and line.
    """
    read = _read_csv if kind is Format.CSV else _read_json_lines
    try:
        with Path(path).open("rb") as file:
            lines = _Lines(path, file)
            yield from photos((row, lines.end) for row in read(lines))
    except OSError as error:
        raise _unreadable(path, error) from error


def read_settings(path: str, asked: Format | None = None) -> Settings | None:
    """The settings that a report was written with; None if they are not known.

    Args:
        path: the report's file.
        asked: its format, if its name does not tell it.

    Raises:
        UsageError: it is Parquet and cannot be read.
        UnavailableError: it is Parquet, and pyarrow is not installed.
    """
    if _format_of(path, asked) is not Format.PARQUET:
        return kept_settings(path)
    arrow, parquet = import_pyarrow()
    try:
        with Path(path).open("rb") as file:
            metadata = parquet.read_metadata(file).metadata or {}
    except OSError as error:
        raise _unreadable(path, error) from error
    except (arrow.ArrowException, ValueError) as error:
        raise _broken(path, "it", f"is not Parquet ({in_one_line(error)})") from None
    return Settings.from_json(metadata.get(SETTINGS, b""))


def _format_of(path: str, asked: Format | None) -> Format:
    if os.path.isdir(path):  # noqa: PTH112 - reading it says what is wrong with it
        raise UsageError(
            f"{quoted(path)} cannot be read: it is a folder.", "Name the reports in it: FOLDER/part-*."
        )
    try:
        return choose_format(path, asked)
    except UsageError as error:
        raise UsageError(error.message, "Rename it: the end of its name tells its format.") from None


class _Lines:
    """The lines of a file as text, with their number and the position in bytes where the last one ends."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        self.number = 0
        self.end = 0
        self._file = file

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.number += 1
            self.end += len(line)
            # After a power cut, NULs stand where a line was not written, even before lines that were.
            if not line.endswith(b"\n") or b"\0" in line:
                raise self.torn()
            try:
                yield (line.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else line).decode()
            except UnicodeDecodeError:
                raise self.broken("is not UTF-8") from None

    def broken(self, fault: str) -> UsageError:
        """The error that the line just read is not a report's."""
        return _broken(self.path, f"line {self.number}", fault)

    def torn(self) -> TornReportError:
        """The error that the file ends within the line just read."""
        fault = (
            f"ends within line {self.number}, which was not written to its end"
            if self.number
            else "is empty"
        )
        return TornReportError(f"{self.path} {fault}.", "Write the report again.")


def _read_csv(lines: _Lines) -> Iterator[Row]:
    records = csv.reader(iter(lines), strict=True)
    try:
        header = next(records, None)
        if header is None:
            raise lines.torn()
        if missing := [name for name in COLUMNS if name not in header]:
            raise lines.broken(f"has no column {missing[0]}{_separated_otherwise(header)}")
        for cells in records:
            if len(cells) != len(header):
                raise lines.broken(f"has {len(cells)} cells, not {len(header)}")
            values = dict(zip(header, cells, strict=True))
            yield checked_row({name: _from_cell(name, values[name]) for name in COLUMNS}, lines.broken)
    except csv.Error as error:
        # csv says this if a file ends inside quotes, although all its lines are whole.
        raise (
            lines.torn() if "unexpected end" in str(error) else lines.broken(f"is not CSV ({error})")
        ) from None


def _separated_otherwise(header: list[str]) -> str:
    """What more there is to say of a header that a spreadsheet has written in its country's way."""
    for mark, name in {";": "semicolons", "\t": "tabs"}.items():
        if set(COLUMNS) <= set("".join(header).split(mark)):
            return f": there are {name} between its columns, not commas"
    return ""


def _from_cell(name: str, cell: str) -> Value:
    """A cell's value. A text that should be a number stays a text, which `checked_row` refuses."""
    if not cell:
        return None
    if name in DECIMALS or name == "face":
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell


def _read_json_lines(lines: _Lines) -> Iterator[Row]:
    for line in lines:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            raise lines.broken("is not JSON") from None
        yield checked_row(values, lines.broken)


def _read_json(path: str) -> Iterator[Row]:
    try:
        rows = json.loads(Path(path).read_bytes())
    except json.JSONDecodeError as error:
        raise _broken(path, f"line {error.lineno}", "is not JSON") from None
    except (ValueError, RecursionError) as error:
        raise _broken(path, "it", f"is not JSON ({in_one_line(error)})") from None
    if not isinstance(rows, list):
        raise _broken(path, "its JSON", "is not an array of rows")
    return _numbered(path, rows)


def _read_parquet(path: str) -> Iterator[Row]:
    arrow, parquet = import_pyarrow()
    try:
        with Path(path).open("rb") as data, parquet.ParquetFile(data) as file:
            if missing := [name for name in COLUMNS if name not in file.schema_arrow.names]:
                raise _broken(path, "its table", f"has no column {missing[0]}")
            batches = file.iter_batches(_BATCH, columns=list(COLUMNS))
            rows = (values for batch in batches for values in batch.to_pylist())
            yield from (_as_printed(row) for row in _numbered(path, rows))
    except (arrow.ArrowException, ValueError) as error:  # a ValueError if it has names that are not UTF-8
        raise _broken(path, "it", f"is not Parquet ({in_one_line(error)})") from None


def _as_printed(row: Row) -> Row:
    """The row with decimals as in every other format, from the nearest 32-bit floats."""
    return row | {
        name: round(value, digits)
        for name, digits in DECIMALS.items()
        if isinstance(value := row[name], float)
    }


def _read_html(path: str) -> Iterator[Row]:
    try:
        yield from _numbered(path, read_page(path))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, "it", f"is not a page of fercli ({in_one_line(error)})") from None


def _numbered(path: str, rows: Iterable[Any]) -> Iterator[Row]:
    """The checked rows of a file without lines; messages count the rows."""
    for number, values in enumerate(rows, 1):
        yield checked_row(values, partial(_broken, path, f"row {number}"))


def _broken(path: str, place: str, fault: str) -> UsageError:
    return UsageError(
        f"{path} is not a report of fercli: {place} {fault}.", "Give a report that fercli wrote."
    )


def _unreadable(path: str, error: OSError) -> UsageError:
    if is_url(path):
        return UsageError(
            f"{quoted(path)} is not on this computer.", "Copy the report here, and give its name."
        )
    return UsageError(f"{path} cannot be read: {error.strerror or in_one_line(error)}.", "Check its name.")
