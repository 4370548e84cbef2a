"""How people spell FER2013's labels and splits, and a note of what was taken for what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fercli.errors import nearest
from fercli.fer2013.rows import RowError, Split
from fercli.records import EXPRESSIONS
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from pathlib import Path


NUMBERS = tuple(str(label) for label in range(len(EXPRESSIONS)))

_LABELS = {
    "angry": ("anger", "angriness"),
    "disgust": ("disgusted", "disgusting"),
    "fear": ("fearful", "afraid", "scared"),
    "happy": ("happiness", "joy", "joyful"),
    "sad": ("sadness",),
    "surprise": ("surprised", "surprising"),
    "neutral": ("neutrality", "no expression"),
}
_SPLITS = {
    Split.TRAINING: ("train", "training", "trainset", "trainingset"),
    Split.PUBLIC: (
        *("publictest", "public", "val", "valid", "validate", "validation", "dev"),
        *("valset", "validset", "validationset"),
    ),
    Split.PRIVATE: ("privatetest", "private", "test", "testing", "testset"),
}
_LABEL_OF = {
    spelling: EXPRESSIONS.index(name) for name, others in _LABELS.items() for spelling in (name, *others)
}
_SPLIT_OF = {spelling: split for split, spellings in _SPLITS.items() for spelling in spellings}

_DIGIT = re.compile(r"\+?0*(\d)(?:\.0*)?", re.ASCII)
"""A number below 10; a larger one is no label."""

_ORDINAL = re.compile(r"\d+[\s_.-]+")
"""A number before a name, as in `0_angry`, which only sorts the names."""

_BETWEEN = re.compile(r"[\s_-]+")


def silently(_: str) -> None:
    """Drops the sentence, for callers who do not want to be told."""


class Interpretation:
    """Reads labels and splits, and notes words that are not FER2013's own, to tell them once.

    Args:
        own: spellings of labels that are usual in this layout, and are not noted.
    """

    def __init__(self, own: Container[str]) -> None:
        self._own = own
        self._taken: dict[str, str] = {}
        self._remarks: list[str] = []
        self._changed = 0
        self._first_changed = ""

    def label(self, text: str) -> int:
        """The label 0..6 of a number or a name; raises `RowError` for anything else."""
        given = text.strip()
        label = label_of(given)
        if label is None:
            known = f"0 to {len(EXPRESSIONS) - 1}"
            if re.search(r"[^\W\d]", given):
                known += f" or one of {', '.join(EXPRESSIONS)}{_perhaps(given, _LABEL_OF)}"
            raise RowError(f"the label is {given!r}, not {known}")
        if given not in self._own:
            self.take(given, EXPRESSIONS[label])
        return label

    def split(self, text: str) -> Split:
        """The split of a name; raises `RowError` for an unknown one."""
        given = text.strip()
        split = split_of(given)
        if split is None:
            known = f"{', '.join(Split)}{_perhaps(given, _SPLIT_OF)}"
            raise RowError(f"Usage is {given!r}, not one of {known}")
        if given != split:
            self.take(given, split)
        return split

    def take(self, given: str, meaning: str) -> None:
        """Notes what a word was taken for."""
        self._taken[given] = meaning

    def remark(self, text: str) -> None:
        """Notes something else that was understood."""
        self._remarks.append(text)

    def changed(self, what: str) -> None:
        """Notes a picture that had another size or colours, and became 48x48 grey pixels."""
        self._changed += 1
        self._first_changed = self._first_changed or what

    def report(self, path: Path, tell: Callable[[str], None]) -> None:
        """Tells all notes in one sentence, if there are any."""
        said = list(self._remarks)
        if self._taken:
            pairs = [f"{quoted(given)} for {meaning}" for given, meaning in self._taken.items()]
            said.append(f"it was read with {', '.join(pairs)}")
        if self._changed:
            pictures = count_of(self._changed, "picture")
            said.append(f"{pictures} of another size or in colour became 48x48 grey, the first"
                        f" {self._first_changed}")  # fmt: skip
        if said:
            tell(f"{quoted(path)}: {'; '.join(said)}.")


def label_of(text: str) -> int | None:
    """The label 0..6 of a number or a name, with or without capitals or a number before it; else None."""
    digit = _DIGIT.fullmatch(text)
    if digit:
        label = int(digit[1])
        return label if label < len(EXPRESSIONS) else None
    name = _ORDINAL.sub("", text, count=1)
    return _LABEL_OF.get(_BETWEEN.sub(" ", name).strip().casefold())


def split_of(text: str) -> Split | None:
    """The split of a name, with or without capitals, in one word or several; else None."""
    return _SPLIT_OF.get(_BETWEEN.sub("", text).casefold())


def _perhaps(given: str, known: dict[str, int] | dict[str, Split]) -> str:
    """The likely meaning of a mistyped word, in brackets; empty if no known word is near."""
    near = nearest(given.casefold(), known)
    if near is None:
        return ""
    meaning = known[near]
    return f" (perhaps {meaning if isinstance(meaning, str) else EXPRESSIONS[meaning]})"
