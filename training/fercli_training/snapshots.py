"""Snapshots: the averaged weights of a run's last epochs, which are averaged and compared at its end.

After Huang et al., "Snapshot Ensembles" (2017), and Izmailov et al., "Averaging Weights Leads to Wider
Optima and Better Generalization" (2018).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load, save

from fercli.errors import UsageError
from fercli.prediction import softmax
from fercli_training.checkpoint import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli_training.learner import Learner, Weights

_FOLDER = "snapshots"
_MEANS = 2
"""The least number of snapshots that can be averaged."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network, or several whose probabilities are averaged, and the accuracy on PublicTest."""

    name: str
    epochs: tuple[int, ...]
    networks: tuple[Weights, ...]
    public_accuracy: float

    def member(self, number: int) -> Candidate:
        """One of several networks, by its number."""
        return Candidate(self.name, (self.epochs[number],), (self.networks[number],), self.public_accuracy)


def save_snapshot(folder: Path, epoch: int, weights: Weights, kept: int) -> None:
    """Writes `snapshots/epoch-NNNN.safetensors`, and removes all but the last `kept`.

    Raises:
        ReportError: it cannot be written.
    """
    snapshots = folder / _FOLDER
    with suppress(OSError):  # writing the file will say what is wrong
        snapshots.mkdir(exist_ok=True)
    rows = {name: value.contiguous() for name, value in weights.items()}  # not channels last
    write_whole(snapshots / f"epoch-{epoch:04d}.safetensors", lambda file: file.write(save(rows)))
    keep_snapshots(folder, epoch, kept)


def keep_snapshots(folder: Path, epoch: int, kept: int) -> None:
    """Removes all but the last `kept` snapshots up to an epoch; later ones belong to another run."""
    ours = [number for number in _files(folder) if number <= epoch]
    for number, path in _files(folder).items():
        if number not in ours[-kept:]:
            path.unlink(missing_ok=True)


def load_snapshots(folder: Path) -> dict[int, Weights]:
    """The kept snapshots, by their epochs.

    Raises:
        UsageError: one cannot be read.
    """
    snapshots = {}
    for epoch, path in _files(folder).items():
        try:
            snapshots[epoch] = load(path.read_bytes())
        except Exception as error:  # safetensors raises its own error, OSError or others
            raise UsageError(f"{path} is broken: {error}.", "Remove it, and use --resume.") from error
    return snapshots


def compare_means(
    snapshots: dict[int, Weights], learner: Learner, pixels: torch.Tensor, labels: torch.Tensor
) -> list[Candidate]:
    """The snapshots' mean as one network's weights, and as the mean of their predictions.

    Args:
        snapshots: by epoch.
        learner: it has the network for the weights.
        pixels: PublicTest, uint8 (N, 1, 48, 48).
        labels: int64 (N,).

    Returns:
        Two candidates; none for fewer than two snapshots.
    """
    if len(snapshots) < _MEANS:
        return []
    epochs, networks = tuple(snapshots), tuple(snapshots.values())
    mean = _mean(networks)
    together = np.mean([softmax(learner.answers(pixels, weights)) for weights in networks], axis=0)
    alone = learner.answers(pixels, mean)
    return [
        Candidate(name, epochs, kept, _accuracy(answers, labels))
        for name, kept, answers in (
            ("mean of the weights", (mean,), alone),
            ("mean of the predictions", networks, together),
        )
    ]


def mix_with_start(
    snapshots: dict[int, Weights],
    start: Mapping[str, torch.Tensor],
    share: float,
    learner: Learner,
    pixels: torch.Tensor,
    labels: torch.Tensor,
) -> Candidate:
    """The mean of the snapshots' weights, mixed with those that the network started from.

    After Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models" (2022).

    Args:
        snapshots: by epoch, at least one.
        start: float32 by their names; what it lacks (counts of batches) stays the snapshots'.
        share: the start's, 0 to 1.
        learner: it has the network for the weights.
        pixels: PublicTest, uint8 (N, 1, 48, 48).
        labels: int64 (N,).
    """
    mean = _mean(tuple(snapshots.values()))
    mixed = {
        name: torch.lerp(value, start[name].to(value), share) if name in start else value
        for name, value in mean.items()
    }
    accuracy = _accuracy(learner.answers(pixels, mixed), labels)
    return Candidate("mean of the weights with the start's", tuple(snapshots), (mixed,), accuracy)


def _accuracy(answers: NDArray[np.floating], labels: torch.Tensor) -> float:
    """The share of answers, logits or probabilities (N, 7), that are the label (N,)."""
    return float((answers.argmax(1) == labels.cpu().numpy()).mean())


def _mean(networks: Sequence[Weights]) -> Weights:
    """The mean of weights and statistics; counts of batches are the last network's."""
    return {
        name: torch.stack([weights[name] for weights in networks]).mean(0)
        if value.is_floating_point()
        else value
        for name, value in networks[-1].items()
    }


def _files(folder: Path) -> dict[int, Path]:
    """The snapshots' files by their epochs, in order."""
    paths = sorted((folder / _FOLDER).glob("epoch-*.safetensors"))
    return {int(path.stem.removeprefix("epoch-")): path for path in paths}
