"""The layouts of a data set; its path tells which one it has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013 import archives, challenge, contents, example_records, folders, list_file
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fercli.fer2013.rows import BrokenRow, Row

_REMEDY = (
    "Name a .csv (also .gz, .xz or .bz2), a folder, a list (.txt), a .tfrecord, or a .zip or .tar of the"
    " first two."
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a layout is read and written.

    Attributes:
        read: yields the rows of a path one by one, whole or broken; tells what was taken for what.
        write: writes rows to a path one by one; None where such files are only read.
        remedy: what to do about a broken row.
        keeps_numbers: whether written rows keep their numbers; otherwise the number is the place.
    """

    read: Callable[[Path, Callable[[str], None]], Iterator[Row | BrokenRow]]
    write: Callable[[Iterable[Row], Path], None] | None
    remedy: str
    keeps_numbers: bool = True


_CSV = Layout(challenge.read_challenge, challenge.write_challenge, challenge.REMEDY, keeps_numbers=False)
_BY_SUFFIX = {
    (".csv", ".csv.gz"): _CSV,
    (".csv.xz", ".csv.bz2", ".tsv"): replace(_CSV, write=None),
    (".txt",): Layout(list_file.read_list, list_file.write_list, list_file.REMEDY),
    (".tfrecord", ".tfrecords"): Layout(
        example_records.read_example_records,
        example_records.write_example_records,
        example_records.REMEDY,
    ),
    archives.SUFFIXES: Layout(archives.read_archive, None, archives.REMEDY),
}
_FOLDERS = Layout(contents.read_folder, folders.write_folders, folders.REMEDY)


def find_layout(path: Path) -> Layout:
    """The layout of a path, by its suffix. A folder, or a name without a suffix, means class folders.

    Raises:
        UsageError: no layout has such a name.
    """
    for suffixes, layout in _BY_SUFFIX.items():
        if path.name.lower().endswith(suffixes):
            return layout
    if path.is_dir() or not (path.suffix or path.is_file()):
        return _FOLDERS
    raise UsageError(f"{quoted(path)} is in none of the layouts of FER2013.", _REMEDY)
