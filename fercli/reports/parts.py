"""A folder of reports, each of a few photos: for more photos than one file should have.

Several parts are written at the same time, each completely or not at all. Their numbers give the order. A
run that is resumed keeps and counts the parts that are there. `_SUCCESS` is written last.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import ReportError, UsageError
from fercli.files import make_folder, real_path, refuse_unreachable, whole_file
from fercli.locking import locked
from fercli.records import Status
from fercli.replacing import REMOVE
from fercli.reports import Format, open_report
from fercli.reports.reading import read_report
from fercli.reports.rows import photo_key
from fercli.reports.settings import Settings, keep_settings, kept_settings, refuse_other_settings
from fercli.reports.text import csv_path
from fercli.sources import printable_path
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fercli.records import Photo

PHOTOS_A_PART = 256
SUCCESS = "_SUCCESS"
FORMATS = (Format.JSONL, Format.CSV, Format.PARQUET)
"""The formats of parts; the first is the default."""

_NAME = re.compile(rf"part-(\d{{8,}})\.({'|'.join(FORMATS)})")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one run. The object is sent to other machines."""

    folder: str
    """From the root, as every machine sees it."""
    kind: Format
    settings: Settings

    def path(self, number: int) -> str:
        """The file of a part, counted from 0."""
        return str(Path(self.folder, f"part-{number:08d}.{self.kind}"))

    def write(self, number: int, paths: Sequence[str], photos: Iterable[Photo]) -> Counter[str]:
        """Writes a part, completely or not at all, and returns its `tally`.

        Args:
            number: the part's.
            paths: of its photos.
            photos: their results, in the same order.

        Raises:
            ReportError: it cannot be written.
        """
        tally = Counter[str]()
        with open_report(self.path(number), self.kind, whole=True, settings=self.settings) as writer:
            for photo, path in zip(photos, paths, strict=True):
                if photo.path != printable_path(path):
                    raise RuntimeError(f"{photo.path} came back for {path}.")
                writer.write(photo.rows())
                tally[photo.status] += 1
                tally["faces"] += len(photo.faces)
        return tally

    def tally(self, number: int, paths: Sequence[str]) -> Counter[str] | None:
        """Counts the photos of a part by their status, and `faces`; None if there is no such part.

        Raises:
            UsageError: the part holds other photos than these.
        """
        path = self.path(number)
        if not os.path.lexists(path):
            return None
        tally = Counter[str]()
        there = list[str]()
        for rows in read_report(path):
            there.append(photo_key(rows))
            tally[str(rows[0]["status"])] += 1
            tally["faces"] += len(rows) if rows[0]["status"] == Status.OK else 0
        if there != [csv_path(printable_path(name)) for name in paths]:
            raise UsageError(f"{quoted(path)} holds other photos than this run would put there.", _OTHERS)
        return tally

    def complete(self, count: int, tally: Counter[str]) -> None:
        """Writes `_SUCCESS`, if exactly the expected parts are there.

        Args:
            count: how many parts there are.
            tally: of all parts together.

        Raises:
            UsageError: there are parts of an earlier run, which had more photos.
            ReportError: a part is missing, or `_SUCCESS` cannot be written.
        """
        there = 0
        for name in _names(self.folder):
            if found := _NAME.fullmatch(name):
                there += 1
                if int(found[1]) >= count:
                    raise UsageError(
                        f"{quoted(str(Path(self.folder, name)))} belongs to no photo of this run.", _OTHERS
                    )
        if there < count:
            lost = next(number for number in range(count) if not os.path.lexists(self.path(number)))
            raise ReportError(
                f"{quoted(self.folder)} lacks {count_of(count - there, 'part')},"
                f" such as {Path(self.path(lost)).name}.",
                "Continue with --resume.",
            )
        for left in Path(self.folder).glob(".part-*.partial"):  # of processes that were killed
            shutil.rmtree(left, ignore_errors=True)
        with whole_file(Path(self.folder, SUCCESS)) as made:
            made.write_text(json.dumps({"parts": count, **tally}) + "\n", "utf-8")


def is_folder(out: str) -> bool:
    """Whether the name of a report asks for a folder of parts: it ends in a slash."""
    return out.endswith(("/", os.sep))


def part_format(asked: Format | None) -> Format:
    """The format of parts; raises a `UsageError` if parts cannot have it."""
    if asked is None or asked in FORMATS:
        return asked or FORMATS[0]
    raise UsageError(f"Parts are not written as {asked}.", f"Choose {', '.join(FORMATS)}.")


@contextmanager
def claimed_folder(out: str, *, resume: bool) -> Iterator[None]:
    """Makes the folder of parts, unless it is there, and keeps other runs out of it.

    Raises:
        UsageError: it holds other things, or parts without `resume`.
        ReportError: it cannot be made, or another run writes there.
    """
    folder = Path(out)
    refuse_unreachable(folder)
    if not folder.is_dir():
        make_folder(folder)
    # A hidden file is a lock, or a part that was being written.
    for name in _names(folder):
        if name.startswith("."):
            continue
        if not (name == SUCCESS or _NAME.fullmatch(name)):
            raise UsageError(f"{quoted(out)} exists and is not a folder of parts.", REMOVE)
        if not resume:
            raise UsageError(
                f"{quoted(out)} already holds parts.", "Continue with --resume, or choose another folder."
            )
    with locked(folder):
        yield


def begin_parts(out: str, kind: Format, settings: Settings) -> Parts:
    """The parts of a run that starts or is resumed; `_SUCCESS` is removed until the run is done.

    Raises:
        UsageError: the folder was started with other settings, or in another format.
        ReportError: it cannot be written.
    """
    folder = real_path(out)
    if any((found := _NAME.fullmatch(name)) and found[2] != kind for name in _names(folder)):
        raise UsageError(
            f"{quoted(out)} was started in another format than {kind}.", "Choose that format with --format."
        )
    if (earlier := kept_settings(str(folder))) is not None:
        refuse_other_settings(out, earlier, settings)
    with suppress(FileNotFoundError):
        (folder / SUCCESS).unlink()
    keep_settings(str(folder), settings)
    return Parts(str(folder), kind, settings)


def _names(folder: str | Path) -> Iterator[str]:
    """The names in a folder, one after another: there may be millions."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name


_OTHERS = "Name the same photos in the same way as when the folder was started, or choose another folder."
