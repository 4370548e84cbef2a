"""The layouts of a data set; its path tells which one it has."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013.archives import REMEDY as ARCHIVE_REMEDY
from fercli.fer2013.archives import SUFFIXES, read_archive
from fercli.fer2013.challenge import REMEDY as CHALLENGE_REMEDY
from fercli.fer2013.challenge import read_challenge, write_challenge
from fercli.fer2013.contents import read_folder
from fercli.fer2013.example_records import REMEDY as RECORDS_REMEDY
from fercli.fer2013.example_records import read_example_records, write_example_records
from fercli.fer2013.folders import REMEDY as FOLDERS_REMEDY
from fercli.fer2013.folders import write_folders
from fercli.fer2013.list_file import REMEDY as LIST_REMEDY
from fercli.fer2013.list_file import read_list, write_list
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


_CSV = Layout(read_challenge, write_challenge, CHALLENGE_REMEDY, keeps_numbers=False)
_BY_SUFFIX = {
    (".csv", ".csv.gz"): _CSV,
    (".csv.xz", ".csv.bz2", ".tsv"): replace(_CSV, write=None),
    (".txt",): Layout(read_list, write_list, LIST_REMEDY),
    (".tfrecord", ".tfrecords"): Layout(read_example_records, write_example_records, RECORDS_REMEDY),
    SUFFIXES: Layout(read_archive, None, ARCHIVE_REMEDY),
}
_FOLDERS = Layout(read_folder, write_folders, FOLDERS_REMEDY)


def find_layout(path: Path) -> Layout:
    """The layout of a path, by its suffix. A folder, or a name without a suffix, means class folders.

    Raises:
        UsageError: no layout has such a name.
    """
    for suffixes, layout in _BY_SUFFIX.items():
        if path.name.lower().endswith(suffixes):
            return layout
    if os.path.isdir(path) or not (path.suffix or os.path.isfile(path)):  # noqa: PTH112, PTH113 - no error
        return _FOLDERS
    raise UsageError(f"{quoted(path)} is in none of the layouts of FER2013.", _REMEDY)
