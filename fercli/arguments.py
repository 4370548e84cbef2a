"""What a caller of the library gives, checked: a `UsageError` names it and says what to give."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from io import TextIOBase
from math import inf
from numbers import Real
from operator import index
from reprlib import repr as shortened
from typing import TYPE_CHECKING, BinaryIO, cast

from fercli.errors import UsageError

if TYPE_CHECKING:
    AnyPath = str | os.PathLike[str]

_PATHS = (
    "Give a text or a pathlib.Path, or several; fercli.analyze takes a picture's own bytes, or its pixels."
)


def number(name: str, given: object, least: float, most: float = inf) -> float:
    """A number between two others, or a `UsageError`."""
    if not isinstance(given, Real):
        raise UsageError(f"{name} is {shown(given)}, which is not a number.", _within(least, most))
    try:
        value = float(given)
    except OverflowError:
        raise UsageError(f"{name} is {shown(given)}, which is too large.", "Give a smaller one.") from None
    if not least <= value <= most:
        raise UsageError(f"{name} is {given}.", _within(least, most))
    return value


def whole_number(name: str, given: object, least: int, most: float = inf) -> int:
    """A whole number between two others, or a `UsageError`."""
    try:
        whole = index(given)  # type: ignore[arg-type] # what has no whole number raises
    except TypeError:
        raise UsageError(
            f"{name} is {shown(given)}, which is not a whole number.", _within(least, most)
        ) from None
    if not least <= whole <= most:
        raise UsageError(f"{name} is {whole}.", _within(least, most))
    return whole


def _within(least: float, most: float) -> str:
    return f"It must be {least} or more." if most == inf else f"It must be between {least} and {most}."


def switch(name: str, given: object) -> bool:
    """True or False, or a `UsageError`: "no" would be true."""
    if isinstance(given, bool):
        return given
    import numpy as np  # only here: a run that has none of NumPy's truths starts its workers sooner

    if not isinstance(given, np.bool_):
        raise UsageError(f"{name} is {shown(given)}.", "It must be True or False.")
    return bool(given)


def text(name: str, given: object) -> str:
    """A text, or a `UsageError`."""
    if not isinstance(given, str):
        raise UsageError(f"{name} is {shown(given)}, which is not a text.", "Give its name as a text.")
    return given


def texts(name: str, given: object) -> tuple[str, ...]:
    """One text or path, or several, as texts, or a `UsageError`."""
    if isinstance(given, str | os.PathLike):
        return (os.fsdecode(given),)
    several = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(one, str | os.PathLike) for one in several):
        raise UsageError(f"{name} is {shown(given)}.", "Give a text, or a list of texts.")
    return tuple(map(os.fsdecode, several))


def path(given: object) -> str:
    """A path as a text, or a `UsageError`."""
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{shown(given)} is not a path.", _PATHS)
    return os.fsdecode(given)


def paths(given: object) -> Iterable[str]:
    """One path or several as texts: at once where they are there already, else as they are taken.

    Raises:
        UsageError: one is not a path; of an iterator, when it is taken.
    """
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | os.PathLike):
        return tuple(map(path, given)) if isinstance(given, Sequence) else map(path, given)
    return (path(given),)


def function(name: str, given: object) -> None:
    """Refuses what cannot be called, with a `UsageError`."""
    if not callable(given):
        raise UsageError(f"{name} is {shown(given)}, which cannot be called.", "Give a function.")


def stream(name: str, given: object) -> BinaryIO | None:
    """A stream of bytes or None, or a `UsageError`."""
    if given is not None and (isinstance(given, TextIOBase) or not hasattr(given, "read")):
        raise UsageError(
            f"{name} is {shown(given)}, which gives no bytes.", "Open a file with open(name, 'rb')."
        )
    return cast("BinaryIO | None", given)


def shown(given: object) -> str:
    """Some value in a few letters of one line."""
    return " ".join(shortened(given).split())
