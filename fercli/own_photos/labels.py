"""The labels of photos, from the folders that they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from fercli.fer2013.interpretation import label_of, split_of
from fercli.files import real_path
from fercli.records import EXPRESSIONS
from fercli.sources.members import member_of

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
    """Labels from folders: one that a photo lies in is named as an expression, one beside that as a person.

    Args:
        roots: the folders and photos that were given. A given folder's own name counts where no folder in
            it names an expression.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [Path(root) for root in roots]

    def of(self, path: str) -> Label:
        """The label; the person is the folder in that of the expression, or else the one that holds it."""
        below, own = self._folders(path)
        places = {
            place: label for place, name in enumerate(below) if (label := expression_of(name)) is not None
        }
        if not places and (label := expression_of(own)) is not None:
            places = {-1: label}
        found = sorted(set(places.values()))
        if not found:
            return Label(None, "", "none of its folders names an expression")
        if len(found) > 1:
            return Label(
                None, "", f"its folders name {' and '.join(EXPRESSIONS[label] for label in found)}"
            )
        place = max(places)
        beside = below[place + 1 : place + 2] or below[max(0, place - 1) : max(0, place)]
        return Label(found[0], "".join(name for name in beside if split_of(name) is None))

    def unused(self) -> Sequence[str]:
        """None: a folder without photos is named where photos are found."""
        return ()

    def _folders(self, path: str) -> tuple[Sequence[str], str]:
        """The folders from the given one or an archive to the photo, and the name of the given one."""
        member = member_of(path)
        if member is not None:
            return PurePosixPath(member.name).parts[:-1], PurePosixPath(member.archive).stem
        photo = Path(path)
        for root in self._roots:
            if photo != root and photo.is_relative_to(root):
                return photo.relative_to(root).parts[:-1], real_path(root).name
        return (), real_path(photo).parent.name


def expression_of(name: str) -> int | None:
    """The expression that a word names, 0..6; a number alone names none: every data set has its own."""
    word = name.strip()
    return None if word.replace(".", "").isdigit() else label_of(word)
