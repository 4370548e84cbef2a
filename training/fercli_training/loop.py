"""The training loop: a recipe and pictures in, averaged weights chosen on PublicTest out."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fercli.errors import FercliError, UsageError
from fercli.wording import count_of
from fercli_training.checkpoint import (
    FILE,
    fingerprint,
    foreign_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from fercli_training.compiling import compiler_cache, compiling_fault, remove_compiled, require_compiling
from fercli_training.computation import Computation, choose_computation
from fercli_training.hardware import find_hardware
from fercli_training.interruption import interruptible
from fercli_training.journal import Journal
from fercli_training.learner import Learner
from fercli_training.optimisation import learning_rate
from fercli_training.processes import launch, leave
from fercli_training.snapshots import (
    Candidate,
    compare_means,
    keep_snapshots,
    load_snapshots,
    save_snapshot,
)
from fercli_training.targets import make_targets, picture_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from fercli.fer2013 import Pictures
    from fercli.interruption import Interruption
    from fercli_training.recipe import Recipe

_FEWEST = 2
"""Pictures: batch normalisation has nothing to normalise in a batch of one."""

_SHEET = 64
"""Pictures on the sheet of augmented inputs, and in the batch whose activations are drawn."""


class DivergedError(FercliError):
    """The loss is no longer a number."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands after a step: the epoch's mean loss and accuracy so far, pictures a second."""

    recipe: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    rate: float
    public_accuracy: float


@dataclass(frozen=True, slots=True)
class Material:
    """What a network learns from: pictures, FER+ votes on the training ones (float32 (N, 7)), teachers."""

    training: Pictures
    public: Pictures
    votes: NDArray[np.float32] | None = None
    teachers: Sequence[nn.Module] = ()


