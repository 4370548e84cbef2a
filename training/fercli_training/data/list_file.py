"""A list file: `path label [split]` a line, paths relative to the list's own folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fercli.errors import UsageError
from fercli.files import make_folder, whole_file, whole_folder
from fercli.records import EXPRESSIONS
from fercli.replacing import refuse_existing
from fercli_training.data.picture_files import picture_name, read_picture, row_numbers, write_picture
from fercli_training.data.rows import BrokenRow, Row, RowError, Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

REMEDY = (
    f"Give a line `path label [split]` for each picture: the path from the list's folder, a label of 0 to"
    f" {len(EXPRESSIONS) - 1} or {', '.join(EXPRESSIONS)}, and {', '.join(Split)} (the first if none)."
)
_QUOTES = "\"'"


class _Line(NamedTuple):
    where: str
    path: Path
    columns: list[str]


def read_list(path: Path) -> Iterator[Row | BrokenRow]:
    """The pictures in the order of the lines; blank lines are passed over.

    The last column is the split, or the label where there is none; all that stands before is the path,
    spaces included, and may be quoted.

    Raises:
        UsageError: the list cannot be read.
    """
    lines = list(_lines(path))
    numbers = row_numbers([line.path for line in lines])
    for number, line in zip(numbers, lines, strict=True):
        try:
            label, split = _label_and_split(line.columns)
            yield Row(number, label, _picture(line.path), split)
        except RowError as error:
            yield BrokenRow(line.where, str(error))


def write_list(rows: Iterable[Row], path: Path) -> None:
    """Writes the list, and the pictures into the folder of its name without `.txt`.

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
        with path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(file, start=1):
                if columns := text.split():
                    yield _line(path, number, text, columns)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}.", REMEDY) from error


def _line(path: Path, number: int, text: str, columns: list[str]) -> _Line:
    """One line, split from its end: the path keeps its spaces."""
    count = 2 if columns[-1] in list(Split) else 1
    name, *columns = text.strip().rsplit(maxsplit=count)
    if len(name) > 1 and name[0] in _QUOTES and name[-1] == name[0]:
        name = name[1:-1]
    return _Line(f"{path}, line {number}", path.parent / name, columns)


def _label_and_split(columns: list[str]) -> tuple[int, Split]:
    if not columns:
        raise RowError("it has no label")
    split = Split(columns[1]) if len(columns) > 1 else Split.TRAINING
    names = {name: label for label, name in enumerate(EXPRESSIONS)}
    labels = names | {str(label): label for label in names.values()}
    if columns[0] not in labels:
        raise RowError(f"{columns[0]!r} is neither a label nor a split")
    return labels[columns[0]], split


def _picture(path: Path) -> NDArray[np.uint8]:
    try:
        return read_picture(path)
    except RowError as error:
        raise RowError(f"{path}: {error}") from error
