"""The labels of photos, from the folders that they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fercli.fer2013.interpretation import label_of, split_of
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a photo.

    Attributes:
        expression: 0..6, as in `fercli.records.EXPRESSIONS`; None where it is not known.
        person: whose face it is; empty where that is not known.
        reason: why the expression is not known; empty where it is.
    """

    expression: int | None
    person: str = ""
    reason: str = ""


class Labels(Protocol):
    """Where labels come from."""

    def of(self, path: str) -> Label:
        """The label of the photo with this path."""

    def unused(self) -> Sequence[str]:
        """A sentence for each label whose photo was not asked for."""


class FolderLabels:
    """Labels from folders: one that a photo lies in is named as an expression, another one as a person.

    Args:
        roots: the folders and photos that were given. A given folder's own name counts where no folder in
            it names an expression.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [Path(root) for root in roots]

    def of(self, path: str) -> Label:
        """The label; the person is the first folder, from the given one on, that is no expression."""
        below, own = self._folders(Path(path))
        named = {name: expression_of(name) for name in below}
        person = next(
            (name for name, label in named.items() if label is None and split_of(name) is None), ""
        )
        found = {label for label in named.values() if label is not None}
        if not found:
            found = {label for label in (expression_of(own),) if label is not None}
        if len(found) == 1:
            return Label(found.pop(), person)
        if found:
            names = " and ".join(EXPRESSIONS[label] for label in sorted(found))
            return Label(None, person, f"its folders name {names}")
        return Label(None, person, "none of its folders names an expression")

    def unused(self) -> Sequence[str]:
        """None: a folder without photos is named where photos are found."""
        return ()

    def _folders(self, path: Path) -> tuple[Sequence[str], str]:
        """The folders from the given one down to the photo, and the name of the given one."""
        for root in self._roots:
            if path != root and path.is_relative_to(root):
                return path.relative_to(root).parts[:-1], root.resolve().name
        return (), path.resolve().parent.name


def expression_of(name: str) -> int | None:
    """The expression that a word names, 0..6; a number alone names none: every data set has its own."""
    word = name.strip()
    return None if word.replace(".", "").isdigit() else label_of(word)
