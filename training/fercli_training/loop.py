"""The training loop: a recipe and pictures in, averaged weights chosen on PublicTest out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fercli.crop import to_unit_range
from fercli.errors import FercliError, ReportError, UsageError
from fercli.records import EXPRESSIONS
from fercli_torch.network import build_network
from fercli_training.augmentation import augment
from fercli_training.checkpoint import FILE, foreign_checkpoint, load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fercli_training.data import Pictures
    from fercli_training.recipe import Recipe, Training

Weights = dict[str, torch.Tensor]
_EVALUATION_BATCH = 512
_FEWEST = 2
"""Pictures: batch normalisation has nothing to normalise in a batch of one."""

_SMOOTHING = 0.98
"""Of the loss and accuracy on the progress bar."""


class DivergedError(FercliError):
    """The loss is no longer a number."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands after a step: smoothed loss and accuracy, pictures a second."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    rate: float
    public_accuracy: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves: the averaged weights that were best on PublicTest, and how good they were."""

    weights: Weights
    epoch: int
    public_accuracy: float


class Trainer:
    """One run in one folder, which gets `checkpoint.pt` and `metrics.jsonl` after every epoch.

    The moving averages of the weights (and of batch normalisation's statistics) are what is evaluated
    and kept, as in the article.

    Raises:
        UsageError: a single picture to train on.
        UnavailableError: the recipe's architecture is unknown or described wrongly.
    """

    def __init__(self, recipe: Recipe, training: Pictures, public: Pictures, folder: Path) -> None:
        if len(training) < _FEWEST:
            raise UsageError(f"{len(training)} picture to train on; at least {_FEWEST} are needed.")
        torch.manual_seed(recipe.training.seed)
        self.recipe = recipe
        self.folder = folder
        self.pixels, self.labels = _tensors(training)
        self.public = _tensors(public)
        self.generator = torch.Generator().manual_seed(recipe.training.seed)
        self.network = build_network(recipe.architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
        self.average = AveragedModel(
            self.network,
            multi_avg_fn=_moving_average(recipe.training.average_decay),
            use_buffers=True,
        )
        self.optimiser = _optimiser(self.network, recipe.training)
        self.criterion = nn.CrossEntropyLoss(_class_weights(recipe.training))
        self.epoch = 0
        self.best = Outcome({}, 0, 0.0)

    def resume(self) -> None:
        """Goes on from the folder's checkpoint, to the same numbers as an undisturbed run.

        Raises:
            UsageError: there is no checkpoint, it is broken, or it belongs to another architecture.
        """
        state = load_checkpoint(self.folder)
        if state["architecture"] != self.recipe.architecture:
            raise UsageError(
                f"The checkpoint in {self.folder} is of another architecture than the recipe's.",
                "Resume with the recipe it was begun with, or choose another --out.",
            )
        try:
            self._restore(state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise foreign_checkpoint(self.folder / FILE) from error

    def run(self, report: Callable[[Step], None]) -> Outcome:
        """Trains for the epochs that are left and returns the best averaged weights.

        Raises:
            DivergedError: the loss became NaN or infinite; the last good checkpoint is kept.
            ReportError: a checkpoint or metrics.jsonl cannot be written.
        """
        while self.epoch < self.recipe.training.epochs:
            rate = self._set_learning_rate()
            last = None
            for last in self._train_epoch():
                report(last)
            self._refuse_broken_weights()
            self.epoch += 1
            accuracy = self._public_accuracy()
            if accuracy > self.best.public_accuracy or not self.best.weights:
                self.best = Outcome(_copy(self.average.module), self.epoch, accuracy)
            self._save()
            self._log(last, rate, accuracy)
        return self.best

    def _set_learning_rate(self) -> float:
        recipe = self.recipe.training
        rate = recipe.learning_rate * recipe.learning_rate_decay**self.epoch
        rate = max(rate, recipe.learning_rate_floor)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _train_epoch(self) -> Iterator[Step]:
        recipe = self.recipe.training
        size = min(recipe.batch_size, len(self.labels))
        order = torch.randperm(len(self.labels), generator=self.generator)
        steps = len(self.labels) // size
        loss, accuracy, started = 0.0, 0.0, time.monotonic()
        self.network.train()
        for step in range(1, steps + 1):
            chosen = order[(step - 1) * size : step * size]
            one_loss, one_accuracy = self._train_batch(chosen)
            self._refuse_divergence(one_loss, step)
            share = 1 if step == 1 else 1 - _SMOOTHING
            loss += share * (one_loss - loss)
            accuracy += share * (one_accuracy - accuracy)
            rate = step * size / (time.monotonic() - started)
            yield Step(
                self.epoch + 1, recipe.epochs, step, steps, loss, accuracy, rate, self.best.public_accuracy
            )

    def _train_batch(self, chosen: torch.Tensor) -> tuple[float, float]:
        """The loss and the accuracy of one step."""
        recipe = self.recipe.training
        pictures = augment(_unit_range(self.pixels[chosen]), recipe, self.generator)
        labels = self.labels[chosen]
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits = self.network(pictures)
        loss = self.criterion(logits.float(), labels)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.average.update_parameters(self.network)
        return float(loss.detach()), float((logits.argmax(1) == labels).float().mean())

    def _refuse_divergence(self, loss: float, step: int) -> None:
        if not np.isfinite(loss):
            raise self._diverged(f"The loss became {loss} in epoch {self.epoch + 1}, step {step}")

    def _refuse_broken_weights(self) -> None:
        """A loss is known before its step: without this, an epoch's last step could spoil a checkpoint."""
        if not all(bool(value.isfinite().all()) for value in self.network.state_dict().values()):
            raise self._diverged(f"A weight is no longer a number after epoch {self.epoch + 1}")

    def _diverged(self, what: str) -> DivergedError:
        remedy = "Lower the learning rate, for instance --set learning_rate=0.0003"
        if self.epoch == 0:
            return DivergedError(f"{what}; there is no checkpoint yet.", f"{remedy}.")
        kept = f"the checkpoint of epoch {self.epoch} is kept in {self.folder}"
        return DivergedError(f"{what}; {kept}.", f"{remedy}, and use --resume.")

    @torch.inference_mode()
    def _public_accuracy(self) -> float:
        """Of the averaged weights on PublicTest, batch normalisation and dropout in evaluation mode."""
        self.average.eval()
        pixels, labels = self.public
        right = 0
        for start in range(0, len(labels), _EVALUATION_BATCH):
            batch = slice(start, start + _EVALUATION_BATCH)
            logits = self.average(_unit_range(pixels[batch]))
            right += int((logits.argmax(1) == labels[batch]).sum())
        return right / len(labels)

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        # --set may have changed it since; the learning rate is set anew for every epoch.
        self.optimiser.param_groups[0]["weight_decay"] = self.recipe.training.dense_l2
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["dropout_generator"])
        self.epoch = state["epoch"]
        self.best = Outcome(state["best"], state["best_epoch"], state["best_accuracy"])

    def _save(self) -> None:
        state: dict[str, Any] = {
            "architecture": self.recipe.architecture,
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "dropout_generator": torch.get_rng_state(),
            "best": self.best.weights,
            "best_epoch": self.best.epoch,
            "best_accuracy": self.best.public_accuracy,
        }
        save_checkpoint(self.folder, state)

    def _log(self, last: Step | None, learning_rate: float, public_accuracy: float) -> None:
        line = {"epoch": self.epoch, "learning_rate": learning_rate, "public_accuracy": public_accuracy}
        if last is not None:
            line |= {"loss": last.loss, "accuracy": last.accuracy, "pictures_a_second": last.rate}
        path = self.folder / "metrics.jsonl"
        try:
            # A run that begins anew in the folder leaves no lines of another.
            with path.open("w" if self.epoch == 1 else "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise ReportError(
                f"{path} cannot be written: {error.strerror}.", "Make room, and use --resume."
            ) from error


