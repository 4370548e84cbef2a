"""Training itself: the epochs and steps of one network on pictures that lie on the run's devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fercli.architecture import SIDE
from fercli.errors import UsageError
from fercli.wording import count_of
from fercli_training.optimisation import learning_rate
from fercli_training.targets import make_targets, picture_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning_fabric import Fabric
    from numpy.typing import NDArray

    from fercli.fer2013 import Pictures
    from fercli_training.inputs import TrainingData
    from fercli_training.learner import Learner
    from fercli_training.recipe import Training

_FEWEST = 2
"""The least number of pictures: batch normalisation needs two in a batch."""

_SMALL_SIDE = 32
"""Side of pictures in the recipe's `small_epochs`: a network of four stages still has 2x2 last maps."""

_SHEET = 64
"""Pictures on the sheet of augmented inputs, and in the batch whose activations are drawn."""


class NotFiniteError(ArithmeticError):
    """The loss or a weight became NaN or infinite; the message says where."""


class Trainer:
    """Trains a network step by step.

    Each step has its own seed for random numbers. So a run that is resumed, at any step, has the same
    numbers as a run without interruption.

    Args:
        recipe: how the network is trained.
        learner: the network.
        data: the pictures, with their votes.
        fabric: the run's devices.

    Attributes:
        epoch: how many epochs are done.
        step: how many steps of the next epoch are done.
    """

    def __init__(self, recipe: Training, learner: Learner, data: TrainingData, fabric: Fabric) -> None:
        self.recipe = recipe
        self.learner = learner
        self.fabric = fabric
        self.pixels, self.labels = self._tensors(data.training)
        self.public_pixels, self.public_labels = self._tensors(data.public)
        votes = None if data.votes is None else torch.from_numpy(data.votes)
        labels = self.labels.cpu()
        self.targets = fabric.to_device(make_targets(labels, votes, recipe))
        self.weights = fabric.to_device(picture_weights(labels, recipe))
        self.epoch, self.step = 0, 0
        self._sums = np.zeros(2)

    @property
    def batch(self) -> int:
        """Pictures a step, on all devices together."""
        devices = self.fabric.world_size
        return min(self.recipe.batch_size, len(self.labels) // devices) * devices

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return len(self.labels) // self.batch

    @property
    def side(self) -> int:
        """The side, in pixels, of the pictures that the network learns from in this epoch."""
        return _SMALL_SIDE if self.epoch < round(self.recipe.small_epochs * self.recipe.epochs) else SIDE

    @property
    def means(self) -> tuple[float, float]:
        """The mean loss and accuracy of the epoch's steps so far."""
        loss, accuracy = (self._sums / self.step).tolist()
        return loss, accuracy

    def train_epoch(self) -> Iterator[None]:
        """Takes the steps that are left of the epoch, and yields after each.

        Raises:
            NotFiniteError: the loss became NaN or infinite; the step does not count.
        """
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(self._seed()))
        while self.step < self.steps:
            self._sums = self._sums + self._train_batch(order)
            self.step += 1
            yield

    def end_epoch(self) -> tuple[float, float]:
        """Ends an epoch whose steps are done, and returns its mean loss and accuracy.

        Raises:
            NotFiniteError: a weight became NaN or infinite.
        """
        # A loss is known before its step: without this, an epoch's last step could spoil a checkpoint.
        if not self.learner.is_whole():
            raise NotFiniteError(f"A weight is no longer a number after epoch {self.epoch + 1}")
        means = self.means
        self.epoch, self.step, self._sums = self.epoch + 1, 0, np.zeros(2)
        return means

    def public_answers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """PublicTest's labels, and the answers of the averaged weights: int64 (N,) each."""
        answers = self.learner.answers(self.public_pixels).argmax(1)
        return self.public_labels.cpu().numpy(), answers

    def sheet(self) -> torch.Tensor:
        """The first pictures as the network sees them in the next epoch: float32 (up to 64, 1, 48, 48)."""
        return self.learner.variants(self.pixels[:_SHEET], self._seed())

    def any_process(self, condition: bool) -> bool:
        """Whether the condition holds in any of the run's processes."""
        return self._mean(torch.tensor(float(condition), device=self.fabric.device)).item() > 0

    def state(self) -> dict[str, Any]:
        """The trainer's and the learner's part of a checkpoint."""
        place = {"epoch": self.epoch, "step": self.step, "sums": self._sums.tolist(), "batch": self.batch}
        return place | self.learner.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where the state of another trainer stands.

        An epoch that was begun in steps of another size begins anew.

        Raises:
            IndexError, KeyError, RuntimeError, TypeError, ValueError: the state lacks something.
        """
        self.learner.restore(state)
        self.epoch, self.step = int(state["epoch"]), int(state["step"])
        self._sums = np.array(state["sums"])
        if state["batch"] != self.batch:
            self.step, self._sums = 0, np.zeros(2)

    def _train_batch(self, order: torch.Tensor) -> NDArray[np.float64]:
        """The loss and the accuracy of one step, the mean over the devices."""
        start, devices, rank = self.step * self.batch, self.fabric.world_size, self.fabric.global_rank
        chosen = order[start : start + self.batch][rank::devices].to(self.fabric.device)
        pictures = self.learner.variants(self.pixels[chosen], self._seed(self.step, rank))
        done = self.epoch + (self.step + 1 / 2) / self.steps
        measured = self.learner.learn(
            pictures,
            self.targets[chosen],
            self.weights[chosen],
            learning_rate(self.recipe, done),
            self.side,
        )
        loss, accuracy = self._mean(torch.stack(measured)).tolist()
        if not np.isfinite(loss):
            raise NotFiniteError(f"The loss became {loss} in epoch {self.epoch + 1}, step {self.step + 1}")
        return np.array([loss, accuracy])

    def _seed(self, *place: int) -> int:
        """A seed of its own for an epoch, or for a step of it on one device."""
        entropy = [self.recipe.seed, self.epoch, *place]
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


def require_pictures(pictures: Pictures, devices: int) -> None:
    """Makes sure that there are enough pictures to train on.

    Raises:
        UsageError: there are fewer than two for each device.
    """
    if len(pictures) < _FEWEST * devices:
        count = count_of(len(pictures), "picture")
        raise UsageError(f"{count} to train on; at least {_FEWEST * devices} are needed.")
