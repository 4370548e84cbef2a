import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from fercli.bundle import load_bundle
from fercli.errors import UsageError
from fercli.fer2013 import Pictures, Split
from fercli_torch.network import load_network
from fercli_training.augmentation import shrunk
from fercli_training.checkpoint import load_checkpoint
from fercli_training.inputs import TrainingData
from fercli_training.progress import Progress
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun

Splits = dict[Split, Pictures]

RECIPE = """\
[architecture]
name = "residual"
stem = 4
stages = [[4, 1], [6, 1], [6, 1], [8, 1]]
dropout = 0.1

[training]
epochs = 4
batch_size = 28
learning_rate = 0.01
precision = "float32"
"""


@pytest.fixture(scope="module")
def residual_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE)
    return path


def run_of(
    file: Path, splits: Splits, folder: Path, *overrides: str, teachers: Sequence[nn.Module] = ()
) -> TrainingRun:
    folder.mkdir(exist_ok=True)
    data = TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC], teachers=teachers)
    return TrainingRun(load_recipe(str(file), overrides), data, folder)


def sides_learned_from(run: TrainingRun) -> list[int]:
    """The side of the pictures of each training step."""
    seen: list[int] = []

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if module.training:
            seen.append(inputs[0].shape[-1])
            assert inputs[0].shape[-2:] == (seen[-1], seen[-1])

    handle = run.learner.network.register_forward_pre_hook(note)
    run.run(lambda _: None)
    handle.remove()
    return seen


@pytest.mark.parametrize(("share", "small"), [("0", 0), ("0.5", 2), ("0.6", 2), ("1", 4)])
def test_the_first_epochs_learn_from_smaller_pictures(
    share: str, small: int, residual_file: Path, splits: Splits, tmp_path: Path
) -> None:
    run = run_of(residual_file, splits, tmp_path / "run", f"small_epochs={share}")
    assert sides_learned_from(run) == [32] * 2 * small + [48] * 2 * (4 - small)


def test_a_resumed_run_goes_on_at_the_size_of_its_epoch(
    residual_file: Path, splits: Splits, tmp_path: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (3, 1):
            signal.raise_signal(signal.SIGINT)

    whole = run_of(residual_file, splits, tmp_path / "whole", "small_epochs=0.5")
    whole.run(lambda _: None)
    stopped = run_of(residual_file, splits, tmp_path / "run", "small_epochs=0.5")
    with pytest.raises(KeyboardInterrupt):
        stopped.run(interrupt)
    resumed = run_of(residual_file, splits, tmp_path / "run", "small_epochs=0.5")
    resumed.resume()
    assert sides_learned_from(resumed) == [48, 48]
    for name, value in load_checkpoint(tmp_path / "whole")["network"].items():
        assert torch.equal(value, load_checkpoint(tmp_path / "run")["network"][name])


def test_teachers_see_whole_pictures(
    residual_file: Path, splits: Splits, bundle_folder: Path, tmp_path: Path
) -> None:
    """A teacher with dense layers could not read smaller ones."""
    run = run_of(
        residual_file, splits, tmp_path / "run", "small_epochs=1", "epochs=1", "teacher=0.5",
        teachers=[load_network(load_bundle(str(bundle_folder)))],
    )  # fmt: skip
    assert sides_learned_from(run) == [32, 32]


def test_a_network_with_dense_layers_cannot_have_them(recipe_file: Path) -> None:
    with pytest.raises(UsageError, match=r"small_epochs is 0\.3, and the network article takes") as caught:
        load_recipe(str(recipe_file), ["small_epochs=0.3"])
    assert caught.value.remedy == "Leave it out, or choose the architecture residual."


def test_a_share_is_between_0_and_1(residual_file: Path) -> None:
    with pytest.raises(UsageError, match=r"small_epochs is 1\.5; it must be 0 to 1"):
        load_recipe(str(residual_file), ["small_epochs=1.5"])


def test_a_picture_is_averaged_down() -> None:
    down, across = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    pictures = torch.stack([(down + across) / 94, ((down + across) % 2)])[:, None]
    small = shrunk(pictures, 32)
    assert small.shape == (2, 1, 32, 32)
    # A ramp stays one, and what is finer than a pixel becomes grey instead of a pattern.
    ramp = small[0, 0, 1:-1, 1:-1]
    torch.testing.assert_close(ramp[0, 1:] - ramp[0, :-1], torch.full((29,), 1.5 / 94), rtol=0.1, atol=0)
    assert (small[1, 0, 1:-1, 1:-1] - 0.5).abs().max() < 0.2
