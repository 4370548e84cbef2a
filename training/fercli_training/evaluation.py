"""How good a network is: accuracy with its interval, figures by expression, confusion matrix."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fercli.crop import to_unit_range
from fercli.intervals import wilson_interval
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fercli.plugins import Classifier
    from fercli_training.data import Pictures


@dataclass(frozen=True, slots=True)
class ExpressionFigures:
    """How one expression fared: figures in 0..1, `support` in pictures."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures in 0..1; `confusion` counts pictures, a row a true expression, a column an answer."""

    pictures: int
    accuracy: float
    interval: tuple[float, float]
    expressions: dict[str, ExpressionFigures]
    confusion: list[list[int]]

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as plain values, for JSON."""
        return asdict(self)


def evaluate(confusion: NDArray[np.int64]) -> Evaluation:
    """The figures of a confusion matrix, int64 (7, 7), rows true, columns answered."""
    pictures, right = int(confusion.sum()), int(np.trace(confusion))
    return Evaluation(
        pictures,
        right / pictures,
        wilson_interval(right, pictures),
        {name: _figures(confusion, label) for label, name in enumerate(EXPRESSIONS)},
        confusion.tolist(),
    )


def confusion_matrix(
    classifier: Classifier, pictures: Pictures, batch_size: int, done: Callable[[int], None]
) -> NDArray[np.int64]:
    """Int64 (7, 7), rows true, columns answered; `done` is told how many pictures each batch had."""
    confusion = np.zeros((len(EXPRESSIONS), len(EXPRESSIONS)), np.int64)
    for start in range(0, len(pictures), batch_size):
        batch = to_unit_range(pictures.pixels[start : start + batch_size, np.newaxis])
        answers = classifier(batch).argmax(axis=1)
        np.add.at(confusion, (pictures.labels[start : start + batch_size], answers), 1)
        done(len(batch))
    return confusion


def _figures(confusion: NDArray[np.int64], label: int) -> ExpressionFigures:
    right = int(confusion[label, label])
    answered, support = int(confusion[:, label].sum()), int(confusion[label].sum())
    precision = right / answered if answered else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * right / (answered + support) if answered + support else 0.0
    return ExpressionFigures(precision, recall, f1, support)
