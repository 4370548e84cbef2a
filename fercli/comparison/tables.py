"""A comparison as tables for people, as JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import io
import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fercli import __version__
from fercli.devices import usable_cores
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from fercli.records import Row, Value


class Column(NamedTuple):
    """One entry of every row: its key, what heads it for people, and how numbers are written for them."""

    key: str
    heading: str
    form: str = ""


class Section(NamedTuple):
    """Columns that are read together. The comparison's first column heads each section's rows."""

    title: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row a contender. What is missing from a row, or None, is not known.

    Attributes:
        name: the column that tells the rows apart.
        sections: all other columns.
        rows: by the columns' keys.
        note: what it was measured on, for people.
    """

    name: Column
    sections: tuple[Section, ...]
    rows: Sequence[Row]
    note: str

    def records(self) -> list[Row]:
        """The rows with every key, None where nothing is known, and where they were measured."""
        keys = [self.name.key, *(column.key for section in self.sections for column in section.columns)]
        return [{key: row.get(key) for key in keys} | _here() for row in self.rows]

    def shown(self) -> list[tuple[str, tuple[Column, ...], list[list[str]]]]:
        """For each section its title, its columns and the rows that have something in it, as text."""
        sections = []
        for title, columns in self.sections:
            rows = [
                [_text(row.get(column.key), column.form) for column in (self.name, *columns)]
                for row in self.rows
                if any(row.get(column.key) is not None for column in columns)
            ]
            if rows:
                sections.append((title, (self.name, *columns), rows))
        return sections


def as_json(comparison: Comparison) -> str:
    """A list of objects; numbers as measured, null where nothing is known."""
    return json.dumps(comparison.records(), indent=1, ensure_ascii=False)


def as_csv(comparison: Comparison) -> str:
    """RFC 4180 with a header; an empty cell is a missing value."""
    records = comparison.records()
    text = io.StringIO()
    writer = csv.DictWriter(text, records[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().rstrip("\n")


def as_markdown(comparison: Comparison) -> str:
    """A table a section, as GitHub reads it."""
    blocks = []
    for title, columns, rows in comparison.shown():
        rules = ["--:" if column.form else "---" for column in columns]
        lines = [[column.heading for column in columns], rules, *rows]
        table = "\n".join(
            f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
        )
        blocks.append(f"**{title}**\n\n{table}")
    return "\n\n".join([*blocks, _caption(comparison)])


def as_tables(comparison: Comparison) -> list[Table]:
    """A table a section, for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    tables = []
    for title, columns, rows in comparison.shown():
        table = Table(
            title=title,
            title_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            show_edge=False,
            caption_justify="left",
        )
        for column in columns:
            # A name that is broken in two cannot be copied.
            whole = column is comparison.name
            table.add_column(column.heading, justify="right" if column.form else "left", no_wrap=whole)
        for row in rows:
            table.add_row(*row)
        tables.append(table)
    tables[-1].caption = _caption(comparison)
    return tables


def _text(value: Value, form: str) -> str:
    if value is None:
        return ""
    return format(value, form) if isinstance(value, int | float) else " ".join(value.split())


def _here() -> Row:
    return {
        "machine": f"{platform.system()} {platform.machine()}, {count_of(usable_cores(), 'core')}",
        "python": platform.python_version(),
        "fercli": __version__,
    }


def _caption(comparison: Comparison) -> str:
    here = _here()
    return f"{comparison.note}; {here['machine']}, Python {here['python']}, fercli {here['fercli']}."
