from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from fercli.architecture import ArticleArchitecture
from fercli.errors import ReportError, UsageError
from fercli.fer2013 import Pictures, Split
from fercli.prediction import softmax
from fercli_torch.network import build_network
from fercli_training.inputs import TrainingData
from fercli_training.learner import Learner
from fercli_training.recipe import Recipe, Training
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun
from fercli_training.snapshots import (
    Candidate,
    compare_means,
    keep_snapshots,
    load_snapshots,
    save_snapshot,
)

Splits = dict[Split, Pictures]
Weights = dict[str, torch.Tensor]
ARCHITECTURE = ArticleArchitecture((3, 4), 3, (5,), 0.0)


def train(recipe_file: Path, splits: Splits, folder: Path, *overrides: str) -> list[Candidate]:
    recipe = load_recipe(str(recipe_file), ["average_decay=0", *overrides])
    material = TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC])
    return TrainingRun(recipe, material, folder).run(lambda _: None)


def weights(epoch: int) -> Weights:
    """Random ones of a small network after an epoch, channels last as a learner's are."""
    torch.manual_seed(epoch)
    network = build_network(ARCHITECTURE).to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
    return {
        name: torch.randn_like(value) if value.ndim > 1 else value + epoch
        for name, value in network.state_dict().items()
    }


def answers(weights: Weights, public: Pictures) -> np.ndarray:
    network = build_network(ARCHITECTURE)
    network.load_state_dict(weights)
    with torch.inference_mode():
        logits: np.ndarray = network.eval()(torch.from_numpy(public.pixels)[:, None].float() / 255).numpy()
    return logits


def test_what_is_saved_is_loaded_by_its_epoch(tmp_path: Path) -> None:
    for epoch in (9, 10):
        save_snapshot(tmp_path, epoch, weights(epoch), 5)
    assert sorted(path.name for path in (tmp_path / "snapshots").iterdir()) == [
        "epoch-0009.safetensors", "epoch-0010.safetensors"
    ]  # fmt: skip
    loaded = load_snapshots(tmp_path)
    assert list(loaded) == [9, 10]
    for epoch, snapshot in loaded.items():
        torch.testing.assert_close(snapshot, weights(epoch), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("saved", "kept", "left"),
    [([1, 2, 3, 4], 3, [2, 3, 4]), ([2, 4], 2, [2, 4]), ([1, 2], 5, [1, 2]), ([1, 2, 3], 1, [3])],
)
def test_the_last_snapshots_are_kept(saved: list[int], kept: int, left: list[int], tmp_path: Path) -> None:
    for epoch in saved:
        save_snapshot(tmp_path, epoch, weights(epoch), kept)
    assert list(load_snapshots(tmp_path)) == left


@pytest.mark.parametrize(("epoch", "left"), [(0, []), (2, [1, 2]), (3, [2, 3]), (9, [3, 4])])
def test_those_after_an_epoch_are_another_runs(epoch: int, left: list[int], tmp_path: Path) -> None:
    for saved in (1, 2, 3, 4):
        save_snapshot(tmp_path, saved, weights(saved), 4)
    keep_snapshots(tmp_path, epoch, 2)
    assert list(load_snapshots(tmp_path)) == left


def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"epoch-0001\.safetensors cannot be written: No such file"):
        save_snapshot(tmp_path / "gone", 1, weights(1), 1)


def test_a_runs_own_snapshots_are_kept(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    train(recipe_file, splits, tmp_path, "epochs=5", "snapshots=2", "snapshot_interval=2")
    assert list(load_snapshots(tmp_path)) == [2, 4]
    train(recipe_file, splits, tmp_path, "epochs=1", "snapshots=2")
    assert list(load_snapshots(tmp_path)) == [1]  # none of the older run


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


def test_their_means_are_measured_as_weights_and_as_predictions(splits: Splits) -> None:
    training = Training(epochs=1, batch_size=2, learning_rate=0.1)
    learner = Learner(Recipe("small", ARCHITECTURE, training), Fabric(accelerator="cpu", devices=1))
    snapshots, public = {epoch: weights(epoch) for epoch in (2, 3, 5)}, splits[Split.PUBLIC]
    given = torch.from_numpy(public.pixels)[:, None]
    together = np.mean([softmax(answers(one, public)) for one in snapshots.values()], axis=0)
    truth = public.labels
    by_weights, by_predictions = compare_means(snapshots, learner, given, torch.from_numpy(truth))
    assert (by_weights.name, by_predictions.name) == ("mean of the weights", "mean of the predictions")
    assert by_weights.epochs == by_predictions.epochs == (2, 3, 5)
    (mean,) = by_weights.networks
    for name, value in mean.items():
        each = [snapshot[name] for snapshot in snapshots.values()]
        expected = sum(each) / 3 if value.is_floating_point() else torch.tensor(5)
        torch.testing.assert_close(value, expected)
    usual, *accuracies = (
        float((logits.argmax(1) == truth).mean())
        for logits in (learner.answers(given), answers(mean, public), together)
    )
    assert [by_weights.public_accuracy, by_predictions.public_accuracy] == accuracies
    assert len({usual, *accuracies, 0.0, 1.0}) == 5  # which tells each from the others
    for place, (epoch, snapshot) in enumerate(snapshots.items()):
        member = by_predictions.member(place)
        assert (member.name, member.epochs) == ("mean of the predictions", (epoch,))
        assert member.public_accuracy == accuracies[1]
        (network,) = member.networks
        assert network is snapshot
    assert compare_means({2: weights(2)}, learner, given, torch.from_numpy(truth)) == []
    assert len(compare_means({2: weights(2), 3: weights(3)}, learner, given, torch.from_numpy(truth))) == 2


def test_a_broken_snapshot_is_named(tmp_path: Path) -> None:
    save_snapshot(tmp_path, 1, weights(1), 1)
    (tmp_path / "snapshots" / "epoch-0001.safetensors").write_bytes(b"broken")
    with pytest.raises(UsageError, match=r"epoch-0001\.safetensors is broken: .+\.$") as caught:
        load_snapshots(tmp_path)
    assert caught.value.remedy == "Remove it, and use --resume."
