"""The inputs of a training run: the data set, the FER+ votes, and the models that teach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fercli.bundle import load_bundle
from fercli.errors import UsageError
from fercli.fer2013 import Split, read_pictures
from fercli.fer2013.interpretation import silently
from fercli.fer2013.votes import read_votes
from fercli_torch.network import load_network
from fercli_training.start import load_start, require_same_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from fercli.fer2013 import Pictures
    from fercli_training.recipe import Recipe
    from fercli_training.start import Start


@dataclass(frozen=True, slots=True)
class RunInputs:
    """The paths and names of a run's inputs.

    Attributes:
        data: the data set, in any layout.
        votes: FER+'s fer2013new.csv, or None.
        teachers: names or folders of models.
        init: the name or folder of the model to start from, or None.
    """

    data: Path
    votes: Path | None = None
    teachers: Sequence[str] = ()
    init: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The pictures, votes and teachers that a network is trained on.

    Attributes:
        training: the pictures that it learns.
        public: PublicTest, which chooses among the epochs.
        votes: FER+ votes on the training pictures, float32 (N, 7), or None.
        teachers: networks whose answers it learns.
        start: the weights that it starts from; None for fresh ones.
    """

    training: Pictures
    public: Pictures
    votes: NDArray[np.float32] | None = None
    teachers: Sequence[nn.Module] = ()
    start: Start | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The pictures of all splits, and their FER+ votes, float32 (N, 7), where there are any."""

    splits: Mapping[Split, Pictures]
    votes: Mapping[Split, NDArray[np.float32]]


def read_inputs(inputs: RunInputs, tell: Callable[[str], None] = silently) -> tuple[TrainingData, Dataset]:
    """Reads what a network is trained on, and the whole data set, which the run's models are measured on.

    `tell` takes a sentence on what in the data was taken for what.

    Raises:
        UsageError: the data or the votes are broken.
        ModelError: the bundle of a teacher, or of the model to start from, is broken.
    """
    splits = read_pictures(inputs.data, Split, tell)
    votes = {}
    if inputs.votes is not None:
        votes = {split: read_votes(inputs.votes, pictures.rows) for split, pictures in splits.items()}
    teachers = [load_network(load_bundle(name)) for name in inputs.teachers]
    training, public = splits[Split.TRAINING], splits[Split.PUBLIC]
    start = None if inputs.init is None else load_start(inputs.init)
    return TrainingData(training, public, votes.get(Split.TRAINING), teachers, start), Dataset(
        splits, votes
    )


def require_fit(recipe: Recipe, inputs: RunInputs, *, resumed: bool = False) -> None:
    """Makes sure that a recipe gets the votes, teachers and start that it uses, and uses what it gets.

    A run that is `resumed` has its start in its checkpoint.

    Raises:
        UsageError: it does not.
        UnavailableError: there is no such model to start from.
    """
    training = recipe.training
    if inputs.init is not None:
        require_same_network(recipe.architecture, inputs.init)
    elif training.frozen_statistics and not resumed:
        raise UsageError(
            f"The recipe {recipe.name} keeps the statistics of the model that it starts from, and there is"
            " none.",
            "Give a model with --init, such as --init default.",
        )
    if training.start_share and inputs.init is None:
        raise UsageError(
            f"The recipe {recipe.name} mixes the weights of the model that it starts from into its own, and"
            " there is none.",
            "Give the model with --init, also with --resume.",
        )
    if training.votes and inputs.votes is None:
        raise UsageError(
            f"The recipe {recipe.name} mixes FER+ votes into the labels, and there are none.",
            "Give them with --ferplus, or leave them out with --set votes=0.",
        )
    if training.teacher and not inputs.teachers:
        raise UsageError(
            f"The recipe {recipe.name} wants teachers, and there are none.",
            "Give models with --teacher, or train without them with --set teacher=0.",
        )
    if inputs.votes is not None and not training.votes:
        raise _unused(recipe, "--ferplus", "votes")
    if inputs.teachers and not training.teacher:
        raise _unused(recipe, "--teacher", "teacher")


def _unused(recipe: Recipe, option: str, entry: str) -> UsageError:
    return UsageError(
        f"The recipe {recipe.name} makes no use of {option}.",
        f"Say how much with --set {entry}=0.5, for instance.",
    )
