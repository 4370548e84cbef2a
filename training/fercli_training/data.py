"""Reads FER2013 in the challenge's own layout: a CSV of `emotion,pixels,Usage`, plain or .gz.

Source: Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013.
"""

from __future__ import annotations

import csv
import gzip
import io
import warnings
import zlib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import UsageError
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 48
_COLUMNS = ("emotion", "pixels", "Usage")
_REMEDY = "Give the challenge's own fer2013.csv, plain or .gz, with the columns emotion,pixels,Usage."


class Split(StrEnum):
    """FER2013's three parts, by their names in the column `Usage`."""

    TRAINING = "Training"
    PUBLIC = "PublicTest"
    PRIVATE = "PrivateTest"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures in the order of the file: uint8 (N, 48, 48) and int64 (N,) of 0..6."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def read_fer2013(path: Path, splits: Iterable[Split]) -> dict[Split, Pictures]:
    """The asked splits of a FER2013 file; every row of the file is checked on the way.

    Raises:
        UsageError: the file cannot be read, lacks a column, or a row is broken (the row is named,
            counting from 1 after the header), or an asked split has no rows.
    """
    wanted = tuple(splits)
    pixels: dict[str, list[NDArray[np.uint8]]] = {split: [] for split in wanted}
    labels: dict[str, list[int]] = {split: [] for split in wanted}
    for number, (emotion, text, usage) in enumerate(_rows(path), start=1):
        where = f"{path}, row {number}"
        if usage not in list(Split):
            raise UsageError(f"{where}: Usage is {usage!r}, not one of {', '.join(Split)}.", _REMEDY)
        label, picture = _label(emotion, where), _picture(text, where)
        if usage in pixels:
            pixels[usage].append(picture)
            labels[usage].append(label)
    for split in wanted:
        if not labels[split]:
            raise UsageError(f"{path} has no rows with Usage {split}.", _REMEDY)
    return {split: Pictures(np.stack(pixels[split]), np.array(labels[split], np.int64)) for split in wanted}


def class_counts(pictures: Pictures) -> dict[str, int]:
    """How many pictures there are of each expression."""
    counts = Counter(pictures.labels.tolist())
    return {name: counts[label] for label, name in enumerate(EXPRESSIONS)}


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """The three columns of every row, whatever their order in the file."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            reader = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
            header = next(reader, [])
            missing = [name for name in _COLUMNS if name not in header]
            if missing:
                raise UsageError(f"{path} has no column {' and no column '.join(missing)}.", _REMEDY)
            places = [header.index(name) for name in _COLUMNS]
            for number, row in enumerate(filter(None, reader), start=1):
                if len(row) != len(header):
                    raise UsageError(
                        f"{path}, row {number}: {len(row)} columns instead of {len(header)}.", _REMEDY
                    )
                emotion, text, usage = (row[place] for place in places)
                yield emotion, text, usage
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}.", _REMEDY) from error


def _label(text: str, where: str) -> int:
    if text.strip() not in {str(label) for label in range(len(EXPRESSIONS))}:
        raise UsageError(f"{where}: the label is {text!r}, not 0 to {len(EXPRESSIONS) - 1}.", _REMEDY)
    return int(text)


def _picture(text: str, where: str) -> NDArray[np.uint8]:
    """The 48x48 grey picture of a row's `pixels`."""
    try:
        with warnings.catch_warnings():
            # NumPy stops at the first letter with no more than a warning.
            warnings.simplefilter("error", DeprecationWarning)
            values = np.fromstring(text, dtype=np.int64, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise UsageError(f"{where}: the pixels are not all whole numbers.", _REMEDY) from error
    if values.size != SIDE * SIDE:
        raise UsageError(f"{where}: {values.size} pixels instead of {SIDE * SIDE}.", _REMEDY)
    if values.min() < 0 or values.max() > np.iinfo(np.uint8).max:
        raise UsageError(f"{where}: a pixel lies outside 0 to 255.", _REMEDY)
    return values.astype(np.uint8).reshape(SIDE, SIDE)
