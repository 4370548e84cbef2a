"""Opening reports for writing, in any format. All formats have the columns `fercli.records.COLUMNS`."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.reports.output import (
    claimed_standard_output,
    is_in_store,
    open_appearing,
    open_growing,
    replaceable,
)
from fercli.reports.parquet import ParquetWriter
from fercli.reports.place import STANDARD_OUTPUT, claimed, open_descriptor, refuse_place
from fercli.reports.text import CsvWriter, Destination, JsonLinesWriter, JsonWriter, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli.reports.html.writer import HtmlWriter
    from fercli.reports.settings import Settings

__all__ = [
    "BYTE_ORDER_MARK",
    "GROWING",
    "STANDARD_OUTPUT",
    "Format",
    "Writer",
    "choose_format",
    "claimed",
    "claimed_standard_output",
    "is_in_store",
    "open_descriptor",
    "open_report",
    "refuse_place",
    "replaceable",
]


BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Format(StrEnum):
    """The report's formats, by the suffix of their files."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"
    HTML = "html"


def choose_format(out: str, asked: Format | None) -> Format:
    """The format asked for, else that of the report's name, else CSV for standard output or a descriptor.

    Raises:
        UsageError: the name ends in none of the formats and none was asked for.
    """
    if asked is not None:
        return asked
    if open_descriptor(out) is not None:
        return Format.CSV
    suffix = Path(out).suffix.lower().lstrip(".")
    if suffix not in list(Format):
        raise UsageError(
            f"{out} does not end in {', '.join(f'.{name}' for name in Format)}.",
            "Rename it, or say the format with --format.",
        )
    return Format(suffix)


@contextmanager
def open_report(
    out: str | int,
    kind: Format,
    *,
    whole: bool = False,
    settings: Settings | None = None,
    byte_order_mark: bool = False,
) -> Iterator[Writer]:
    """A report to write photos to: a path, or the number of an open descriptor.

    CSV and JSON Lines grow photo by photo, in whole rows. A file of another format appears when it is
    complete, or not at all. So does every file in a store, and every file if `whole` is true. Parquet keeps
    the settings of its run. `byte_order_mark` starts CSV with one, by which Excel recognises UTF-8.

    Raises:
        ReportError: the report cannot be written.
        UnavailableError: what writes the format is not installed.
    """
    if kind in GROWING:
        with (open_appearing if whole or is_in_store(out) else open_growing)(out) as file:
            if byte_order_mark:
                file.write(BYTE_ORDER_MARK)
            yield GROWING[kind](file)
        return
    with open_appearing(out) as file:
        writer = _whole_writer(kind, file, out, settings)
        yield writer
        writer.finish()


def _whole_writer(
    kind: Format, file: Destination, out: str | int, settings: Settings | None
) -> HtmlWriter | JsonWriter | ParquetWriter:
    """What writes a format whose files appear when they are complete."""
    match kind:
        case Format.HTML:
            from fercli.reports.html.writer import HtmlWriter  # it decodes pictures

            return HtmlWriter(file, out, settings)
        case Format.PARQUET:
            return ParquetWriter(file, settings)
        case _:
            return JsonWriter(file)


GROWING: dict[Format, type[CsvWriter | JsonLinesWriter]] = {
    Format.CSV: CsvWriter,
    Format.JSONL: JsonLinesWriter,
}
"""The formats whose files are reports at every moment while they grow."""