class Trainer:
    """One run in one folder, which gets `checkpoint.pt`, `metrics.jsonl` and TensorBoard's files.

    The moving averages of the weights (and of batch normalisation's statistics) are what is evaluated
    and kept, as in the article. What is random in a step is seeded by the step, so that a run that goes
    on, from any step, has the numbers of an undisturbed one.

    Raises:
        UsageError: too few pictures to train on.
        UnavailableError: the recipe's architecture is unknown or described wrongly, or its networks are to
            be compiled and cannot be.
        DeviceError: there are not as many devices.

    Attributes:
        computation: how it computes.
        told: the same as a sentence, with the reasons, and with what changed since an earlier run.
        computed: from which epoch on the run computed how, as model.json tells it.
    """

    def __init__(self, recipe: Recipe, material: Material, folder: Path, devices: int = 1) -> None:
        if len(material.training) < _FEWEST * devices:
            pictures = count_of(len(material.training), "picture")
            raise UsageError(f"{pictures} to train on; at least {_FEWEST * devices} are needed.")
        self.recipe = recipe
        self.folder = folder
        hardware = find_hardware(devices)
        self.computation, self.told = choose_computation(
            recipe, hardware, len(material.training) // devices, lambda: compiling_fault(folder)
        )
        if recipe.training.compile is True:
            require_compiling(folder)
        self.computed = [{"from_epoch": 1, **asdict(self.computation)}]
        self.fabric = launch(hardware.device, self.computation.precision, devices)
        self.learner = Learner(recipe, self.fabric, material.teachers, compiled=self.computation.compiled)
        self.data = fingerprint(material.training, material.public)
        self.pixels, self.labels = self._tensors(material.training)
        self.public = self._tensors(material.public)
        votes = None if material.votes is None else torch.from_numpy(material.votes)
        labels = self.labels.cpu()
        self.targets = self.fabric.to_device(make_targets(labels, votes, recipe.training))
        self.weights = self.fabric.to_device(picture_weights(labels, recipe.training))
        self.epoch, self.step = 0, 0
        self.sums = np.zeros(2)
        self.best = Candidate("best epoch", (), (), 0.0)

    @property
    def leads(self) -> bool:
        """Whether this process is the one of the run that writes and reports."""
        return self.fabric.is_global_zero

    def has_checkpoint(self) -> bool:
        """Whether there is anything in the folder to go on from."""
        return (self.folder / FILE).is_file()

    def resume(self) -> None:
        """Goes on from the folder's checkpoint, to the same numbers as an undisturbed run.

        Raises:
            UsageError: there is no checkpoint, it is broken, or it belongs to another architecture or to
                other data.
        """
        state = load_checkpoint(self.folder)
        if state["architecture"] != self.recipe.architecture:
            raise UsageError(
                f"The checkpoint in {self.folder} is of another architecture than the recipe's.",
                "Resume with the recipe it was begun with, or choose another --out.",
            )
        try:
            if state["data"] != self.data:
                raise UsageError(
                    f"The checkpoint in {self.folder} was made from other pictures, or in another order.",
                    "Resume with the data it was begun with, or choose another --out.",
                )
            self.learner.restore(state)
            self.epoch, self.step = int(state["epoch"]), int(state["step"])
            self.sums = np.array(state["sums"])
            self.best = Candidate(**state["best"])
            if state["batch"] != self._batch:  # a begun epoch cannot go on in other steps
                self.step, self.sums = 0, np.zeros(2)
            self._continue(state["computed"])
        except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise foreign_checkpoint(self.folder / FILE) from error

    def _continue(self, computed: list[dict[str, Any]]) -> None:
        """Notes how the run computed so far, and says so where that changes."""
        last = Computation(**{name: value for name, value in computed[-1].items() if name != "from_epoch"})
        self.computed = computed
        if last != self.computation:
            self.told += (
                f" Up to here the run computed in {last}: the numbers differ a little from then on."
            )
            self.computed += [{"from_epoch": self.epoch + 1, **asdict(self.computation)}]

    def run(self, report: Callable[[Step], None]) -> list[Candidate]:
        """Trains for what is left of the epochs.

        Returns:
            The best epoch's averaged weights, and where there are several snapshots, their means; nothing
            in a process that does not lead.

        Raises:
            DivergedError: the loss became NaN or infinite; the last good checkpoint is kept.
            ReportError: a checkpoint or metrics.jsonl cannot be written.
            KeyboardInterrupt: a signal asked for the end; where the run stands has been saved.
        """
        journal = None
        if self.leads:
            journal = Journal(self.folder, self.epoch, self.learner)
            keep_snapshots(self.folder, self.epoch, self.recipe.training.snapshots)
        try:
            with interruptible() as interrupted, compiler_cache(self.folder):
                while self.epoch < self.recipe.training.epochs:
                    rate = self._train_epoch(report, interrupted)
                    self._end_epoch(rate, journal)
        finally:
            if journal is not None:
                journal.close()
            leave(self.fabric)
        if not self.leads:
            return []
        remove_compiled(self.folder)
        return [self.best, *compare_means(load_snapshots(self.folder), self.learner, *self.public)]

    @property
    def _batch(self) -> int:
        """Pictures a step, on all devices together."""
        devices = self.fabric.world_size
        return min(self.recipe.training.batch_size, len(self.labels) // devices) * devices

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return len(self.labels) // self._batch

    def _train_epoch(
        self, report: Callable[[Step], None], interrupted: Callable[[], Interruption | None]
    ) -> float:
        """What is left of an epoch; returns pictures a second."""
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(self._seed()))
        first, started, rate = self.step, time.monotonic(), 0.0
        while self.step < self.steps:
            self.sums += self._train_batch(order)
            self.step += 1
            # All processes have to leave after the same step.
            if self._mean(torch.tensor(float(interrupted() is not None), device=self.fabric.device)) > 0:
                self._save()
                raise interrupted() or KeyboardInterrupt
            rate = (self.step - first) * self._batch / (time.monotonic() - started)
            if self.leads:
                report(self._stand(rate))
        return rate

    def _train_batch(self, order: torch.Tensor) -> NDArray[np.float64]:
        """The loss and the accuracy of one step, the mean over the devices."""
        start, devices, rank = self.step * self._batch, self.fabric.world_size, self.fabric.global_rank
        chosen = order[start : start + self._batch][rank::devices].to(self.fabric.device)
        pictures = self.learner.variants(self.pixels[chosen], self._seed(self.step, rank))
        done = self.epoch + (self.step + 1 / 2) / self.steps
        figures = self.learner.learn(
            pictures, self.targets[chosen], self.weights[chosen], learning_rate(self.recipe.training, done)
        )
        loss, accuracy = self._mean(torch.stack(figures)).tolist()
        if not np.isfinite(loss):
            raise self._diverged(f"The loss became {loss} in epoch {self.epoch + 1}, step {self.step + 1}")
        return np.array([loss, accuracy])

    def _end_epoch(self, rate: float, journal: Journal | None) -> None:
        """Evaluates, keeps what is best, and writes everything down."""
        # A loss is known before its step: without this, an epoch's last step could spoil a checkpoint.
        if not self.learner.is_whole():
            raise self._diverged(f"A weight is no longer a number after epoch {self.epoch + 1}")
        recipe = self.recipe.training
        loss, accuracy = (self.sums / self.steps).tolist()
        self.epoch, self.step, self.sums = self.epoch + 1, 0, np.zeros(2)
        if journal is None:
            return
        pixels, labels = self.public
        truth, answers = labels.cpu().numpy(), self.learner.answers(pixels).argmax(1)
        public = float((answers == truth).mean())
        if public > self.best.public_accuracy or not self.best.networks:
            self.best = Candidate("best epoch", (self.epoch,), (self.learner.averaged_weights(),), public)
        if self.epoch % recipe.snapshot_interval == 0:
            save_snapshot(self.folder, self.epoch, self.learner.averaged_weights(), recipe.snapshots)
        self._save()
        figures = {
            "learning_rate": learning_rate(recipe, self.epoch - 1 / (2 * self.steps)),
            "loss": loss,
            "accuracy": accuracy,
            "public_accuracy": public,
            "pictures_a_second": rate,
        }
        sheet = self.learner.variants(self.pixels[:_SHEET], self._seed())
        journal.write(self.epoch, asdict(self.computation), figures, sheet, truth, answers)

    def _stand(self, rate: float) -> Step:
        loss, accuracy = (self.sums / self.step).tolist()
        return Step(
            self.recipe.name, self.epoch + 1, self.recipe.training.epochs, self.step, self.steps,
            loss, accuracy, rate, self.best.public_accuracy,
        )  # fmt: skip

    def _save(self) -> None:
        if not self.leads:
            return
        state: dict[str, Any] = {
            "architecture": self.recipe.architecture,
            "data": self.data,
            "computed": self.computed,
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums.tolist(),
            "batch": self._batch,
            "best": asdict(self.best),
        }
        save_checkpoint(self.folder, state | self.learner.state())

    def _diverged(self, what: str) -> DivergedError:
        remedy = "Lower the learning rate, for instance --set learning_rate=0.0003"
        if self.epoch == 0:
            return DivergedError(f"{what}; there is no checkpoint yet.", f"{remedy}.")
        kept = f"the checkpoint of epoch {self.epoch} is kept in {self.folder}"
        return DivergedError(f"{what}; {kept}.", f"{remedy}, and use --resume.")

    def _seed(self, *place: int) -> int:
        """A seed of its own for an epoch, or for a step of it on one device."""
        entropy = [self.recipe.training.seed, self.epoch, *place]
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def _mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over the run's processes."""
        if self.fabric.world_size > 1:
            torch.distributed.all_reduce(values)
        return values / self.fabric.world_size

    def _tensors(self, pictures: Pictures) -> tuple[torch.Tensor, torch.Tensor]:
        """Uint8 (N, 1, 48, 48) and int64 (N,), on the run's device."""
        pixels = torch.from_numpy(pictures.pixels)[:, None]
        return self.fabric.to_device(pixels), self.fabric.to_device(torch.from_numpy(pictures.labels))
