"""FER+ votes: how ten people labelled each picture of FER2013, as soft targets.

Source: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced
Label Distribution", ICMI 2016; the file is fer2013new.csv of github.com/microsoft/FERPlus.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import UsageError
from fercli.fer2013.rows import is_whole_number
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FROM_JPEG = "rows_from_jpeg.txt"
"""A file beside the votes: a line for each row, from 0, whose votes belong to another picture."""

FEWEST = 5
"""How many votes for the seven expressions a picture needs."""

_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""In the order of `fercli.records.EXPRESSIONS`; contempt, unknown and NF (no face) are left out."""

_REMEDY = "Give FER+'s own fer2013new.csv, and data whose rows have the order of the challenge's file."


def read_votes(path: Path, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Soft targets from votes: the share of each expression among the votes for the seven.

    Votes for contempt, unknown and no face are left out. A picture has no usable votes if fewer than
    `FEWEST` remain, or if the file `rows_from_jpeg.txt` beside the votes lists its row.

    Args:
        path: fer2013new.csv.
        rows: int64 (N,), the row numbers of the pictures, as `Pictures.rows` gives them.

    Returns:
        Float32 (N, 7) in the order of EXPRESSIONS: each row adds up to 1, or is all zeros without usable
        votes.

    Raises:
        UsageError: a file cannot be read or is broken, or lacks a row of the data.
    """
    counts = _read(path)
    if len(rows) and rows.max() >= len(counts):
        message = (
            f"{quoted(path)} has {count_of(len(counts), 'row')}, and the data has a row {rows.max() + 1}."
        )
        raise UsageError(message, _REMEDY)
    counts[_from_jpeg(path.with_name(FROM_JPEG), len(counts))] = 0
    found = counts[rows]
    totals = found.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.where(totals < FEWEST, 0, found / np.maximum(totals, 1)).astype(
        np.float32
    )
    return shares


def _read(path: Path) -> NDArray[np.int64]:
    """All the votes of the file: int64 (M, 7)."""
    counts: list[list[int]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise UsageError(
                    f"{quoted(path)} has no column {' and no column '.join(missing)}.", _REMEDY
                )
            for number, row in enumerate(reader, start=1):
                texts = [row[name] or "" for name in _COLUMNS]
                if not all(map(is_whole_number, texts)):
                    raise UsageError(
                        f"{quoted(path)}, row {number}: the votes are not all whole numbers.", _REMEDY
                    )
                counts.append([int(text) for text in texts])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error
    return np.array(counts, np.int64).reshape(-1, len(_COLUMNS))


def _from_jpeg(path: Path, count: int) -> list[int]:
    if not path.exists():
        return []
    try:
        lines = path.read_text("utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    for line in lines:
        if not (is_whole_number(line) and int(line) < count):
            remedy = f"Give one row number of the votes a line, from 0 to {count - 1}."
            raise UsageError(f"{quoted(path)}: {line!r} is not the number of a row.", remedy)
    return [int(line) for line in lines]


def _unreadable(path: Path, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"{quoted(path)} cannot be read: {reason}.", _REMEDY)
