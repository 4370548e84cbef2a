"""How good a network is, from its logits: headline metrics with their intervals, and each expression's.

docs/evaluation.md defines every metric.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fercli.crop import to_unit_range
from fercli.evaluation.calibration import (
    ReliabilityBin,
    expected_calibration_error,
    log_probabilities,
    negative_log_likelihood,
    reliability_curve,
)
from fercli.evaluation.metrics import (
    PrecisionRecallCurve,
    bootstrap_intervals,
    confusion_matrix,
    macro_f1,
    macro_recall,
    precision_recall,
)
from fercli.intervals import wilson_interval
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fercli.fer2013 import Pictures

_CLASSES = len(EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The headline metrics of some pictures; those without another unit lie in 0..1.

    Attributes:
        pictures: how many there are.
        accuracy: the share whose likeliest expression is the label.
        macro_recall, macro_f1: means over the expressions that have pictures.
        top2_accuracy: the share whose label is one of the two likeliest.
        calibration_error: expected, over 15 bins of equal width.
        brier_score: summed over expressions, so 0 (best) to 2.
        negative_log_likelihood: in nats.
        intervals: 95%, by the name of the metric: accuracy's is Wilson's, the others bootstrapped.
    """

    pictures: int
    accuracy: float
    macro_recall: float
    macro_f1: float
    top2_accuracy: float
    calibration_error: float
    brier_score: float
    negative_log_likelihood: float
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class ExpressionMetrics:
    """How well one expression is recognised: metrics in 0..1, `support` in pictures."""

    precision: float
    recall: float
    f1: float
    average_precision: float
    support: int


@dataclass(frozen=True, slots=True)
class VoteAgreement:
    """How often the answers agree with the FER+ voters.

    Attributes:
        pictures: how many have usable votes; the rest is about them.
        accuracy: the share whose answer has the most votes, alone or with others.
        interval: its 95% interval, Wilson's.
        expected_accuracy: the mean share of the voters who gave the answer.
        label_accuracy: the same as `accuracy` for FER2013's own labels.
    """

    pictures: int
    accuracy: float
    interval: tuple[float, float]
    expected_accuracy: float
    label_accuracy: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All metrics of one split.

    Attributes:
        metrics: of all pictures; JSON calls them `figures`.
        unseen: of those that are not in Training; None if that was not asked, or all are in it.
        votes: agreement with FER+; None if no votes were given, or none are usable.
        expressions: by the expression's name.
        confusion: counts of pictures, a row a label, a column an answer.
        reliability: the calibration error's bins that hold a picture.
        curves: by the expression's name, each against all others.
    """

    metrics: Metrics
    unseen: Metrics | None
    votes: VoteAgreement | None
    expressions: dict[str, ExpressionMetrics]
    confusion: list[list[int]]
    reliability: list[ReliabilityBin]
    curves: dict[str, PrecisionRecallCurve]

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as plain values, for JSON."""
        values = asdict(self)
        return {"figures": values.pop("metrics"), **values}


def predict_logits(
    classifier: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    pictures: Pictures,
    batch_size: int,
    done: Callable[[int], None],
) -> NDArray[np.float32]:
    """The logits, float32 (N, 7), of all pictures; `done` gets the size of every batch that is done."""
    logits = np.empty((len(pictures), _CLASSES), np.float32)
    for start in range(0, len(pictures), batch_size):
        place = slice(start, start + batch_size)
        logits[place] = classifier(to_unit_range(pictures.pixels[place, np.newaxis]))
        done(len(logits[place]))
    return logits


def evaluate(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    seen: NDArray[np.bool] | None = None,
    votes: NDArray[np.float32] | None = None,
) -> Evaluation:
    """Every metric of logits (N, 7) against labels (N,), of at least one picture.

    Args:
        logits: the network's, or logarithms of probabilities.
        labels: int64, 0..6.
        seen: (N,), whether a picture also occurs in Training.
        votes: (N, 7), in any unit; a row of zeros where a picture has none.
    """
    probabilities, answers = np.exp(log_probabilities(logits)), logits.argmax(axis=1)
    confusion = confusion_matrix(labels, answers)
    curves = [precision_recall(probabilities[:, label], labels == label) for label in range(_CLASSES)]
    return Evaluation(
        metrics=headline_metrics(logits, labels),
        unseen=None if seen is None or seen.all() else headline_metrics(logits[~seen], labels[~seen]),
        votes=None if votes is None or not votes.any() else _agreement(answers, labels, votes),
        expressions={
            name: _expression(confusion, label, curves[label][1]) for label, name in enumerate(EXPRESSIONS)
        },
        confusion=confusion.tolist(),
        reliability=reliability_curve(probabilities.max(axis=1), answers == labels),
        curves={name: curve for name, (curve, _) in zip(EXPRESSIONS, curves, strict=True)},
    )


def headline_metrics(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Metrics:
    """The headline metrics of logits (N, 7) against labels (N,), of at least one picture."""
    probabilities, answers = np.exp(log_probabilities(logits)), logits.argmax(axis=1)
    confidences, right = probabilities.max(axis=1), answers == labels
    confusion = confusion_matrix(labels, answers)
    likeliest = np.argsort(-logits, axis=1, kind="stable")[:, :2]
    intervals = {"accuracy": wilson_interval(int(right.sum()), len(labels))}
    return Metrics(
        pictures=len(labels),
        accuracy=float(right.mean()),
        macro_recall=macro_recall(confusion),
        macro_f1=macro_f1(confusion),
        top2_accuracy=float((likeliest == labels[:, np.newaxis]).any(axis=1).mean()),
        calibration_error=expected_calibration_error(reliability_curve(confidences, right)),
        brier_score=float(((probabilities - np.eye(_CLASSES)[labels]) ** 2).sum(axis=1).mean()),
        negative_log_likelihood=negative_log_likelihood(logits, labels),
        intervals=intervals | bootstrap_intervals(labels, answers, confidences),
    )


def _expression(confusion: NDArray[np.int64], label: int, average_precision: float) -> ExpressionMetrics:
    right = int(confusion[label, label])
    answered, support = int(confusion[:, label].sum()), int(confusion[label].sum())
    precision = right / answered if answered else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * right / (answered + support) if answered + support else 0.0
    return ExpressionMetrics(precision, recall, f1, average_precision, support)


def _agreement(
    answers: NDArray[np.int64], labels: NDArray[np.int64], votes: NDArray[np.float32]
) -> VoteAgreement:
    usable = votes.sum(axis=1) > 0
    shares = votes[usable] / votes[usable].sum(axis=1, keepdims=True)
    rows, most = np.arange(len(shares)), shares.max(axis=1)
    given = shares[rows, answers[usable]]
    agreeing = int((given == most).sum())
    return VoteAgreement(
        pictures=len(shares),
        accuracy=agreeing / len(shares),
        interval=wilson_interval(agreeing, len(shares)),
        expected_accuracy=float(given.mean()),
        label_accuracy=float((shares[rows, labels[usable]] == most).mean()),
    )
