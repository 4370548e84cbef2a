"""The contents of a data set: counts, broken rows, copies inside and across splits, votes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import UsageError
from fercli.fer2013.duplicates import exact_copies, near_pairs
from fercli.fer2013.interpretation import silently
from fercli.fer2013.layouts import find_layout
from fercli.fer2013.reading import Gathered
from fercli.fer2013.rows import BrokenRow, Pictures, Split, class_counts
from fercli.fer2013.votes import read_votes
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Copies:
    """Pictures that occur more than once, exactly, or nearly or exactly.

    Attributes:
        inside: by split, how many of its pictures have a copy in it.
        across: by `SPLIT in SPLIT`, how many of the first one's have a copy in the second.
        conflicts: how many pictures have a copy, in whatever split, with another label.
    """

    inside: dict[str, int]
    across: dict[str, int]
    conflicts: int


@dataclass(frozen=True, slots=True)
class Votes:
    """One split's pictures with usable FER+ votes, and the share of them whose label has the most votes."""

    pictures: int
    agreement: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """The contents of a data set: pictures by split and expression, copies, broken rows, votes by split."""

    counts: dict[str, dict[str, int]]
    exact: Copies
    near: Copies
    broken: list[BrokenRow]
    votes: dict[str, Votes]


def inspect(
    path: Path, votes: Path | None = None, tell: Callable[[str], None] = silently
) -> tuple[Inspection, dict[Split, Pictures]]:
    """Reads a data set in any layout, and goes on after broken rows.

    Args:
        path: the data.
        votes: fer2013new.csv, or None.
        tell: takes a sentence on what in the data was taken for what.

    Returns:
        Its contents, and the pictures of the splits that have any.

    Raises:
        UsageError: it cannot be read, or has no whole row.
    """
    splits, broken = _read(path, tell)
    if not splits:
        first = f": {broken[0].where}: {broken[0].reason}" if broken else ""
        raise UsageError(f"{quoted(path)} has no whole row{first}.", find_layout(path).remedy)
    pixels = np.concatenate([pictures.pixels for pictures in splits.values()])
    inspection = Inspection(
        {str(split): class_counts(pictures) for split, pictures in splits.items()},
        _copies(splits, _exact_pairs(pixels)),
        _copies(splits, near_pairs(pixels)),
        broken,
        {} if votes is None else {str(split): _agreement(votes, part) for split, part in splits.items()},
    )
    return inspection, splits


def _read(path: Path, tell: Callable[[str], None]) -> tuple[dict[Split, Pictures], list[BrokenRow]]:
    gathered, broken = {split: Gathered() for split in Split}, []
    for row in find_layout(path).read(path, tell):
        if isinstance(row, BrokenRow):
            broken.append(row)
        else:
            gathered[row.split].add(row)
    splits = {split: kept.pictures() for split, kept in gathered.items()}
    return {split: pictures for split, pictures in splits.items() if len(pictures)}, broken


def _exact_pairs(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs of equal pictures: their places, (N, 2), each pair in both orders."""
    groups = exact_copies(pixels)
    pairs = [np.stack(np.meshgrid(group, group), axis=-1).reshape(-1, 2) for group in groups]
    found = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    others: NDArray[np.int64] = found[found[:, 0] != found[:, 1]]
    return others


def _copies(splits: dict[Split, Pictures], pairs: NDArray[np.int64]) -> Copies:
    labels = np.concatenate([pictures.labels for pictures in splits.values()])
    names = list(splits)
    places = np.repeat(np.arange(len(names)), [len(pictures) for pictures in splits.values()])
    first, second = pairs.T
    belonging = Counter(
        (int(places[picture]), int(other))
        for picture, other in np.unique(np.stack([first, places[second]], axis=1), axis=0).tolist()
    )
    return Copies(
        {str(name): belonging[number, number] for number, name in enumerate(names)},
        {
            f"{name} in {other}": belonging[number, place]
            for number, name in enumerate(names)
            for place, other in enumerate(names)
            if number != place
        },
        len(np.unique(first[labels[first] != labels[second]])),
    )


def _agreement(path: Path, pictures: Pictures) -> Votes:
    votes = read_votes(path, pictures.rows)
    voted = votes.any(axis=1)
    chosen = votes[voted, pictures.labels[voted]] == votes[voted].max(axis=1)
    return Votes(int(voted.sum()), float(chosen.mean()) if voted.any() else 0.0)
