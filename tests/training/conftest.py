"""What the tests of training share: the data, a recipe, and one network that is really trained."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from fercli.fer2013 import Pictures, Split, read_pictures
from fercli_training.export import write_bundle
from fercli_training.inputs import Dataset, TrainingData
from fercli_training.recipe import Recipe
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun
from fercli_training.snapshots import Candidate
from tests.fer2013 import made_up


@dataclass(frozen=True)
class Trained:
    """A run that went to its end."""

    recipe: Recipe
    folder: Path
    outcome: Candidate
    raw: dict[str, torch.Tensor]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with made_up.one_thread():
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up.write(tmp_path_factory.mktemp("data") / "fer2013.csv")


@pytest.fixture(scope="session")
def splits(data: Path) -> dict[Split, Pictures]:
    return read_pictures(data, Split)


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(made_up.RECIPE)
    return path


@pytest.fixture(scope="session")
def trained(
    recipe_file: Path, splits: dict[Split, Pictures], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    folder = tmp_path_factory.mktemp("run")
    recipe = load_recipe(str(recipe_file))
    trainer = TrainingRun(recipe, TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC]), folder)
    (outcome,) = trainer.run(lambda _: None)
    return Trained(recipe, folder, outcome, trainer.learner.network.state_dict())


@pytest.fixture(scope="session")
def bundle_folder(trained: Trained, splits: dict[Split, Pictures]) -> Path:
    return write_bundle(trained.folder / "model", trained.recipe, trained.outcome, Dataset(splits, {}))