def _tensors(pictures: Pictures) -> tuple[torch.Tensor, torch.Tensor]:
    """Uint8 (N, 1, 48, 48) and int64 (N,)."""
    return torch.from_numpy(pictures.pixels)[:, None], torch.from_numpy(pictures.labels)


def _unit_range(pixels: torch.Tensor) -> torch.Tensor:
    """Uint8 pixels as float32 in 0..1, by the same step as in prediction."""
    return torch.from_numpy(to_unit_range(pixels.numpy()))


def _moving_average(decay: float) -> Callable[..., None]:
    """An exponential moving average that follows fast at first, as TensorFlow's with a step count."""

    def update(averages: Any, values: Any, updates: torch.Tensor) -> None:
        count = int(updates)
        average = get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))  # type: ignore[no-untyped-call] # torch's stub
        average(averages, values, updates)

    return update


def _optimiser(network: nn.Module, recipe: Training) -> torch.optim.Optimizer:
    """Adam, whose weight decay is L2 in the gradient, as the article's, on the dense layers alone."""
    dense = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
    known = {id(weight) for weight in dense}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups: list[dict[str, Any]] = [{"params": dense, "weight_decay": recipe.dense_l2}, {"params": rest}]
    return torch.optim.Adam(groups, lr=recipe.learning_rate)


def _class_weights(recipe: Training) -> torch.Tensor:
    weights = torch.ones(len(EXPRESSIONS))
    weights[EXPRESSIONS.index("disgust")] = recipe.disgust_weight
    return weights


def _copy(network: nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
