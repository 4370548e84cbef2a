"""A whole run: a recipe, data and a folder in, the run's models out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fercli.bundle import load_bundle
from fercli.errors import UsageError
from fercli.fer2013 import Split, read_pictures
from fercli.fer2013.interpretation import silently
from fercli.fer2013.votes import read_votes
from fercli_torch.network import load_network
from fercli_training.export import write_bundle
from fercli_training.loop import Material, Trainer
from fercli_training.place import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.fer2013 import Pictures
    from fercli_training.recipe import Recipe
    from fercli_training.snapshots import Candidate

_ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a run reads: the data set, the FER+ votes, and the models that teach."""

    data: Path
    votes: Path | None = None
    teachers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What a run made: its candidates, best on PublicTest first, and the models' folders."""

    candidates: list[Candidate]
    models: list[Path]


@dataclass(frozen=True, slots=True)
class Data:
    """The pictures of all splits, and their FER+ votes, float32 (N, 7), where there are any."""

    splits: Mapping[Split, Pictures]
    votes: Mapping[Split, NDArray[np.float32]]


def prepare(
    recipe: Recipe, sources: Sources, tell: Callable[[str], None] = silently
) -> tuple[Material, Data]:
    """What a network learns from, and all data, which measures what the run makes.

    `tell` takes a sentence on what in the data was taken for what.

    Raises:
        UsageError: the data or the votes are broken, or do not fit the recipe.
        ModelError: a teacher's bundle is not whole.
    """
    _refuse_unfit(recipe, sources)
    return read_material(sources, tell)


def read_material(sources: Sources, tell: Callable[[str], None] = silently) -> tuple[Material, Data]:
    """What a network learns from, and all data; raises as `prepare`."""
    splits = read_pictures(sources.data, Split, tell)
    votes = {}
    if sources.votes is not None:
        votes = {split: read_votes(sources.votes, pictures.rows) for split, pictures in splits.items()}
    teachers = [load_network(load_bundle(name)) for name in sources.teachers]
    training, public = splits[Split.TRAINING], splits[Split.PUBLIC]
    return Material(training, public, votes.get(Split.TRAINING), teachers), Data(splits, votes)


def finish(trainer: Trainer, candidates: list[Candidate], data: Data) -> Made:
    """Writes the best single network as a model; an ensemble that is better still, as several more.

    Raises:
        ParityError: a model's runtimes differ by more than is allowed.
        ReportError: the folder cannot be written.
    """
    recipe, folder, computed = trainer.recipe, trainer.folder, trainer.computed
    ranked = sorted(candidates, key=lambda candidate: candidate.public_accuracy, reverse=True)
    single = next(candidate for candidate in ranked if len(candidate.networks) == 1)
    models = [write_bundle(folder / MODEL, recipe, single, data.splits, data.votes, computed)]
    if ranked[0] is not single:
        models = [
            write_bundle(
                folder / _ENSEMBLE / f"{epoch}",
                recipe,
                ranked[0].member(number),
                data.splits,
                data.votes,
                computed,
            )
            for number, epoch in enumerate(ranked[0].epochs)
        ]
    return Made(ranked, models)


def _refuse_unfit(recipe: Recipe, sources: Sources) -> None:
    """A recipe that wants votes or teachers does not quietly do without."""
    training = recipe.training
    if training.votes and sources.votes is None:
        raise UsageError(
            f"The recipe {recipe.name} mixes FER+ votes into the labels, and there are none.",
            "Give them with --ferplus, or leave them out with --set votes=0.",
        )
    if training.teacher and not sources.teachers:
        raise UsageError(
            f"The recipe {recipe.name} wants teachers, and there are none.",
            "Give models with --teacher, or do without by --set teacher=0.",
        )
    for given, share, name in (
        (sources.votes, training.votes, "votes"),
        (sources.teachers, training.teacher, "teacher"),
    ):
        if given and not share:
            raise UsageError(
                f"The recipe {recipe.name} makes no use of --{'ferplus' if name == 'votes' else name}.",
                f"Say how much with --set {name}=0.5, for instance.",
            )
