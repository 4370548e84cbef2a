"""The challenge's own layout: a CSV of `emotion,pixels,Usage`, plain or packed."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from fercli.architecture import SIDE
from fercli.errors import UsageError
from fercli.fer2013.columns import NAMES, columns_of_data, find_columns
from fercli.fer2013.interpretation import NUMBERS, Interpretation
from fercli.fer2013.rows import PIXELS, BrokenRow, Row, RowError, Split
from fercli.fer2013.streams import BROKEN, is_packed, read_lines
from fercli.files import make_folder, whole_file
from fercli.records import EXPRESSIONS
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from fercli.fer2013.columns import Columns

REMEDY = "Give the challenge's own fer2013.csv, plain or .gz, with the columns emotion,pixels,Usage."
_PACKED = (".gz", ".xz", ".bz2")
_DELIMITERS = ",;\t|"
_SIGNS = str.maketrans(dict.fromkeys("[](){},;", " "))
"""Signs around and between the numbers of a list."""


def read_challenge(path: Path, tell: Callable[[str], None]) -> Iterator[Row | BrokenRow]:
    """The file's rows; the columns may stand in any order beside others.

    Raises:
        UsageError: the file cannot be read, or lacks a column.
    """
    taken = Interpretation((*NUMBERS, *EXPRESSIONS))
    try:
        with path.open("rb") as file:
            if path.suffix.lower() in _PACKED and not is_packed(file):
                taken.remark("it is not packed, although its name says so")
            yield from read_rows(file, quoted(path), taken)
    except OSError as error:
        raise _unreadable(quoted(path), error) from error
    taken.report(path, tell)


def read_rows(file: BinaryIO, where: str, taken: Interpretation) -> Iterator[Row | BrokenRow]:
    """The rows of an open file, which `where` names.

    Raises:
        UsageError: as `read_challenge`.
    """
    try:
        columns, table = open_table(file, where, taken)
        for number, fields in enumerate(table):
            try:
                yield _row(number, fields, columns, taken)
            except RowError as error:
                yield BrokenRow(f"{where}, row {number + 1}", str(error))
    except (*BROKEN, csv.Error) as error:
        raise _unreadable(where, error) from error


def open_table(file: BinaryIO, where: str, taken: Interpretation) -> tuple[Columns, Iterator[list[str]]]:
    """The columns of an open file, and its rows as text; raises as `read_rows`."""
    lines = read_lines(file)
    first = next(filter(str.strip, lines), None)
    if first is None:
        raise UsageError(f"{where} is empty.", REMEDY)
    delimiter = max(_DELIMITERS, key=first.count)
    table = filter(_has_something, csv.reader(chain([first], lines), delimiter=delimiter))
    header = next(table)
    columns = columns_of_data(header)
    if columns is None:
        return find_columns(header, where, REMEDY, taken), table
    taken.remark("it has no header, so its first row told its columns")
    return columns, chain([header], table)


def write_challenge(rows: Iterable[Row], path: Path) -> None:
    """Writes rows in their order. Their numbers are lost, because in a CSV a row's number is its place.

    Raises:
        ReportError: the file cannot be written.
    """
    make_folder(path.parent)
    with whole_file(path) as made, made.open("wb") as file:
        # Without a name and a time in the header, the same rows give the same bytes.
        packed = gzip.GzipFile("", "wb", 6, file, mtime=0) if path.suffix.lower() == ".gz" else file
        with io.TextIOWrapper(packed, "ascii", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(NAMES)
            for row in rows:
                writer.writerow((row.label, " ".join(map(str, row.picture.ravel().tolist())), row.split))


def _unreadable(where: str, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"{where} cannot be read: {reason}.", REMEDY)


def _has_something(fields: Sequence[str]) -> bool:
    """Whether a line is a row: spreadsheets end in lines that have only delimiters."""
    return any(field.strip() for field in fields)


def _row(number: int, fields: Sequence[str], columns: Columns, taken: Interpretation) -> Row:
    if len(fields) != columns.count:
        raise RowError(f"{count_of(len(fields), 'column')} instead of {columns.count}")
    split = Split.TRAINING if columns.split is None else taken.split(fields[columns.split])
    label = taken.label(fields[columns.label])
    return Row(number, label, _picture(" ".join(fields[place] for place in columns.pixels)), split)


def _picture(text: str) -> NDArray[np.uint8]:
    """The 48x48 grey picture of a row's `pixels`: numbers with blanks, commas or brackets around them."""
    values = _numbers(text, np.int64)
    if values is None:
        exact = _numbers(text.translate(_SIGNS), np.float64)
        if exact is None or not np.array_equal(exact, np.rint(exact)):
            raise RowError("the pixels are not all whole numbers")
        values = exact.clip(-1, np.iinfo(np.uint8).max + 1).astype(np.int64)
    if values.size != PIXELS:
        raise RowError(f"{count_of(values.size, 'pixel')} instead of {PIXELS}")
    if values.min() < 0 or values.max() > np.iinfo(np.uint8).max:
        raise RowError("a pixel lies outside 0 to 255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _numbers(text: str, kind: type[np.int64 | np.float64]) -> NDArray[np.int64 | np.float64] | None:
    """Numbers with blanks between them; None where something else stands there."""
    try:
        with warnings.catch_warnings():
            # At a letter NumPy stops and only warns.
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text, dtype=kind, sep=" ")
    except (DeprecationWarning, ValueError):
        return None
