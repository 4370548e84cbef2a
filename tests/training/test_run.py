import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from fercli.errors import ReportError, UsageError
from fercli.fer2013 import Pictures, Split
from fercli_torch.network import build_network
from fercli_training.checkpoint import load_checkpoint, save_checkpoint
from fercli_training.inputs import TrainingData
from fercli_training.progress import Progress
from fercli_training.recipe_files import load_recipe
from fercli_training.run import DivergedError, TrainingRun
from tests.training.conftest import Trained

Splits = dict[Split, Pictures]


def trainer(recipe_file: Path, splits: Splits, folder: Path, *overrides: str) -> TrainingRun:
    recipe = load_recipe(str(recipe_file), overrides)
    return TrainingRun(recipe, TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC]), folder)


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, without the speed, which no run repeats."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        assert line.pop("pictures_a_second") > 0
    return lines


def nothing(_: Progress) -> None:
    pass


def test_a_network_learns(trained: Trained) -> None:
    assert trained.outcome.public_accuracy > 0.7
    lines = metrics(trained.folder)
    assert lines[-1]["accuracy"] > 0.8
    assert lines[-1]["loss"] < lines[0]["loss"] / 2


def test_the_best_epoch_on_publictest_is_the_outcome(trained: Trained) -> None:
    accuracies = [line["public_accuracy"] for line in metrics(trained.folder)]
    assert trained.outcome.public_accuracy == max(accuracies)
    assert trained.outcome.epochs[0] == accuracies.index(max(accuracies)) + 1


def test_the_averaged_weights_are_evaluated_and_kept(trained: Trained, splits: Splits) -> None:
    network = build_network(trained.recipe.architecture)
    network.load_state_dict(trained.outcome.networks[0])
    public = splits[Split.PUBLIC]
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(public.pixels)[:, None].float() / 255)
    right = int((logits.argmax(1) == torch.from_numpy(public.labels)).sum())
    assert right / len(public) == trained.outcome.public_accuracy
    (weights,) = trained.outcome.networks
    assert not torch.equal(weights["classifier.weight"], trained.raw["classifier.weight"])


