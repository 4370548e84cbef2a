"""The arithmetic of metrics: confusions, means over expressions, precision and recall, and resampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fercli.evaluation.calibration import confidence_bins
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

CURVE_POINTS = 100
"""How many points of each precision-recall curve are kept at most."""

RESAMPLES = 2000
"""How often the pictures are resampled for an interval."""

_SEED = 0
_CLASSES = len(EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class PrecisionRecallCurve:
    """Points in order of recall, one for each `threshold` of the expression's probability."""

    recall: list[float]
    precision: list[float]
    threshold: list[float]


def confusion_matrix(labels: NDArray[np.int64], answers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Int64 (7, 7), rows true, columns answered."""
    cells = np.bincount(labels * _CLASSES + answers, minlength=_CLASSES**2)
    return cells.reshape(_CLASSES, _CLASSES)


def macro_recall(confusion: NDArray[np.int64]) -> float:
    """The mean recall of the expressions that have pictures, of a confusion matrix (7, 7)."""
    support = confusion.sum(axis=1)
    return _macro(confusion.diagonal(), support, support)


def macro_f1(confusion: NDArray[np.int64]) -> float:
    """The mean F1 of the expressions that have pictures, of a confusion matrix (7, 7)."""
    support = confusion.sum(axis=1)
    return _macro(2 * confusion.diagonal(), support + confusion.sum(axis=0), support)


def _macro(
    numerators: NDArray[np.int64], denominators: NDArray[np.int64], support: NDArray[np.int64]
) -> float:
    there = support > 0
    return float((numerators[there] / denominators[there]).mean())


def bootstrap_intervals(
    labels: NDArray[np.int64], answers: NDArray[np.int64], confidences: NDArray[np.float64]
) -> dict[str, tuple[float, float]]:
    """95% intervals of macro recall, macro F1 and calibration error, from resampling the pictures.

    They are basic bootstrap intervals (Davison and Hinkley, 1997, section 5.2), from 2000 draws with
    replacement and a fixed seed. Chance alone raises the calibration error. Percentile intervals would
    double that bias; basic intervals correct it.

    Args:
        labels: int64 (N,), 0..6.
        answers: int64 (N,), 0..6.
        confidences: float64 (N,), the answers' probabilities.
    """
    pictures, random = len(labels), np.random.default_rng(_SEED)
    bins, gaps = confidence_bins(confidences), confidences - (answers == labels)

    def measure(drawn: NDArray[np.int64]) -> tuple[float, float, float]:
        confusion = confusion_matrix(labels[drawn], answers[drawn])
        error = np.abs(np.bincount(bins[drawn], gaps[drawn])).sum() / pictures
        return macro_recall(confusion), macro_f1(confusion), float(error)

    draws = [measure(random.integers(pictures, size=pictures)) for _ in range(RESAMPLES)]
    low, high = np.percentile(draws, (2.5, 97.5), axis=0)
    twice = 2 * np.array(measure(np.arange(pictures)))
    ends = np.clip([twice - high, twice - low], 0, 1).T.tolist()
    names = ("macro_recall", "macro_f1", "calibration_error")
    return {name: (lower, upper) for name, (lower, upper) in zip(names, ends, strict=True)}


def precision_recall(
    probabilities: NDArray[np.float64], relevant: NDArray[np.bool]
) -> tuple[PrecisionRecallCurve, float]:
    """One expression's curve, thinned, and its average precision; empty and 0 if it has no pictures."""
    if not relevant.any():
        return PrecisionRecallCurve([], [], []), 0.0
    order = np.argsort(-probabilities)
    falling = probabilities[order]
    # A threshold takes all pictures of one probability at once, so the last of them is the point.
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    hits = np.cumsum(relevant[order])[last]
    precision, recall = hits / (last + 1), hits / hits[-1]
    average_precision = float(np.diff(recall, prepend=0) @ precision)
    wanted = np.linspace(0, 1, CURVE_POINTS) * hits[-1]
    kept = np.unique(np.searchsorted(hits, np.maximum(wanted, 1)))
    points = (np.round(values[kept], 6).tolist() for values in (recall, precision, falling[last]))
    return PrecisionRecallCurve(*points), average_precision
