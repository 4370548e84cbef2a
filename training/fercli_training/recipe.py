"""A recipe: everything that decides how a network is trained, as a typed value read from TOML."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from fercli.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FOLDER = Path(__file__).parent / "recipes"
_LARGEST = 1e30
"""What Adam multiplies with has to stay in the range of 32-bit floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a network is trained; recipes/article.toml explains each entry."""

    epochs: int
    batch_size: int
    learning_rate: float
    learning_rate_decay: float
    learning_rate_floor: float
    dense_l2: float
    average_decay: float
    disgust_weight: float
    flip: float
    rotation: float
    shift: float
    scale: float
    seed: int
    precision: str

    def __post_init__(self) -> None:
        """Refuses impossible values.

        Raises:
            UsageError: an entry is out of its range.
        """
        self._require("epochs", self.epochs >= 1, "at least 1")
        self._require("batch_size", self.batch_size > 1, "at least 2")
        for name in ("learning_rate", "disgust_weight"):
            self._require(name, getattr(self, name) > 0, "above 0")
        self._require("learning_rate_decay", 0 < self.learning_rate_decay <= 1, "above 0, at most 1")
        for name in ("learning_rate_floor", "dense_l2", "rotation", "scale"):
            self._require(name, getattr(self, name) >= 0, "0 or more")
        self._require("average_decay", 0 <= self.average_decay < 1, "0 or more, below 1")
        for name in ("learning_rate", "dense_l2"):
            self._require(name, getattr(self, name) <= _LARGEST, f"at most {_LARGEST:g}")
        for name in ("flip", "shift"):
            self._require(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        self._require("seed", 0 <= self.seed < 2**63, "0 or more, below 2**63")
        self._require("precision", self.precision in {"bfloat16", "float32"}, "bfloat16 or float32")

    def _require(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            raise UsageError(f"The recipe's {name} is {getattr(self, name)!r}; it must be {rule}.")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A name, the architecture entry of model.json, and the training of it."""

    name: str
    architecture: dict[str, Any]
    training: Training

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for a bundle's provenance."""
        return asdict(self)


def load_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """A recipe by the name of one that ships, or by the path of a TOML file.

    Args:
        name: `article`, or a path that ends in .toml.
        overrides: `key=value`, the value as TOML writes it; a key of the table `training`.

    Raises:
        UsageError: no such recipe, a file that is no TOML, a key that is unknown (the nearest right one
            is named) or missing, or a value of the wrong type or range.
    """
    shipped = {path.stem: path for path in _FOLDER.glob("*.toml")}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        raise UsageError(
            f"There is no recipe {name}.",
            f"Choose one of {', '.join(sorted(shipped))}, or give a TOML file.",
        )
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a recipe: {error}.") from error
    _refuse_unknown(tables, ("architecture", "training"), str(path))
    training = _table(tables, "training", path)
    for override in overrides:
        training |= _parse(override)
    return Recipe(path.stem, _table(tables, "architecture", path), _training(training, str(path)))


def _table(tables: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = tables.get(name)
    if not isinstance(table, dict):
        raise UsageError(f"{path} lacks the table [{name}].", f"{_FOLDER / 'article.toml'} shows both.")
    return dict(table)


def _parse(override: str) -> dict[str, Any]:
    """One `--set key=value`; a bare word counts as text."""
    key, equals, value = override.partition("=")
    if not equals:
        raise UsageError(f"--set {override} has no '='.", "Write --set key=value.")
    try:
        return {key.strip(): tomllib.loads(f"value = {value}")["value"]}
    except tomllib.TOMLDecodeError:
        return {key.strip(): value.strip()}


def _training(values: Mapping[str, Any], where: str) -> Training:
    names = [field.name for field in fields(Training)]
    _refuse_unknown(values, names, where)
    missing = [name for name in names if name not in values]
    if missing:
        raise UsageError(f"{where} lacks {', '.join(missing)}.")
    types = get_type_hints(Training)
    typed: dict[str, Any] = {name: _typed(name, values[name], types[name]) for name in names}
    return Training(**typed)


def _typed(name: str, value: object, wanted: type) -> object:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not wanted:
        raise UsageError(f"The recipe's {name} is {value!r}; it must be of type {wanted.__name__}.")
    return value


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    names = list(known)
    for key in given:
        if key not in names:
            remedy = did_you_mean(key, names) or f"Known are {', '.join(names)}."
            raise UsageError(f"{where}: there is no recipe key {key}.", remedy)
