import json
from pathlib import Path
from typing import Any

import pytest
import torch  # noqa: TID253 - what is tested here is torch's
from torch import nn  # noqa: TID253 - as above

from fercli.errors import ReportError, UsageError
from fercli_torch.network import build_network
from fercli_training.checkpoint import load_checkpoint, save_checkpoint
from fercli_training.data import Pictures, Split
from fercli_training.loop import DivergedError, Step, Trainer
from fercli_training.recipe import load_recipe
from tests.training.conftest import Trained

Splits = dict[Split, Pictures]


def trainer(recipe_file: Path, splits: Splits, folder: Path, *overrides: str) -> Trainer:
    recipe = load_recipe(str(recipe_file), overrides)
    return Trainer(recipe, splits[Split.TRAINING], splits[Split.PUBLIC], folder)


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, without the speed, which no run repeats."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        assert line.pop("pictures_a_second") > 0
    return lines


def nothing(_: Step) -> None:
    pass


def test_a_network_learns(trained: Trained) -> None:
    assert trained.outcome.public_accuracy > 0.7
    lines = metrics(trained.folder)
    assert lines[-1]["accuracy"] > 0.8
    assert lines[-1]["loss"] < lines[0]["loss"] / 2


def test_the_best_epoch_on_publictest_is_the_outcome(trained: Trained) -> None:
    accuracies = [line["public_accuracy"] for line in metrics(trained.folder)]
    assert trained.outcome.public_accuracy == max(accuracies)
    assert trained.outcome.epoch == accuracies.index(max(accuracies)) + 1


def test_the_averaged_weights_are_evaluated_and_kept(trained: Trained, splits: Splits) -> None:
    network = build_network(trained.recipe.architecture)
    network.load_state_dict(trained.outcome.weights)
    public = splits[Split.PUBLIC]
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(public.pixels)[:, None].float() / 255)
    right = int((logits.argmax(1) == torch.from_numpy(public.labels)).sum())
    assert right / len(public) == trained.outcome.public_accuracy
    weights = trained.outcome.weights
    assert not torch.equal(weights["classifier.weight"], trained.raw["classifier.weight"])


def test_the_average_follows_the_weights(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    run = trainer(recipe_file, splits, tmp_path, "epochs=1", "average_decay=0", "batch_size=56")
    outcome = run.run(nothing)
    for name, value in run.network.state_dict().items():
        torch.testing.assert_close(outcome.weights[name], value)


def test_l2_is_on_the_dense_weights_alone(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    run = trainer(recipe_file, splits, tmp_path, "dense_l2=0.25")
    decayed, rest = run.optimiser.param_groups
    dense = [module.weight for module in run.network.modules() if isinstance(module, nn.Linear)]
    assert len(dense) == 2
    assert {id(weight) for weight in decayed["params"]} == {id(weight) for weight in dense}
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.25, 0)
    assert len(decayed["params"]) + len(rest["params"]) == len(list(run.network.parameters()))


def test_disgust_weighs_more(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    run = trainer(recipe_file, splits, tmp_path, "disgust_weight=4")
    even = torch.zeros(2, 7)
    # The mean is weighted: of a disgust and a happy picture, disgust counts four parts in five.
    even[0, 1] = 100.0
    assert float(run.criterion(even, torch.tensor([1, 3]))) == pytest.approx(
        float(torch.log(torch.tensor(7.0))) / 5
    )


def test_the_learning_rate_decays_and_stops_at_its_floor(trained: Trained) -> None:
    rates = [line["learning_rate"] for line in metrics(trained.folder)]
    assert rates == pytest.approx([0.01, 0.008, 0.0064, 0.00512, 0.005, 0.005, 0.005, 0.005])


def test_every_step_is_reported(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    steps: list[Step] = []
    trainer(recipe_file, splits, tmp_path, "epochs=2", "batch_size=20").run(steps.append)
    assert [(step.epoch, step.step) for step in steps] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert {(step.epochs, step.steps) for step in steps} == {(2, 2)}
    assert all(0 <= step.accuracy <= 1 and step.loss > 0 and step.rate > 0 for step in steps)


def test_a_run_that_goes_on_has_the_numbers_of_an_undisturbed_one(
    recipe_file: Path, splits: Splits, tmp_path: Path, trained: Trained
) -> None:
    def interrupt(step: Step) -> None:
        if (step.epoch, step.step) == (4, 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(recipe_file, splits, tmp_path).run(interrupt)
    assert len(metrics(tmp_path)) == 3
    torch.rand(5)  # another process' random numbers stand elsewhere
    resumed = trainer(recipe_file, splits, tmp_path)
    resumed.resume()
    outcome = resumed.run(nothing)
    assert metrics(tmp_path) == metrics(trained.folder)
    assert (outcome.epoch, outcome.public_accuracy) == (
        trained.outcome.epoch, trained.outcome.public_accuracy
    )  # fmt: skip
    for name, value in trained.outcome.weights.items():
        assert torch.equal(outcome.weights[name], value), name


def test_another_seed_gives_other_numbers(
    recipe_file: Path, splits: Splits, tmp_path: Path, trained: Trained
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1", "seed=4").run(nothing)
    assert metrics(tmp_path)[0]["loss"] != metrics(trained.folder)[0]["loss"]


def test_a_run_that_is_finished_has_nothing_left_to_do(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    first = trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    again = trainer(recipe_file, splits, tmp_path, "epochs=1")
    again.resume()
    assert again.run(nothing).public_accuracy == first.public_accuracy
    assert len(metrics(tmp_path)) == 1


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
    assert sane.run(nothing).public_accuracy > 0
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
    outcome = trainer(recipe_file, splits, tmp_path, "epochs=2", "precision=bfloat16").run(nothing)
    assert {value.dtype for value in outcome.weights.values()} == {torch.float32, torch.int64}
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


@pytest.mark.parametrize("entry", ["network", "optimiser", "generator", "best", "epoch"])
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
    one = Pictures(training.pixels[:1], training.labels[:1])
    with pytest.raises(UsageError, match="1 picture to train on; at least 2"):
        Trainer(load_recipe(str(recipe_file)), one, splits[Split.PUBLIC], tmp_path)


def test_a_smaller_set_than_a_batch_is_one_batch(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    steps: list[Step] = []
    trainer(recipe_file, splits, tmp_path, "epochs=1", "batch_size=1000").run(steps.append)
    assert [step.steps for step in steps] == [1]


def test_metrics_that_cannot_be_written_end_the_run_with_a_remedy(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(ReportError, match=r"metrics\.jsonl cannot be written") as caught:
        trainer(recipe_file, splits, tmp_path, "epochs=1").run(nothing)
    assert "--resume" in caught.value.remedy
