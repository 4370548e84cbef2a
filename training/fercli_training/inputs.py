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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from fercli.fer2013 import Pictures
    from fercli_training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class RunInputs:
    """The paths and names of a run's inputs.

    Attributes:
        data: the data set, in any layout.
        votes: FER+'s fer2013new.csv, or None.
        teachers: names or folders of models.
    """

    data: Path
    votes: Path | None = None
    teachers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The pictures, votes and teachers that a network is trained on.

    Attributes:
        training: the pictures that it learns.
        public: PublicTest, which chooses among the epochs.
        votes: FER+ votes on the training pictures, float32 (N, 7), or None.
        teachers: networks whose answers it learns.
    """

    training: Pictures
    public: Pictures
    votes: NDArray[np.float32] | None = None
    teachers: Sequence[nn.Module] = ()


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
        ModelError: a teacher's bundle is broken.
    """
    splits = read_pictures(inputs.data, Split, tell)
    votes = {}
    if inputs.votes is not None:
        votes = {split: read_votes(inputs.votes, pictures.rows) for split, pictures in splits.items()}
    teachers = [load_network(load_bundle(name)) for name in inputs.teachers]
    training, public = splits[Split.TRAINING], splits[Split.PUBLIC]
    return TrainingData(training, public, votes.get(Split.TRAINING), teachers), Dataset(splits, votes)


def require_fit(recipe: Recipe, inputs: RunInputs) -> None:
    """Makes sure that a recipe gets the votes and teachers that it uses, and uses those that it gets.

    Raises:
        UsageError: it does not.
    """
    training = recipe.training
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
