from pathlib import Path

import numpy as np
import pytest
import torch  # noqa: TID253 - what is tested here is torch's

from fercli.errors import UsageError
from fercli.fer2013 import Pictures, Split
from fercli.prediction import softmax
from fercli_torch.network import build_network
from fercli_training.inputs import TrainingData
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun
from fercli_training.snapshots import Candidate, load_snapshots

Splits = dict[Split, Pictures]


def train(recipe_file: Path, splits: Splits, folder: Path, *overrides: str) -> list[Candidate]:
    recipe = load_recipe(str(recipe_file), ["average_decay=0", *overrides])
    material = TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC])
    return TrainingRun(recipe, material, folder).run(lambda _: None)


def answers(recipe_file: Path, weights: dict[str, torch.Tensor], public: Pictures) -> np.ndarray:
    network = build_network(load_recipe(str(recipe_file)).architecture)
    network.load_state_dict(weights)
    with torch.inference_mode():
        logits: np.ndarray = network.eval()(torch.from_numpy(public.pixels)[:, None].float() / 255).numpy()
    return logits


@pytest.mark.parametrize(
    ("overrides", "kept"),
    [
        (["epochs=4", "snapshots=3"], [2, 3, 4]),
        (["epochs=5", "snapshots=2", "snapshot_interval=2"], [2, 4]),
        (["epochs=2", "snapshots=5"], [1, 2]),
        (["epochs=3"], [3]),
    ],
)
def test_the_last_snapshots_are_kept(
    overrides: list[str], kept: list[int], recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    train(recipe_file, splits, tmp_path, *overrides)
    assert list(load_snapshots(tmp_path)) == kept


def test_a_run_that_begins_anew_keeps_none_of_an_older_one(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    train(recipe_file, splits, tmp_path, "epochs=4", "snapshots=2")
    train(recipe_file, splits, tmp_path, "epochs=1", "snapshots=2")
    assert list(load_snapshots(tmp_path)) == [1]


def test_a_run_that_begins_anew_averages_none_of_an_older_one_though_it_makes_none(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    train(recipe_file, splits, tmp_path, "epochs=2", "snapshots=2")
    made = train(recipe_file, splits, tmp_path, "epochs=2", "snapshots=2", "snapshot_interval=5")
    assert [candidate.name for candidate in made] == ["best epoch"]


@pytest.mark.parametrize("epochs", [3, 4])
def test_a_run_that_goes_on_with_fewer_snapshots_averages_no_more(
    epochs: int, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    train(recipe_file, splits, tmp_path, "epochs=3", "snapshots=3")
    recipe = load_recipe(str(recipe_file), ["average_decay=0", f"epochs={epochs}", "snapshots=1"])
    resumed = TrainingRun(recipe, TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC]), tmp_path)
    resumed.resume()
    assert [candidate.name for candidate in resumed.run(lambda _: None)] == ["best epoch"]
    assert list(load_snapshots(tmp_path)) == [epochs]


def test_their_means_are_measured_as_weights_and_as_predictions(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    best, weights, predictions = train(recipe_file, splits, tmp_path, "epochs=4", "snapshots=3")
    snapshots, public = load_snapshots(tmp_path), splits[Split.PUBLIC]
    assert (best.name, weights.name, predictions.name) == (
        "best epoch", "mean of the weights", "mean of the predictions"
    )  # fmt: skip
    assert weights.epochs == predictions.epochs == (2, 3, 4)
    (mean,) = weights.networks
    for name, value in mean.items():
        if value.is_floating_point():
            expected = sum(snapshot[name] for snapshot in snapshots.values()) / 3
            torch.testing.assert_close(value, expected)
    alone = answers(recipe_file, mean, public).argmax(1)
    assert weights.public_accuracy == float((alone == public.labels).mean())
    each = [softmax(answers(recipe_file, one, public)) for one in snapshots.values()]
    together = np.mean(each, axis=0).argmax(1)
    assert predictions.public_accuracy == float((together == public.labels).mean())


def test_a_broken_snapshot_is_named(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    train(recipe_file, splits, tmp_path, "epochs=1")
    (tmp_path / "snapshots" / "epoch-0001.safetensors").write_bytes(b"broken")
    with pytest.raises(UsageError, match=r"epoch-0001\.safetensors is broken"):
        load_snapshots(tmp_path)
