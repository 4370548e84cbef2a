"""The place of a report: a file that holds nothing else, or an open descriptor."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.files import descriptor, refuse_protected
from fercli.records import COLUMNS
from fercli.replacing import REMOVE, refuse_input
from fercli.reports.html.blocks import PAGE_START
from fercli.reports.output import cannot_write, claimed_standard_output, is_in_store, replaceable
from fercli.reports.remote import ends_of, refuse_unwritable
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STANDARD_OUTPUT = "-"
"""This name means standard output."""

_FIRST = re.compile(
    rb"""(\xef\xbb\xbf)?"?path"?[,;\t]"?face"?[,;\t]  # the header of a CSV, whatever has saved it again
    | \s*\[?\s*\{\s*"path"\s*: | \s*\[\s*\]\s*$  # JSON, JSON Lines, and JSON without a row""",
    re.VERBOSE,
)
_TORN = (",".join(COLUMNS).encode(), b'{"path":', b'[\n{"path":')
"""The beginning of a report that was cut off in its first line. After a power cut, NULs follow."""

_PARQUET = b"PAR1"
_END = 1 << 16
"""How many bytes at the end of a Parquet file are searched for the names of its columns."""


def open_descriptor(out: str) -> int | None:
    """The descriptor that a name such as `-` or `/dev/stdout` means; None for the name of a file."""
    return 1 if out == STANDARD_OUTPUT else descriptor(out)


@contextmanager
def claimed(out: str) -> Iterator[str | int]:
    """Opens the place of a report. Everything that is printed meanwhile goes to standard error.

    Raises:
        ReportError: it is standard output, which is closed.
    """
    number = open_descriptor(out)
    if number == 1:
        with claimed_standard_output() as data:
            yield data
    else:
        with redirect_stdout(sys.stderr):
            yield out if number is None else number


def refuse_place(out: str, inputs: Iterable[tuple[str, str | int]]) -> None:
    """Refuses to write a report over an input, or over a file that is not a report.

    Args:
        out: the report.
        inputs: what is read, as `fercli.replacing.refuse_input` takes it.

    Raises:
        UsageError: it would; the message names the file.
        ReportError: the file cannot be looked at, or is protected.
    """
    refuse_unwritable(out)
    number = open_descriptor(out)
    refuse_input(out if number is None else number, inputs)
    if is_in_store(out):
        if (ends := ends_of(out, _END)) is not None:
            _refuse_unless_report(out, *ends)
    elif number is None and replaceable(out):
        refuse_other_file(out)
        refuse_protected(out, "Choose another place with --out, or let it be written to (chmod u+w).")


def refuse_other_file(path: str) -> None:
    """Refuses a file that is not a report of any format; raises as `refuse_place`."""
    try:
        with Path(path).open("rb") as file:
            first = file.read(_END)
            file.seek(max(0, Path(path).stat().st_size - _END))
            last = file.read()
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(quoted(path), error) from error
    _refuse_unless_report(path, first, last)


def _refuse_unless_report(path: str, first: bytes, last: bytes) -> None:
    written = first.rstrip(b"\0") if first.endswith(b"\0") and last.endswith(b"\0") else first
    torn = any(start.startswith(written) for start in _TORN)
    parquet = first.startswith(_PARQUET) and all(name.encode() in last for name in COLUMNS)
    page = first.startswith(PAGE_START) or PAGE_START.startswith(first)
    if not (torn or parquet or page or _FIRST.match(first)):
        raise UsageError(f"{quoted(path)} exists and is not a report of fercli.", REMOVE)