def test_the_average_follows_the_weights(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    run = trainer(recipe_file, splits, tmp_path, "epochs=1", "average_decay=0", "batch_size=56")
    (outcome,) = run.run(nothing)
    for name, value in run.learner.network.state_dict().items():
        torch.testing.assert_close(outcome.networks[0][name], value)


def test_the_learning_rate_decays_and_stops_at_its_floor(trained: Trained) -> None:
    rates = [line["learning_rate"] for line in metrics(trained.folder)]
    assert rates == pytest.approx([0.01, 0.008, 0.0064, 0.00512, 0.005, 0.005, 0.005, 0.005])


def test_every_step_is_reported(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    steps: list[Progress] = []
    trainer(recipe_file, splits, tmp_path, "epochs=2", "batch_size=20").run(steps.append)
    assert [(step.epoch, step.step) for step in steps] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert {(step.epochs, step.steps) for step in steps} == {(2, 2)}
    assert all(0 <= step.accuracy <= 1 and step.loss > 0 and step.rate > 0 for step in steps)


@pytest.mark.parametrize("place", [(1, 1), (4, 1), (4, 2)])
def test_a_run_that_goes_on_has_the_numbers_of_an_undisturbed_one(
    place: tuple[int, int], recipe_file: Path, splits: Splits, tmp_path: Path, trained: Trained
) -> None:
    def interrupt(step: Progress) -> None:
        if (step.epoch, step.step) == place:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trainer(recipe_file, splits, tmp_path).run(interrupt)
    torch.rand(5)  # another process' random numbers stand elsewhere
    resumed = trainer(recipe_file, splits, tmp_path)
    resumed.resume()
    (outcome,) = resumed.run(nothing)
    assert metrics(tmp_path) == metrics(trained.folder)
    assert (outcome.epochs, outcome.public_accuracy) == (
        trained.outcome.epochs, trained.outcome.public_accuracy
    )  # fmt: skip
    for name, value in trained.outcome.networks[0].items():
        assert torch.equal(outcome.networks[0][name], value), name


def test_another_batch_size_begins_the_epoch_anew(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    def interrupt(_: Progress) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trainer(recipe_file, splits, tmp_path, "batch_size=8").run(interrupt)
    steps: list[Progress] = []
    resumed = trainer(recipe_file, splits, tmp_path, "batch_size=28", "epochs=1")
    resumed.resume()
    resumed.run(steps.append)
    assert [step.step for step in steps] == [1, 2]


def test_a_second_ctrl_c_ends_the_run_at_once(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    def interrupt(_: Progress) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trainer(recipe_file, splits, tmp_path).run(interrupt)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_regularisation_may_be_changed_on_resume(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1", "dense_l2=0.004").run(nothing)
    resumed = trainer(recipe_file, splits, tmp_path, "epochs=2", "dense_l2=0.5", "learning_rate_floor=0.05")
    resumed.resume()
    resumed.run(nothing)
    assert [group["weight_decay"] for group in resumed.learner.optimiser.param_groups] == [0.5, 0, 0]
    assert [line["learning_rate"] for line in metrics(tmp_path)] == [0.01, 0.05]


def test_another_seed_gives_other_numbers(
    recipe_file: Path, splits: Splits, tmp_path: Path, trained: Trained
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1", "seed=4").run(nothing)
    assert metrics(tmp_path)[0]["loss"] != metrics(trained.folder)[0]["loss"]


def test_a_run_that_is_finished_has_nothing_left_to_do(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    (first,) = trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    again = trainer(recipe_file, splits, tmp_path, "epochs=1")
    again.resume()
    assert again.run(nothing)[0].public_accuracy == first.public_accuracy
    assert len(metrics(tmp_path)) == 1


@pytest.mark.parametrize("torn", ['{"epoch": 1, "lo', "\0" * 99, '{"epoch": 2, "loss": 1}\n{'])
def test_a_line_that_was_not_written_to_its_end_is_left_out(
    torn: str, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    (tmp_path / "metrics.jsonl").write_text(torn)
    resumed = trainer(recipe_file, splits, tmp_path, "epochs=2")
    resumed.resume()
    resumed.run(nothing)
    assert [line["epoch"] for line in metrics(tmp_path)] == [2]


def test_a_run_that_begins_anew_leaves_no_lines_of_another(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=2").run(nothing)
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    assert [line["epoch"] for line in metrics(tmp_path)] == [1]


def test_a_loss_that_is_no_number_stops_the_run(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    with pytest.raises(
        DivergedError, match=r"The loss became \w+ in epoch 1, step 2; there is no"
    ) as caught:
        trainer(recipe_file, splits, tmp_path, "learning_rate=1e30").run(nothing)
    assert "--set learning_rate=" in caught.value.remedy
    assert not (tmp_path / "checkpoint.pt").exists()


def test_the_last_good_checkpoint_outlives_a_divergence(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    good = (tmp_path / "checkpoint.pt").read_bytes()
    wild = trainer(recipe_file, splits, tmp_path, "learning_rate=1e30")
    wild.resume()
    with pytest.raises(DivergedError, match=r"in epoch 2, step 2; the checkpoint of epoch 1") as caught:
        wild.run(nothing)
    assert "--resume" in caught.value.remedy
    assert (tmp_path / "checkpoint.pt").read_bytes() == good
    sane = trainer(recipe_file, splits, tmp_path, "epochs=2")
    sane.resume()
    assert sane.run(nothing)[0].public_accuracy > 0
    assert [line["epoch"] for line in metrics(tmp_path)] == [1, 2]


def test_weights_that_break_in_an_epochs_last_step_are_not_saved(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    state = load_checkpoint(tmp_path)
    # Adam's next step goes by this: the loss before it is a number, the weight after it is none.
    state["optimiser"]["state"][0]["exp_avg"].fill_(torch.inf)
    save_checkpoint(tmp_path, state)
    good = (tmp_path / "checkpoint.pt").read_bytes()
    wild = trainer(recipe_file, splits, tmp_path, "batch_size=56")
    wild.resume()
    with pytest.raises(DivergedError, match="after epoch 2; the checkpoint of epoch 1 is kept"):
        wild.run(nothing)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good


def test_bfloat16_trains_too(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    (outcome,) = trainer(recipe_file, splits, tmp_path, "epochs=2", "precision=bfloat16").run(nothing)
    assert {value.dtype for value in outcome.networks[0].values()} == {torch.float32, torch.int64}
    lines = metrics(tmp_path)
    assert lines[1]["loss"] < lines[0]["loss"]


def test_a_checkpoint_of_another_architecture_is_refused(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    other_file = tmp_path / "other.toml"
    other_file.write_text(recipe_file.read_text().replace("[6, 8]", "[6, 9]"))
    other = trainer(other_file, splits, tmp_path)
    with pytest.raises(UsageError, match="of another architecture than the recipe's"):
        other.resume()


@pytest.mark.parametrize("entry", ["network", "optimiser", "step", "best", "epoch"])
def test_a_checkpoint_that_lacks_something_is_refused(
    entry: str, recipe_file: Path, splits: Splits, tmp_path: Path, trained: Trained
) -> None:
    state = load_checkpoint(trained.folder)
    del state[entry]
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(UsageError, match=r"checkpoint\.pt is broken, or is not a checkpoint of fercli"):
        trainer(recipe_file, splits, tmp_path).resume()


def test_a_single_picture_is_too_few(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    training = splits[Split.TRAINING]
    one = Pictures(training.pixels[:1], training.labels[:1], training.rows[:1])
    with pytest.raises(UsageError, match=r"1 picture to train on; at least 2"):
        TrainingRun(load_recipe(str(recipe_file)), TrainingData(one, splits[Split.PUBLIC]), tmp_path)


def test_a_smaller_set_than_a_batch_is_one_batch(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    steps: list[Progress] = []
    trainer(recipe_file, splits, tmp_path, "epochs=1", "batch_size=1000").run(steps.append)
    assert [step.steps for step in steps] == [1]


def test_metrics_that_cannot_be_written_end_the_run_with_a_remedy(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(ReportError, match=r"metrics\.jsonl cannot be written") as caught:
        trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    assert "--resume" in caught.value.remedy
