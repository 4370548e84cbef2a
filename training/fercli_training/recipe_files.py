"""Reads recipes: TOML files that ship or are the user's own, with `--set` changes."""

from __future__ import annotations

import math
import os
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from fercli.architecture import read_architecture
from fercli.errors import UnavailableError, UsageError, did_you_mean
from fercli_training.recipe import Recipe, Training

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FOLDER = Path(__file__).parent / "recipes"
_EXPERIMENTS = Path(__file__).parent / "ablation.toml"
_ARCHITECTURE = "architecture."


def recipe_names() -> list[str]:
    """The names of the recipes that ship."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """A recipe that ships, by its name, or a TOML file, by its path.

    Args:
        name: one of `recipe_names()`, or a path that ends in .toml.
        overrides: `key=value`, with the value in TOML; a key of the table `training`, or
            `architecture.` and a key of the other table.

    Raises:
        UsageError: no such recipe, a file that is not TOML, a key that is unknown (the nearest right one
            is named) or missing, or a value of the wrong type or range.
    """
    shipped = recipe_names()
    path = _FOLDER / f"{name}.toml" if name in shipped else Path(name)
    if not os.path.isfile(path):  # noqa: PTH113 - no error, whatever the name
        choice = f"Choose one of {', '.join(shipped)}, or give a TOML file."
        raise UsageError(f"There is no recipe {name}.", f"{did_you_mean(name, shipped)} {choice}".lstrip())
    tables = _read(path)
    _refuse_unknown(tables, ("architecture", "training"), str(path))
    return _recipe(path.stem, tables, path, overrides)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A recipe, and the accuracy that the article gives for it.

    Attributes:
        article: in percent, as the article words it; empty where it gives none.
        article_range: the least and the largest that this means, in percent; empty likewise.
    """

    recipe: Recipe
    article: str
    article_range: tuple[float, ...]


def load_experiments(overrides: Iterable[str] = ()) -> list[Experiment]:
    """The article's experiments. Each adds its changes to those of the experiments before it.

    Raises:
        UsageError: as `load_recipe`, for the overrides, which count for every experiment.
    """
    tables = _read(_EXPERIMENTS)
    changes: list[str] = []
    experiments = []
    for entry in tables["experiments"]:
        changes += entry["set"]
        recipe = _recipe(entry["name"], tables, _EXPERIMENTS, [*changes, *overrides])
        experiments.append(Experiment(recipe, entry["article"], tuple(entry["range"])))
    return experiments


def _recipe(name: str, tables: Mapping[str, Any], path: Path, overrides: Iterable[str]) -> Recipe:
    training, architecture = _table(tables, "training", path), _table(tables, "architecture", path)
    for override in overrides:
        key, value = _parse(override)
        if key.startswith(_ARCHITECTURE):
            architecture[key.removeprefix(_ARCHITECTURE)] = value
        else:
            training[key] = value
    try:
        network = read_architecture(architecture)
    except UnavailableError as error:
        raise UsageError(f"{path}: {error.message}", error.remedy) from error
    return Recipe(name, network, _training(training, str(path)))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a recipe: {error}.") from error


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    names = list(known)
    for key in given:
        if key not in names:
            remedy = did_you_mean(key, names) or f"Known are {', '.join(names)}."
            raise UsageError(f"{where}: there is no recipe key {key}.", remedy)


def _table(tables: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = tables.get(name)
    if not isinstance(table, dict):
        raise UsageError(f"{path} lacks the table [{name}].", f"{_FOLDER / 'article.toml'} shows both.")
    return dict(table)


def _parse(override: str) -> tuple[str, Any]:
    """The key and value of one `--set`; a value that is not TOML counts as text."""
    key, equals, value = override.partition("=")
    if not equals:
        raise UsageError(f"--set {override} has no '='.", "Write --set key=value.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def _training(values: Mapping[str, Any], where: str) -> Training:
    known = fields(Training)
    _refuse_unknown(values, [entry.name for entry in known], where)
    missing = [
        entry.name
        for entry in known
        if entry.name not in values and entry.default is MISSING and entry.default_factory is MISSING
    ]
    if missing:
        raise UsageError(f"{where} lacks {', '.join(missing)}.")
    types = get_type_hints(Training)
    typed: dict[str, Any] = {name: _typed(name, value, types[name]) for name, value in values.items()}
    return Training(**typed)


def _typed(name: str, value: object, wanted: Any) -> object:
    if get_origin(wanted) is dict:
        if not isinstance(value, dict):
            raise UsageError(f"The recipe's {name} is {value!r}; it must be a table.")
        return {key: _typed(f"{name}.{key}", weight, float) for key, weight in value.items()}
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return _float(value)
    kinds = get_args(wanted) or (wanted,)
    if type(value) not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise UsageError(f"The recipe's {name} is {value!r}; it must be of type {names}.")
    return value


def _float(value: int) -> float:
    """The number as a float; infinity if it is larger than every float, which no entry may be."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
