"""What every network shares: its input, its output, and how a model.json describes it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from fercli.errors import UnavailableError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fercli.architecture import Architecture

SIDE = 48
"""Pixels on a side of a network's input."""

NORMALISATION_EPSILON = 1e-5
"""What batch normalisation adds to a variance, in every framework."""

DEVIATION_FLOOR = 1.0 / SIDE
"""The least deviation that a picture is divided by, so that a flat one's noise is not blown up."""

LRN_SIZE = 9
"""How many channels local response normalisation looks at, the middle one being the value's own."""

LRN_ALPHA = 0.001 / 9
LRN_BETA = 0.75
"""TensorFlow's tutorial on CIFAR-10 has these as depth_radius 4, bias 1.0, alpha 0.001 / 9, beta 0.75."""

_Described = TypeVar("_Described", bound="Architecture")


def from_description(kind: type[_Described], description: Mapping[str, Any]) -> _Described:
    """The architecture of a model.json's entry; what it may leave out takes its default.

    Raises:
        UnavailableError: an entry is missing, unknown (the nearest is named) or impossible.
    """
    known = [field.name for field in fields(kind)]
    missing = [name for name in kind.REQUIRED if name not in description]
    if missing:
        raise UnavailableError(f"The description of the architecture lacks {', '.join(missing)}.")
    values = {name: _tuples(value) for name, value in description.items() if name != "name"}
    for name in values:
        if name not in known:
            raise UnavailableError(
                f"The architecture {description['name']} has no entry {name!r}.",
                did_you_mean(name, known) or f"Known are {', '.join(known)}.",
            )
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UnavailableError(f"The architecture is described wrongly: {error}.") from error


def to_description(architecture: Architecture) -> dict[str, Any]:
    """The `architecture` entry of model.json."""
    values = {field.name: _lists(getattr(architecture, field.name)) for field in fields(architecture)}
    return {"name": architecture.NAME, **values}


def require_whole(numbers: Iterable[object], what: str) -> None:
    """Raises ValueError if one of the numbers is not a positive whole number."""
    for number in numbers:
        if type(number) is not int or number < 1:
            raise ValueError(f"{what} is {number!r}, not a positive whole number")


def require_list(value: object, what: str) -> None:
    """Raises TypeError if the value is not a list."""
    if not isinstance(value, tuple):
        raise TypeError(f"{what} is {value!r}, not a list")


def require_share(value: object, what: str) -> None:
    """Raises ValueError if the value is not a number from 0 to below 1."""
    if isinstance(value, bool) or not isinstance(value, float | int) or not 0 <= value < 1:
        raise ValueError(f"the {what} is {value!r}, not 0 or more, below 1")


def normalisation_tensors(layer: str, width: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a layer's batch normalisation."""
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{layer}.normalisation.{name}": (width,) for name in names}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list | tuple) else value


def _lists(value: Any) -> Any:
    return [_lists(entry) for entry in value] if isinstance(value, tuple) else value
