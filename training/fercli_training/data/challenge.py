"""The challenge's own layout: a CSV of `emotion,pixels,Usage`, plain or .gz."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np

from fercli.architecture import SIDE
from fercli.errors import UsageError
from fercli.files import make_folder, whole_file
from fercli_training.data.rows import PIXELS, BrokenRow, Row, RowError, label_of_number, split_of_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

REMEDY = "Give the challenge's own fer2013.csv, plain or .gz, with the columns emotion,pixels,Usage."
_COLUMNS = ("emotion", "pixels", "Usage")


def read_challenge(path: Path) -> Iterator[Row | BrokenRow]:
    """The file's rows; the columns may stand in any order beside others.

    Raises:
        UsageError: the file cannot be read, or lacks a column.
    """
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            reader = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
            header = next(reader, [])
            missing = [name for name in _COLUMNS if name not in header]
            if missing:
                raise UsageError(f"{path} has no column {' and no column '.join(missing)}.", REMEDY)
            for number, fields in enumerate(filter(None, reader)):
                try:
                    yield _row(number, fields, header)
                except RowError as error:
                    yield BrokenRow(f"{path}, row {number + 1}", str(error))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}.", REMEDY) from error


def write_challenge(rows: Iterable[Row], path: Path) -> None:
    """Writes rows in their order; their numbers are lost, for a row's number is its place.

    Raises:
        ReportError: the file cannot be written.
    """
    make_folder(path.parent)
    with whole_file(path) as made, made.open("wb") as file:
        # Neither name nor time goes into the header: the same rows give the same bytes.
        packed = gzip.GzipFile("", "wb", 6, file, mtime=0) if path.suffix.lower() == ".gz" else file
        with io.TextIOWrapper(packed, "ascii", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for row in rows:
                writer.writerow((row.label, " ".join(map(str, row.picture.ravel().tolist())), row.split))


def _row(number: int, fields: Sequence[str], header: Sequence[str]) -> Row:
    if len(fields) != len(header):
        raise RowError(f"{len(fields)} columns instead of {len(header)}")
    label, pixels, usage = (fields[header.index(name)] for name in _COLUMNS)
    split = split_of_name(usage)
    return Row(number, label_of_number(label), _picture(pixels), split)


def _picture(text: str) -> NDArray[np.uint8]:
    """The 48x48 grey picture of a row's `pixels`."""
    try:
        with warnings.catch_warnings():
            # NumPy stops at the first letter with no more than a warning.
            warnings.simplefilter("error", DeprecationWarning)
            values = np.fromstring(text, dtype=np.int64, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise RowError("the pixels are not all whole numbers") from error
    if values.size != PIXELS:
        raise RowError(f"{values.size} pixels instead of {PIXELS}")
    if values.min() < 0 or values.max() > np.iinfo(np.uint8).max:
        raise RowError("a pixel lies outside 0 to 255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)
