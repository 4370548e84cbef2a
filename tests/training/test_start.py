import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.numpy import save

from fercli.bundle import ONNX, WEIGHTS, load_bundle, sha256
from fercli.errors import FercliError, ModelError, UnavailableError, UsageError
from fercli.fer2013 import Pictures, Split
from fercli.weights import read_weights
from fercli_training.inputs import Dataset, RunInputs, TrainingData, read_inputs, require_fit
from fercli_training.models import write_models
from fercli_training.progress import Progress
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun
from fercli_training.snapshots import load_snapshots
from fercli_training.start import load_start
from tests.training.conftest import Trained

Splits = dict[Split, Pictures]


def nothing(_: Progress) -> None:
    pass


def run_from(
    model: Path | None, recipe_file: Path, splits: Splits, folder: Path, *overrides: str
) -> TrainingRun:
    start = None if model is None else load_start(str(model))
    data = TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC], start=start)
    return TrainingRun(load_recipe(str(recipe_file), overrides), data, folder)


def changed(bundle: Path, folder: Path, name: str, shape: tuple[int, ...] | None) -> Path:
    """The bundle with a file of weights, one of another shape or left out, and a checksum that fits."""
    shutil.copytree(bundle, folder)
    path = folder / WEIGHTS
    tensors = read_weights(load_bundle(str(bundle)))
    if shape is None:
        del tensors[name]
    else:
        tensors[name] = tensors[name].reshape(-1)[:1].repeat(torch.Size(shape).numel()).reshape(shape)
    path.write_bytes(save(tensors))
    description = json.loads((folder / "model.json").read_text())
    description["files"][path.name] = sha256(path)
    (folder / "model.json").write_text(json.dumps(description))
    return folder


def test_a_run_begins_with_the_models_answers(
    bundle_folder: Path, recipe_file: Path, splits: Splits, trained: Trained, tmp_path: Path
) -> None:
    run = run_from(bundle_folder, recipe_file, splits, tmp_path)
    labels, answers = run.trainer.public_answers()
    assert float((labels == answers).mean()) == trained.outcome.public_accuracy
    fresh = run_from(None, recipe_file, splits, tmp_path / "fresh")
    assert not torch.equal(
        run.learner.averaged_weights()["classifier.weight"],
        fresh.learner.averaged_weights()["classifier.weight"],
    )


def test_training_makes_nothing_worse_of_the_start(
    bundle_folder: Path, recipe_file: Path, splits: Splits, trained: Trained, tmp_path: Path
) -> None:
    """A rate that destroys all that was learnt: the start stays the best, as epoch 0."""
    run = run_from(bundle_folder, recipe_file, splits, tmp_path, "epochs=2", "learning_rate=3")
    (best,) = run.run(nothing)
    assert (best.epochs, best.public_accuracy) == ((0,), trained.outcome.public_accuracy)


