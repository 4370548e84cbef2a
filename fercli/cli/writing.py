"""The one report of a run: what it goes on with, and the photos written into it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from fercli.cli.messages import counting, say
from fercli.cli.summary import counts, so_far
from fercli.errors import UsageError
from fercli.reports import STANDARD_OUTPUT, is_in_store, open_report, replaceable
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import ExitStack

    from fercli.cli.summary import Beside
    from fercli.records import Photo
    from fercli.reports import Format, Writer
    from fercli.reports.earlier import Earlier
    from fercli.reports.settings import Settings


def earlier_report(
    stack: ExitStack, out: str, kind: Format, *, resume: bool, retry_errors: bool
) -> Earlier | None:
    """The report that is gone on with, if any; no other run writes it until the stack ends."""
    from fercli.locking import locked
    from fercli.reports.earlier import Earlier

    if is_file(out):
        stack.enter_context(locked(out))
        return Earlier(out, kind, retry_errors=retry_errors) if resume else None
    if resume and is_in_store(out):
        raise UsageError(
            f"{quoted(out)} cannot be gone on with: a report in a store is there once it is whole.",
            "Write the report to this computer, and copy it when the run is done.",
        )
    if resume:
        raise UsageError("--resume needs a report to go on with.", "Name its file with --out.")
    return None


def is_file(out: str) -> bool:
    """Whether a report is a file of this computer: no standard output, device, or object in a store."""
    return out != STANDARD_OUTPUT and replaceable(out)


def write_report(
    photos: Iterator[Photo],
    out: str,
    target: str | int,
    kind: Format,
    settings: Settings,
    earlier: Earlier | None,
    beside: Beside,
    *,
    quiet: bool,
    strict: bool,
) -> Counter[str]:
    """Writes one report, if there is a photo; gives its photos by their status, and `faces`."""
    from fercli.reports.running import open_running

    tally = Counter[str]() if earlier is None else earlier.tally
    first = next(photos, None)
    if first is None and not tally:
        return tally
    growing = is_file(out)
    report = (
        open_running(out, kind, earlier, settings)
        if growing
        else open_report(target, kind, settings=settings)
    )
    with report as writer, counting("photo", shown=not quiet) as count:
        new = chain([] if first is None else [first], photos)
        _write(beside.watched(new), writer, tally, count, resumable=growing, strict=strict)
    return tally


def _write(
    photos: Iterable[Photo],
    writer: Writer,
    tally: Counter[str],
    count: Callable[[str], None],
    *,
    resumable: bool,
    strict: bool,
) -> None:
    """Writes the photos; counts them by their status, and their faces. `strict` ends at the first error."""
    try:
        for photo in photos:
            writer.write(photo.rows())
            tally[photo.status] += 1
            tally["faces"] += len(photo.faces)
            count(so_far(tally, tally["faces"]))
            if strict and photo.error is not None:
                say(f"fercli: {quoted(photo.path)}: {photo.error} (stopped by --strict)")
                break
    except KeyboardInterrupt:
        way = "; add --resume to go on" if resumable else ""
        say(f"fercli: interrupted after {counts(tally, tally['faces'])}{way}.")
        raise
