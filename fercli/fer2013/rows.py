"""Rows, of which every layout consists: a number, a label, a picture and a split; or a broken row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from fercli.architecture import SIDE
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXELS = SIDE * SIDE

_DIGITS = 18
"""Whole numbers of so many digits fit int64, and so does the sum of nine of them."""


class Split(StrEnum):
    """FER2013's three parts, with their names in the challenge's column `Usage`."""

    TRAINING = "Training"
    PUBLIC = "PublicTest"
    PRIVATE = "PrivateTest"


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled picture.

    Attributes:
        number: the row's number in the data set, from 0; FER+ votes belong to it.
        label: 0..6, as in `fercli.records.EXPRESSIONS`.
        picture: uint8 (48, 48).
        split: the part it belongs to.
    """

    number: int
    label: int
    picture: NDArray[np.uint8]
    split: Split


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be used: its file and its number from 1, and the reason."""

    where: str
    reason: str


class RowError(Exception):
    """Says what is wrong with a row; the reader makes it a `BrokenRow` and goes on."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures in the order of their file.

    Attributes:
        pixels: uint8 (N, 48, 48).
        labels: int64 (N,) of 0..6.
        rows: int64 (N,), the number of each picture's row in the data set, from 0.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def is_whole_number(text: str) -> bool:
    """Whether a text is a whole number in ASCII digits that fits int64."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def class_counts(pictures: Pictures) -> dict[str, int]:
    """How many pictures there are of each expression."""
    counts = np.bincount(pictures.labels, minlength=len(EXPRESSIONS)).tolist()
    return dict(zip(EXPRESSIONS, counts, strict=True))