def test_the_start_can_have_a_share_in_the_model(
    bundle_folder: Path, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    start = load_start(str(bundle_folder)).weights
    changes = ("epochs=2", "snapshots=2", "start_share=0.75")
    run = run_from(bundle_folder, recipe_file, splits, tmp_path, *changes)
    (mixed,) = run.run(nothing)
    assert mixed.epochs == (1, 2)
    snapshots = list(load_snapshots(tmp_path).values())
    for name, value in start.items():
        expected = 0.75 * value + 0.25 * (snapshots[0][name] + snapshots[1][name]) / 2
        torch.testing.assert_close(mixed.networks[0][name], expected)
        assert "weight" not in name or not torch.equal(mixed.networks[0][name], value)
    again = run_from(bundle_folder, recipe_file, splits, tmp_path, *changes)
    again.resume()
    (same,) = again.run(nothing)
    assert same.public_accuracy == mixed.public_accuracy


def test_the_card_says_what_share_the_start_has(
    bundle_folder: Path, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    changes = ("epochs=2", "snapshots=2", "start_share=0.75")
    run = run_from(bundle_folder, recipe_file, splits, tmp_path, *changes)
    made = write_models(run, run.run(nothing), Dataset(splits, {})).models[0]
    card = (made / "MODEL_CARD.md").read_text("utf-8")
    assert (
        "The weights are 75% those of the start, and else the mean of epochs 1, 2; PrivateTest had" in card
    )


def test_a_share_of_the_start_needs_it_also_with_resume(recipe_file: Path) -> None:
    recipe = load_recipe(str(recipe_file), ("start_share=0.5",))
    for resumed in (False, True):
        with pytest.raises(UsageError, match="the model that it starts from into its own") as caught:
            require_fit(recipe, RunInputs(Path("data")), resumed=resumed)
        assert "--init" in caught.value.remedy


def test_statistics_can_stay_as_they_are(
    bundle_folder: Path, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    theirs = load_start(str(bundle_folder)).weights
    for entry, stays in (("true", True), ("false", False)):
        run = run_from(
            bundle_folder, recipe_file, splits, tmp_path / entry, "epochs=1", f"frozen_statistics={entry}"
        )
        (tmp_path / entry).mkdir()
        run.run(nothing)
        ours = run.learner.network.state_dict()
        same = [torch.equal(ours[name], value) for name, value in theirs.items() if "running" in name]
        assert same
        assert all(same) is stays
        assert not torch.equal(ours["classifier.weight"], theirs["classifier.weight"])


def test_patience_ends_a_run_that_gets_no_better(
    bundle_folder: Path, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    changes = ("epochs=20", "patience=2", "learning_rate=3")
    run = run_from(bundle_folder, recipe_file, splits, tmp_path, *changes)
    run.run(nothing)
    assert run.trainer.epoch == 2
    again = run_from(bundle_folder, recipe_file, splits, tmp_path, *changes)
    again.resume()
    again.run(nothing)
    assert again.trainer.epoch == 2  # and going on does not begin to wait anew


def test_the_model_and_its_card_say_what_it_started_from(
    bundle_folder: Path, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    run = run_from(bundle_folder, recipe_file, splits, tmp_path, "epochs=1")
    made = write_models(run, run.run(nothing), Dataset(splits, {})).models[0]
    digest = sha256(bundle_folder / ONNX)
    assert json.loads((made / "model.json").read_text())["provenance"]["origin"] == {
        "model": "tiny", "sha256": digest
    }  # fmt: skip
    card = (made / "MODEL_CARD.md").read_text("utf-8")
    assert f"| started from | tiny, sha256 {digest} |" in card
    # The made-up pictures are not FER2013, and the card does not say so.
    assert "a data set that is not FER2013" in card
    assert "Goodfellow" not in card


def test_a_run_is_gone_on_with_only_from_what_it_began_with(
    bundle_folder: Path, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    other = changed(bundle_folder, tmp_path / "other", "classifier.bias", (7,))
    folder = tmp_path / "run"
    folder.mkdir()
    run_from(bundle_folder, recipe_file, splits, folder, "epochs=1").run(nothing)
    for model in (bundle_folder, None):  # the checkpoint knows what the run began with
        again = run_from(model, recipe_file, splits, folder, "epochs=2")
        again.resume()
        assert again.origin == load_start(str(bundle_folder)).origin
    with pytest.raises(UsageError, match=r"began from tiny \(sha256 \w+\), not from tiny \(sha256 \w+\)"):
        run_from(other, recipe_file, splits, folder, "epochs=2").resume()

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    run_from(None, recipe_file, splits, fresh, "epochs=1").run(nothing)
    with pytest.raises(UsageError, match="began from fresh weights, not from tiny") as caught:
        run_from(bundle_folder, recipe_file, splits, fresh, "epochs=2").resume()
    assert caught.value.remedy == "Leave out --init, or choose another --out."


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "classifier.weight",
            (5, 16),
            r"has classifier\.weight of shape \[5, 16\] instead of \[7, 16\]",
        ),
        (
            "convolutions.0.normalisation.running_mean",
            (5,),
            r"running_mean of shape \[5\] instead of \[6\]",
        ),
        ("classifier.bias", None, r"lacks classifier\.bias"),
    ],
)
def test_every_tensor_is_checked(
    name: str, shape: tuple[int, ...] | None, message: str, bundle_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=message):
        load_start(str(changed(bundle_folder, tmp_path / "model", name, shape)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("architecture.convolutions=[6, 9]", r"its convolutions is \[6, 8\], the recipe's \[6, 9\]"),
        ("architecture.leak=0.2", r"its leak is 0\.0, the recipe's 0\.2"),
        ("architecture.normalisation=local_response", "its normalisation is batch, the recipe's local_"),
    ],
)
def test_another_network_is_refused_and_the_difference_named(
    change: str, message: str, bundle_folder: Path, recipe_file: Path, data: Path
) -> None:
    """Also where no tensor tells: a leak has no weights."""
    with pytest.raises(UsageError, match=message):
        require_fit(load_recipe(str(recipe_file), [change]), RunInputs(data, init=str(bundle_folder)))


def test_another_kind_of_network_is_refused(data: Path) -> None:
    with pytest.raises(UsageError, match="its network is 'residual', the recipe's 'article'"):
        require_fit(load_recipe("article"), RunInputs(data, init="default"))


def test_the_dropout_may_differ(bundle_folder: Path, recipe_file: Path, data: Path) -> None:
    recipe = load_recipe(str(recipe_file), ["architecture.dropout=0.5"])
    inputs = RunInputs(data, init=str(bundle_folder))
    require_fit(recipe, inputs)
    learnt, _ = read_inputs(inputs)
    assert learnt.start is not None
    assert learnt.start.origin.model == "tiny"


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("large", UnavailableError, "large is not one network, but the mean of"),
        ("defualt", UnavailableError, "There is no model defualt"),
    ],
)
def test_what_is_no_single_model_is_refused(
    model: str, error: type[FercliError], message: str, data: Path
) -> None:
    with pytest.raises(error, match=message):
        require_fit(load_recipe("residual", ["votes=0"]), RunInputs(data, init=model))


def test_fine_tuning_fits_the_default_model_and_wants_one(data: Path) -> None:
    require_fit(load_recipe("finetune"), RunInputs(data, init="default"))
    with pytest.raises(UsageError, match="keeps the statistics of the model that it starts from") as caught:
        require_fit(load_recipe("finetune"), RunInputs(data))
    assert "--init default" in caught.value.remedy
