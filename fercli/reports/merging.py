"""Several reports as one: every photo once, in the order of the input if the reports are all its shards."""

from __future__ import annotations

import json
import re
import sqlite3
from array import array
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain, repeat, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from fercli.errors import ReportError, UsageError
from fercli.records import DECIMALS, Row
from fercli.reports.reading import read_report, read_settings
from fercli.reports.rows import photo_key
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fercli.reports.settings import Settings

_LIMITS = tuple({2: 0.06, 4: 3e-4}[digits] for digits in DECIMALS.values())
"""How much another processor may change: 0.05 pixels, 2e-4 of a score or probability, and a last digit."""


_Photo = tuple[int, list[Row]]
"""The number of a report, and its rows of a photo."""


class Merged(NamedTuple):
    """Reports that are to be one."""

    photos: Iterator[tuple[str, list[Row]]]
    """For each photo, its report and its rows."""
    settings: Settings | None
    """The settings of all reports; None if they differ or are not all known."""
    differences: list[str]
    """Sentences on settings that differ."""


def merge_reports(reports: Sequence[str]) -> Merged:
    """The photos of all reports. A photo that several reports have with the same rows is taken once.

    If the reports are all shards of one input, its order is restored. Otherwise the reports follow each
    other as they are given. Memory does not grow with them: a temporary database keeps what was seen.

    Raises:
        UsageError: a report cannot be read; as photos are taken, two reports have different rows of one.
        UnavailableError: one is Parquet, and pyarrow is not installed.
        ReportError: as the photos are taken, the temporary folder is full.
    """
    known = [read_settings(report) for report in reports]
    told = [(report, settings) for report, settings in zip(reports, known, strict=True) if settings]
    differences = [
        f"{quoted(told[0][0])} and {quoted(report)} were written with other settings: {'; '.join(words)}."
        for report, settings in told[1:]
        if (words := [f"{what} {one} and {other}" for what, one, other in told[0][1].differences(settings)])
    ]
    order = _shards_in_order(known)
    read = [zip(repeat(number), read_report(report)) for number, report in enumerate(reports)]
    photos = _in_turn([read[place] for place in order]) if order else chain.from_iterable(read)
    settings = replace(told[0][1], shard="1/1" if order else "") if len(told) == len(reports) else None
    return Merged(_once(photos, reports), None if differences else settings, differences)


def _shards_in_order(known: Sequence[Settings | None]) -> list[int] | None:
    """The places of the reports in the order of their shards, if they are all shards of one input."""
    of = [re.fullmatch(r"(\d+)/(\d+)", settings.shard) if settings else None for settings in known]
    shards = {int(one[1]): place for place, one in enumerate(of) if one and int(one[2]) == len(known)}
    return [shards[number] for number in sorted(shards)] if len(shards) == len(known) else None


def _in_turn(reports: Sequence[Iterator[_Photo]]) -> Iterator[_Photo]:
    for photos in zip_longest(*reports):
        yield from (photo for photo in photos if photo is not None)


def _once(photos: Iterator[_Photo], reports: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
    """The photos without those that another report has already given, as often as there."""
    with _scratch_database() as database:
        database.execute(
            "CREATE TABLE seen (path, report, time, texts, numbers, PRIMARY KEY (path, report, time))"
            " WITHOUT ROWID"
        )
        for report, rows in photos:
            key = photo_key(rows)
            seen = database.execute("SELECT * FROM seen WHERE path = ?", (key,)).fetchall()
            time = sum(other == report for _, other, *_ in seen)
            texts, numbers = _content(rows)
            database.execute("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", (key, report, time, texts, numbers))
            others = [one for one in seen if one[1] != report and one[2] == time]
            if not others:
                yield reports[report], rows
            elif others[0][3] != texts or not _near(array("d", others[0][4]), numbers):
                both = f"{quoted(reports[others[0][1]])} and {quoted(reports[report])}"
                raise UsageError(
                    f"{both} have different rows of the photo {quoted(str(rows[0]['path']))}.",
                    "Leave one of them out, or write it again.",
                )


@contextmanager
def _scratch_database() -> Iterator[sqlite3.Connection]:
    """A database without a name. It moves from memory to the temporary folder once it has grown.

    Raises:
        ReportError: the temporary folder cannot hold it.
    """
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as database:
            yield database
    except sqlite3.Error as error:
        raise ReportError(
            f"The temporary folder cannot hold what was read of the reports: {error}.",
            "Make room there, or set TMPDIR to a folder that has room.",
        ) from error


def _content(rows: list[Row]) -> tuple[str, array[float]]:
    """What the rows of a photo contain besides its path: texts, which must be equal, and numbers."""
    texts = json.dumps([[row["status"], row["expression"], row["error"]] for row in rows])
    return texts, array("d", [float(row[name] or 0) for row in rows for name in DECIMALS])


def _near(one: array[float], other: array[float]) -> bool:
    limits = _LIMITS * (len(one) // len(_LIMITS))
    return all(abs(a - b) <= limit for a, b, limit in zip(one, other, limits, strict=True))
