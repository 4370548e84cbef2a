"""Class folders: ROOT/Training/happy/00012.png; without split folders, all pictures are for training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fercli.errors import UsageError, did_you_mean
from fercli.files import whole_folder
from fercli.records import EXPRESSIONS
from fercli_training.data.picture_files import picture_name, read_picture, row_numbers, write_picture
from fercli_training.data.rows import BrokenRow, Row, RowError, Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

REMEDY = (
    f"Give a folder that holds {', '.join(Split)} or some of them, and in each of these, or without them,"
    f" a folder of pictures, even if an empty one, for each of {', '.join(EXPRESSIONS)}."
)


class _File(NamedTuple):
    path: Path
    label: int
    split: Split


def read_folders(root: Path) -> Iterator[Row | BrokenRow]:
    """The pictures in the order of their row numbers: their names, or the order of the folders.

    Hidden files are passed over.

    Raises:
        UsageError: a folder cannot be read, a class has none, or one is of no split or class.
    """
    try:
        files = [file for split, folder in _split_folders(root) for file in _files(folder, split)]
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}.", REMEDY) from error
    numbers = row_numbers([file.path for file in files])
    for number, file in sorted(zip(numbers, files, strict=True)):
        try:
            yield Row(number, file.label, read_picture(file.path), file.split)
        except RowError as error:
            yield BrokenRow(str(file.path), str(error))


def write_folders(rows: Iterable[Row], root: Path) -> None:
    """Writes each row's picture under its split and class, its number for a name.

    Raises:
        ReportError: a picture cannot be written.
    """
    with whole_folder(root) as made:
        for row in rows:
            folder = made / row.split
            if not folder.exists():
                for name in EXPRESSIONS:
                    (folder / name).mkdir(parents=True)
            write_picture(row.picture, folder / EXPRESSIONS[row.label] / picture_name(row.number))


def _split_folders(root: Path) -> list[tuple[Split, Path]]:
    children = {child.name for child in _visible(root) if child.is_dir()}
    if children.isdisjoint(Split):
        return [(Split.TRAINING, root)]
    _refuse_unknown(root, children, list(Split))
    return [(split, root / split) for split in Split if split in children]


def _files(folder: Path, split: Split) -> Iterator[_File]:
    children = {child.name for child in _visible(folder) if child.is_dir()}
    _refuse_unknown(folder, children, EXPRESSIONS)
    missing = [name for name in EXPRESSIONS if name not in children]
    if missing:
        raise UsageError(f"{folder} has no folder {' and no folder '.join(missing)}.", REMEDY)
    for label, name in enumerate(EXPRESSIONS):
        for path in sorted(_visible(folder / name)):
            yield _File(path, label, split)


def _refuse_unknown(folder: Path, names: Iterable[str], known: Sequence[str]) -> None:
    for name in sorted(set(names) - set(known)):
        hint = did_you_mean(name, known) or REMEDY
        raise UsageError(f"{folder / name} is none of the folders {', '.join(known)}.", hint)


def _visible(folder: Path) -> list[Path]:
    return [child for child in folder.iterdir() if not child.name.startswith(".")]
