"""The labels of photos from a CSV: `path,expression[,person]`."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.fer2013.streams import BROKEN, read_lines
from fercli.own_photos.labels import Label, expression_of
from fercli.records import EXPRESSIONS
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REMEDY = (
    "Give a CSV with a line of headings: path, expression and, where people are known, person. Paths start"
    " at the CSV's folder or at the folder of photos."
)
_HEADINGS = {
    "path": ("path", "file", "filename", "filepath", "image", "imagename", "imagepath", "photo", "picture"),
    "expression": ("expression", "emotion", "label", "class", "target", "category"),
    "person": ("person", "personid", "subject", "subjectid", "identity", "who", "name"),
}
_DELIMITERS = ",;\t|"


@dataclass(slots=True)
class _Entry:
    """A photo that the table has: its label, and the first of its rows."""

    label: Label
    where: str
    used: bool = False


@dataclass(slots=True)
class TableLabels:
    """Labels from a CSV. A photo in several rows with different expressions has none.

    Args:
        path: the CSV, in any Unicode encoding, with commas, semicolons, tabs or bars.
        roots: the folders and photos that were given; paths in the CSV may start there.

    Raises:
        UsageError: it cannot be read, or lacks a column.
    """

    path: Path
    roots: Sequence[str]
    _entries: dict[str, _Entry] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Reads the table."""
        for number, (name, expression, person) in enumerate(self._rows(), start=1):
            where = f"{quoted(self.path)}, row {number}"
            label = _label(expression, person)
            entry = self._entries.setdefault(self._place(name), _Entry(label, f"{where}: {quoted(name)}"))
            if entry.label.expression != label.expression:
                entry.label = Label(None, person, f"{quoted(self.path)} has several labels for it")

    def of(self, path: str) -> Label:
        """The label of the photo with this path."""
        entry = self._entries.get(os.path.realpath(path))
        if entry is None:
            return Label(None, "", f"{quoted(self.path)} does not have it")
        entry.used = True
        return entry.label

    def unused(self) -> Sequence[str]:
        """The rows whose photo was not asked for, in the words of a message."""
        return [entry.where for entry in self._entries.values() if not entry.used]

    def _place(self, name: str) -> str:
        """Where a row's photo lies, or would lie: from the CSV's folder on, or from a given folder on."""
        relative = name if os.sep == "\\" else name.replace("\\", "/")
        places = [Path(folder, relative) for folder in (str(self.path.parent), *self.roots)]
        return os.path.realpath(next(filter(os.path.isfile, places), places[0]))

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        """Path, expression and person of each row."""
        try:
            with self.path.open("rb") as file:
                lines = read_lines(file)
                first = next(filter(str.strip, lines), "")
                delimiter = max(_DELIMITERS, key=first.count)
                table = csv.reader(chain([first], lines), delimiter=delimiter)
                columns = self._columns(next(table, []))
                for fields in table:
                    texts = {name: _cell(fields, place) for name, place in columns.items()}
                    if any(texts.values()):
                        yield texts["path"], texts["expression"], texts.get("person", "")
        except (*BROKEN, csv.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"{quoted(self.path)} cannot be read: {reason}.", _REMEDY) from error

    def _columns(self, header: Sequence[str]) -> dict[str, int]:
        """The places of the columns; `person` may be missing."""
        words = [re.sub(r"[\W_]", "", heading).casefold() for heading in header]
        found = {}
        for name, headings in _HEADINGS.items():
            places = [place for heading in headings for place, word in enumerate(words) if word == heading]
            if places:
                found[name] = places[0]
        missing = [name for name in ("path", "expression") if name not in found]
        if missing:
            there = ", ".join(quoted(heading[:40]) for heading in header[:8]) or "none"
            raise UsageError(
                f"{quoted(self.path)} has no column {' and no column '.join(missing)}; it has {there}.",
                _REMEDY,
            )
        return found


def _label(expression: str, person: str) -> Label:
    number = expression_of(expression)
    if number is not None:
        return Label(number, person)
    known = f"none of {', '.join(EXPRESSIONS)}"
    return Label(
        None, person, f"its label is {expression!r}, {known}" if expression else "its label is empty"
    )


def _cell(fields: Sequence[str], place: int) -> str:
    return fields[place].strip() if place < len(fields) else ""
