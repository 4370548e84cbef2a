"""Tables in any width: wrapped, split or turned, so that no figure and no name is ever cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from textwrap import TextWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

_FIGURE = re.compile(r"[-+~]?\d")
_BLANK = re.compile(r"\s")
_NARROWEST = 16
"""Words get at least this many cells, where they have as many: a column of syllables cannot be read."""


@dataclass(frozen=True, slots=True)
class _Width:
    """The cells that a column needs, those that it would like, and whether it holds more than one word."""

    least: int
    wanted: int
    words: bool


def fitted(table: Table, console: Console) -> Iterator[Table | Text]:
    """A table as what shows all of it on a console.

    Words wrap at blanks. Where that is not enough, figures are split over several tables, each with the
    first column; and where that does not do either, every row becomes a record, a line a column.
    """
    width = console.width
    widths = [_width(column) for column in table.columns]
    if _total([column.wanted for column in widths], table) <= width:
        yield table
        return
    yield from _lines(table.title, "table.title", width)
    parts = list(_parts(widths, table, width))
    if parts:
        for number, part in enumerate(parts):
            yield from _gap(number)
            yield _part(table, part, widths, width)
    else:
        yield from _records(table, width)
    yield from _lines(table.caption, "table.caption", width)


def fitted_document(text: str, console: Console) -> Iterator[Table | Text]:
    """Markdown as what shows all of it on a console: its lines wrapped at blanks, its tables fitted."""
    from rich.table import Table

    for is_table, lines in groupby(text.splitlines(), lambda line: line.startswith("|")):
        if is_table:
            header, _, *rows = ([cell.strip() for cell in line.strip("| ").split("|")] for line in lines)
            table = Table(*header, show_header=any(header))
            for row in rows:
                table.add_row(*row)
            yield from fitted(table, console)
        else:
            for line in lines:
                text = line.lstrip(" ")
                yield from _lines(text, "", console.width, line[: len(line) - len(text)])


def _parts(widths: Sequence[_Width], table: Table, width: int) -> Iterator[list[int]]:
    """The columns of each table, the first in all of them; none where words had to be split as well."""
    least = [column.least for column in widths]
    fits = _total(least, table) <= width
    if not fits and any(
        column.words or _total([widths[0].least, column.least], table) > width for column in widths[1:]
    ):
        return
    part = [0]
    for number in range(1, len(least)):
        if _total([least[place] for place in [*part, number]], table) > width:
            yield part
            part = [0]
        part.append(number)
    yield part


def _part(table: Table, places: Sequence[int], widths: Sequence[_Width], width: int) -> Table:
    """Some of a table's columns, each as wide as it would like or the room allows."""
    from rich.table import Table

    given = [widths[place].least for place in places]
    spare = width - _total(given, table)
    # The room goes to the narrowest column that wants more, a cell at a time, so that none starves.
    while spare > 0 and (hungry := [i for i, p in enumerate(places) if given[i] < widths[p].wanted]):
        given[min(hungry, key=given.__getitem__)] += 1
        spare -= 1
    part = Table(box=table.box, padding=table.padding, show_edge=table.show_edge,
                 show_header=table.show_header)  # fmt: skip
    for place, cells in zip(places, given, strict=True):
        column = table.columns[place]
        part.add_column(column.header, justify=column.justify, width=cells, no_wrap=False, overflow="fold")
    for row in zip(*(table.columns[place].cells for place in places), strict=True):
        part.add_row(*row)
    return part


def _records(table: Table, width: int) -> Iterator[Text]:
    """Every row as lines of `heading: value`; a value that is too long for that stands below, indented."""
    headings = [str(column.header) for column in table.columns]
    for number, row in enumerate(zip(*(column.cells for column in table.columns), strict=True)):
        yield from _gap(number)
        for heading, cell in zip(headings, map(str, row), strict=True):
            line = f"{heading}: {cell}" if heading else cell
            if cell and len(_wrapped(line, width)) == 1:
                yield from _lines(line, "", width)
            elif cell:
                yield from _lines(f"{heading}:", "", width)
                yield from _lines(cell, "", width, indent="  ")


def _total(widths: Sequence[int], table: Table) -> int:
    """The cells of a table with columns of such widths, their padding, and the lines between them."""
    _, right, _, left = table.padding
    lines = (len(widths) - 1 if table.box else 0) + (2 if table.box and table.show_edge else 0)
    return sum(widths) + len(widths) * (left + right) + lines


def _width(column: Column) -> _Width:
    from rich.cells import cell_len

    cells = [str(cell) for cell in column.cells]
    texts = [str(column.header), *cells]
    wanted = max(cell_len(line) for text in texts for line in text.split("\n"))
    # A figure stays with its interval, a name that may not wrap with itself.
    whole = [text for text in cells if column.no_wrap or _FIGURE.match(text)]
    words = any(_BLANK.search(text) for text in cells if text not in whole)
    longest = max(map(cell_len, [*whole, *" ".join(texts).split()]), default=0)
    return _Width(max(longest, min(wanted, _NARROWEST)) if words else longest, wanted, words)


def _gap(number: int) -> list[Text]:
    """A blank line before all but the first of several, so that two are not read as one."""
    from rich.text import Text

    return [Text("")] if number else []


def _lines(text: object, style: str, width: int, indent: str = "") -> Iterator[Text]:
    """A text in lines of so many cells; nothing where there is no text."""
    from rich.text import Text

    if text is not None:
        for line in _wrapped(str(text), width, indent):
            yield Text(line, style=style)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Lines that break at blanks only: a longer word is left whole, for the terminal to go on with."""
    wrapper = TextWrapper(
        width, indent, indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
    return [part for line in text.split("\n") for part in wrapper.wrap(line) or [""]]
