"""The one report of a run: what it goes on with, and the photos written into it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from fercli.cli.messages import counting, say
from fercli.errors import UsageError
from fercli.records import Status
from fercli.reports import STANDARD_OUTPUT, is_in_store, open_report, replaceable
from fercli.wording import count_of, quoted

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

    if _grows(out):
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


def _grows(out: str) -> bool:
    """Whether the report is a file, which a run that is ended leaves to be gone on with."""
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
    growing = _grows(out)
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
            count(f"{count_of(tally['faces'], 'face')}, {count_of(tally[Status.ERROR], 'failure')}")
            if strict and photo.error is not None:
                say(f"fercli: {photo.path}: {photo.error} (stopped by --strict)")
                break
    except KeyboardInterrupt:
        way = "; add --resume to go on" if resumable else ""
        say(f"fercli: interrupted after {summary(tally)}{way}.")
        raise


def summary(tally: Counter[str]) -> str:
    """What a run came to, in a line without its end."""
    photos = count_of(sum(tally[status] for status in Status), "photo")
    faces = count_of(tally["faces"], "face")
    without = count_of(tally[Status.NO_FACE], "photo")
    return f"{photos}: {faces}, {without} without a face, {tally[Status.ERROR]} that could not be read"
