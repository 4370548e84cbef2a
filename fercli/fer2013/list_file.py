"""A list file: `path label [split]` a line, paths relative to the list's own folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fercli.errors import UsageError
from fercli.fer2013.interpretation import NUMBERS, Interpretation, label_of, split_of
from fercli.fer2013.picture_files import picture_name, read_picture, row_numbers, write_picture
from fercli.fer2013.rows import BrokenRow, Row, RowError, Split
from fercli.fer2013.streams import BROKEN, read_lines
from fercli.files import make_folder, whole_file, whole_folder
from fercli.records import EXPRESSIONS
from fercli.replacing import refuse_existing
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

REMEDY = (
    f"Give a line `path label [split]` for each picture: the path from the list's folder, a label of 0 to"
    f" {len(EXPRESSIONS) - 1} or {', '.join(EXPRESSIONS)}, and {', '.join(Split)} (the first if none)."
)
_QUOTES = "\"'"
_SIGNS = " \t,;"
_BETWEEN = re.compile(f"[{_SIGNS}]+")


class _Line(NamedTuple):
    where: str
    path: Path
    columns: list[str]


def read_list(path: Path, tell: Callable[[str], None]) -> Iterator[Row | BrokenRow]:
    """The pictures in the order of the lines; blank lines are skipped.

    The last column is the split, or the label where there is no split. Everything before the label is the
    path, with its spaces, and may be quoted.

    Raises:
        UsageError: the list cannot be read.
    """
    taken = Interpretation((*NUMBERS, *EXPRESSIONS))
    lines = list(_lines(path))
    numbers = row_numbers([line.path for line in lines])
    for number, line in zip(numbers, lines, strict=True):
        try:
            label, split = _label_and_split(line.columns, taken)
            yield Row(number, label, _picture(line.path, taken), split)
        except RowError as error:
            yield BrokenRow(line.where, str(error))
    taken.report(path, tell)


def write_list(rows: Iterable[Row], path: Path) -> None:
    """Writes the list, and the pictures into a folder with the list's name without `.txt`.

    Raises:
        UsageError: that folder exists and is not empty.
        ReportError: the list or a picture cannot be written.
    """
    folder = path.with_suffix("")
    refuse_existing(folder)
    make_folder(path.parent)
    with (
        whole_file(path) as made,
        whole_folder(folder) as pictures,
        made.open("w", encoding="utf-8") as file,
    ):
        for row in rows:
            name = picture_name(row.number)
            write_picture(row.picture, pictures / name)
            file.write(f"{folder.name}/{name} {EXPRESSIONS[row.label]} {row.split}\n")


def _lines(path: Path) -> Iterator[_Line]:
    try:
        with path.open("rb") as file:
            for number, text in enumerate(read_lines(file), start=1):
                if text.strip():
                    yield _line(path, number, text.strip())
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{quoted(path)} cannot be read: {reason}.", REMEDY) from error


def _line(path: Path, number: int, text: str) -> _Line:
    """One line, split from its end: the path keeps its spaces and commas."""
    columns: list[str] = []
    while len(columns) < (2 if columns and split_of(columns[0]) else 1):
        *before, last = _BETWEEN.split(text)
        if not before:
            break
        text, columns = text[: -len(last)].rstrip(_SIGNS), [last, *columns]
    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        text = text[1:-1]
    return _Line(f"{quoted(path)}, line {number}", path.parent / text, columns)


def _label_and_split(columns: list[str], taken: Interpretation) -> tuple[int, Split]:
    if not columns:
        raise RowError("it has no label")
    if label_of(columns[0]) is None:
        raise RowError(f"{columns[0]!r} is neither a label nor a split")
    split = taken.split(columns[1]) if len(columns) > 1 else Split.TRAINING
    return taken.label(columns[0]), split


def _picture(path: Path, taken: Interpretation) -> NDArray[np.uint8]:
    try:
        return read_picture(path.read_bytes, quoted(path), taken)
    except RowError as error:
        raise RowError(f"{quoted(path)}: {error}") from error
