"""The calibration of a network's probabilities, and the temperature that improves it.

Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
TEMPERATURES = (0.02, 50.0)
"""The least and the largest temperature that is tried."""

_HALVINGS = 60
"""How often the span of temperatures is halved, which is as exact as float64 allows."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pictures whose answers have similar probabilities.

    Attributes:
        lower, upper: the bin's ends; a confidence of `upper` belongs to it, one of `lower` does not.
        pictures: how many there are.
        confidence: their answers' mean probability.
        accuracy: the share of their answers that is right.
    """

    lower: float
    upper: float
    pictures: int
    confidence: float
    accuracy: float


def confidence_bins(confidences: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number, int64 (N,) of 0..14, of the equal-width bin of each confidence, float64 (N,) in 0..1."""
    # Without rounding, a confidence at a bin's end can lie beyond it in float64's last digit.
    bins = np.ceil(np.round(confidences * BINS, 12)).astype(np.int64) - 1
    return np.clip(bins, 0, BINS - 1)


def reliability_curve(confidences: NDArray[np.float64], right: NDArray[np.bool]) -> list[ReliabilityBin]:
    """The bins that hold a picture, in order; `right` says of each answer, (N,), whether it is."""
    bins = confidence_bins(confidences)
    return [
        ReliabilityBin(
            lower=number / BINS,
            upper=(number + 1) / BINS,
            pictures=int((bins == number).sum()),
            confidence=float(confidences[bins == number].mean()),
            accuracy=float(right[bins == number].mean()),
        )
        for number in np.unique(bins).tolist()
    ]


def expected_calibration_error(curve: list[ReliabilityBin]) -> float:
    """The mean over pictures of the distance of their bin's confidence and accuracy, in 0..1."""
    gaps = sum(entry.pictures * abs(entry.confidence - entry.accuracy) for entry in curve)
    return gaps / sum(entry.pictures for entry in curve)


def log_probabilities(logits: NDArray[Any]) -> NDArray[np.float64]:
    """The logarithms of the probabilities, float64 (N, 7), of logits (N, 7)."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    logarithms: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


def negative_log_likelihood(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The mean of -log(the label's probability), in nats, of logits (N, 7) and labels int64 (N,)."""
    return -float(log_probabilities(logits)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The temperature T whose logits / T have the least negative log likelihood.

    That is convex in 1 / T, so its slope changes sign once, and halving the span of log T finds where. No
    answer changes, because a division keeps the order.

    Args:
        logits: (N, 7), of pictures that the network was not trained on.
        labels: int64 (N,).

    Returns:
        A number within TEMPERATURES: the upper end for logits without information, the lower end if every
        answer is right, because then no temperature is low enough.
    """
    scores = logits.astype(np.float64)
    labelled = scores[np.arange(len(labels)), labels].mean()

    def too_low(temperature: float) -> bool:
        expected = (np.exp(log_probabilities(scores / temperature)) * scores).sum(axis=1).mean()
        return bool(expected > labelled)

    low, high = np.log(TEMPERATURES)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_low(float(np.exp(middle))) else (low, middle)
    return float(np.exp((low + high) / 2))
