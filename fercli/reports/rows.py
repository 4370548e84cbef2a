"""Checks the values of rows, and finds the rows that belong to one photo."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fercli.errors import FercliError
from fercli.records import COLUMNS, DECIMALS, EXPRESSIONS, Status
from fercli.reports.text import csv_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fercli.errors import UsageError
    from fercli.records import Row, Value

_OF_A_FACE = ("face", "expression", *DECIMALS)
_CHOICES = {"status": frozenset(Status), "expression": frozenset(EXPRESSIONS)}


def checked_row(values: Any, broken: Callable[[str], UsageError]) -> Row:
    """The row that was read, if the writers could have written each of its values.

    Args:
        values: what was read, by column; other columns are ignored.
        broken: makes the error of a fault such as `has no face`.

    Raises:
        UsageError: it is not a row of a report.
    """
    if not isinstance(values, dict):
        raise broken("is not an object")
    if missing := [name for name in COLUMNS if name not in values]:
        raise broken(f"has no {missing[0]}")
    row: Row = {}
    for name in COLUMNS:
        try:
            row[name] = _value(name, values[name])
        except (TypeError, ValueError, OverflowError):
            raise broken(f"has {values[name]!r} as its {name}") from None
    expected = row["status"] == Status.OK
    for name in _OF_A_FACE:
        if (row[name] is not None) != expected:
            raise broken(f"has {'no' if expected else 'a'} {name}, but the status {row['status']}")
    return row


def _value(name: str, value: Any) -> Value:
    """The value as the writers were given it.

    Raises:
        TypeError: it is not of the column's type.
        ValueError: the column cannot have it.
        OverflowError: it is a whole number too large for a float.
    """
    if value is None and name not in {"path", "status"}:
        return None
    if name in DECIMALS or name == "face":
        return _number(name, value)
    if not isinstance(value, str):
        raise TypeError
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError
    value.encode()  # JSON can name half a character, which no file can hold
    return value


def _number(name: str, value: Any) -> int | float:
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise TypeError
    if name != "face":
        return float(value)
    if value != int(value) or value < 0:
        raise ValueError
    return int(value)


def photo_key(rows: list[Row]) -> str:
    """A photo's path, by its rows, as CSV has it: the same in every format."""
    return csv_path(str(rows[0]["path"]))


def photos(rows: Iterable[tuple[Row, int]]) -> Iterator[tuple[list[Row], int]]:
    """Groups rows, each with the position where it ends, by photo. Photos come before an error."""
    photo: list[Row] = []
    end = 0
    failure: Exception | None = None
    try:
        for row, row_end in rows:
            if photo and not _continues(row, photo[-1]):
                yield photo, end
                photo = []
            photo.append(row)
            end = row_end
    except FercliError as error:
        failure = error
    if photo:
        yield photo, end
    if failure is not None:
        raise failure


def _continues(row: Row, before: Row) -> bool:
    """Whether the row belongs to the same photo as the row before it."""
    face, last = row["face"], before["face"]
    same = row["path"] == before["path"]
    return same and isinstance(face, int) and isinstance(last, int) and face > last
