"""The model whose weights a network starts from: for warm restarts and fine-tuning."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from fercli.bundle import load_bundle
from fercli.errors import UsageError
from fercli.weights import read_weights
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fercli.architecture import Architecture

_FREE = "dropout"
"""The only entry of an architecture that changes neither weights nor answers."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which model a network started from.

    Attributes:
        model: its name.
        sha256: of the file that its weights are kept in.
    """

    model: str
    sha256: str

    def __str__(self) -> str:
        """The words of messages and of the card."""
        return f"{self.model} (sha256 {self.sha256})"


@dataclass(frozen=True, slots=True)
class Start:
    """The weights that a network starts from, float32 by their names in torch, and where they are from."""

    origin: Origin
    weights: Mapping[str, torch.Tensor]


def load_start(model: str) -> Start:
    """The weights of a model, by its name or folder, each tensor checked against its architecture.

    Raises:
        UnavailableError: there is no such model.
        ModelError: its weights are not what they should be.
    """
    bundle = load_bundle(model)
    weights = {name: torch.from_numpy(tensor) for name, tensor in read_weights(bundle).items()}
    return Start(Origin(bundle.name, bundle.sha256), weights)


def require_same_network(wanted: Architecture, model: str) -> None:
    """Makes sure that a model's weights fit a recipe's network, and mean the same in it.

    Only the dropout may differ.

    Raises:
        UsageError: they do not; every difference is named.
        UnavailableError: there is no such model, or this version does not know its network.
    """
    theirs, ours = load_bundle(model).architecture, wanted
    if theirs.NAME != ours.NAME:
        differences = [f"its network is {theirs.NAME!r}, the recipe's {ours.NAME!r}"]
    else:
        mine = asdict(ours)
        differences = [
            f"its {name} is {_plain(value)}, the recipe's {_plain(mine[name])}"
            for name, value in asdict(theirs).items()
            if name != _FREE and value != mine[name]
        ]
    if differences:
        raise UsageError(
            f"The model {quoted(model)} has another network than the recipe: {'; '.join(differences)}.",
            "Start from a model of the recipe's network, or change the recipe's [architecture].",
        )


def origin_of(entry: object) -> Origin | None:
    """The origin in a checkpoint; None for a run that began from fresh weights.

    Raises:
        TypeError: the entry is something else.
    """
    return None if entry is None else Origin(**entry)  # type: ignore[arg-type] # wrong entries raise


def require_same_origin(begun: Origin | None, given: Origin | None, folder: object) -> None:
    """Refuses to resume a run that started from something else than the given model, if one is given.

    Raises:
        UsageError: it did.
    """
    if given is not None and begun != given:
        raise UsageError(
            f"The run in {folder} began from {begun or 'fresh weights'}, not from {given}.",
            "Leave out --init, or choose another --out.",
        )


def _plain(value: object) -> object:
    """A value as TOML has it: lists, not tuples."""
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value
