"""A run whose report is a folder of parts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fercli.cli.messages import counting
from fercli.cli.summary import so_far
from fercli.errors import UsageError
from fercli.records import Status
from fercli.reports.parts import begin_parts

if TYPE_CHECKING:
    from fercli.reader import FaceReader
    from fercli.reports import Format
    from fercli.reports.settings import Settings


def refuse_with_parts(**options: object) -> None:
    """Refuses options that need every record in one place; raises a `UsageError` that names the option."""
    for name, value in options.items():
        if value:
            raise UsageError(
                f"--{name.replace('_', '-')} needs one report, not a folder of parts.",
                "Name a file with --out, or leave it out.",
            )


def write_parts(
    photos: FaceReader, out: str, kind: Format, settings: Settings, *, quiet: bool
) -> Counter[str]:
    """Writes the parts, and `_SUCCESS` after them; gives the photos by their status, and `faces`.

    There are none, and nothing is written, where there is no photo.

    Raises:
        UsageError: the folder was begun with other settings or photos.
        ReportError: it cannot be written.
    """
    parts = begin_parts(out, kind, settings)
    tally, count = Counter[str](), 0
    with counting("photo", shown=not quiet) as counted:
        for part in photos.write_parts(parts):
            tally += part
            count += 1
            for _ in range(sum(part[status] for status in Status)):
                counted(so_far(tally, tally["faces"]))
    if count:
        parts.complete(count, tally)
    return tally
