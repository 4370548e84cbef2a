"""The figures against scikit-learn's, and what it has not worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as theirs

from fercli.evaluation.metrics import (
    CURVE_POINTS,
    RESAMPLES,
    bootstrap_intervals,
    confusion_matrix,
    precision_recall,
)
from fercli.evaluation.results import evaluate
from fercli.records import EXPRESSIONS

CLASSES = list(range(len(EXPRESSIONS)))


def sample(
    seed: int, pictures: int = 400, classes: int = 7
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=pictures)
    return (random.normal(0, 1, (pictures, 7)) + np.eye(7)[labels]).astype(np.float32), labels


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_scikit_learns(seed: int) -> None:
    logits, labels = sample(seed)
    evaluation, answers = evaluate(logits, labels), logits.argmax(1)
    figures = evaluation.metrics
    odds = np.exp(logits.astype(np.float64))
    odds /= odds.sum(1, keepdims=True)
    np.testing.assert_array_equal(evaluation.confusion, theirs.confusion_matrix(labels, answers))
    assert figures.accuracy == theirs.accuracy_score(labels, answers)
    assert figures.macro_recall == pytest.approx(theirs.balanced_accuracy_score(labels, answers))
    assert figures.macro_f1 == pytest.approx(theirs.f1_score(labels, answers, average="macro"))
    assert figures.top2_accuracy == pytest.approx(theirs.top_k_accuracy_score(labels, odds, k=2))
    assert figures.negative_log_likelihood == pytest.approx(theirs.log_loss(labels, odds), rel=1e-5)
    scores = theirs.precision_recall_fscore_support(labels, answers, labels=CLASSES)
    for label, name in enumerate(EXPRESSIONS):
        row = evaluation.expressions[name]
        expected = [column[label] for column in scores]
        assert [row.precision, row.recall, row.f1, row.support] == pytest.approx(expected)
        average = theirs.average_precision_score(labels == label, odds[:, label])
        assert row.average_precision == pytest.approx(average)


def test_expressions_without_pictures_do_not_count_in_the_means() -> None:
    logits, labels = sample(4, classes=5)
    figures, answers, there = evaluate(logits, labels).metrics, logits.argmax(1), CLASSES[:5]
    assert figures.macro_recall == pytest.approx(
        theirs.recall_score(labels, answers, labels=there, average="macro")
    )
    assert figures.macro_f1 == pytest.approx(
        theirs.f1_score(labels, answers, labels=there, average="macro")
    )


def test_a_confusion_matrix_has_the_labels_down_and_the_answers_across() -> None:
    matrix = confusion_matrix(np.array([0, 0, 6, 2]), np.array([1, 1, 0, 2]))
    assert matrix.shape == (7, 7)
    assert (matrix[0, 1], matrix[6, 0], matrix[2, 2], matrix.sum()) == (2, 1, 1, 4)


@pytest.mark.parametrize("seed", range(3))
def test_every_point_of_a_curve_is_one_of_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    odds = random.random(60).round(1 + seed)  # with ties
    relevant = random.random(60) < 0.4
    curve, average = precision_recall(odds, relevant)
    precision, recall, threshold = theirs.precision_recall_curve(relevant, odds)
    points = {
        (round(one, 6), round(two, 6), round(three, 6))
        for one, two, three in zip(recall, precision, threshold, strict=False)
    }
    assert set(zip(curve.recall, curve.precision, curve.threshold, strict=True)) <= points
    assert curve.recall[-1] == 1
    assert set(curve.recall) == {part for part in np.round(recall, 6).tolist() if part > 0}
    assert average == pytest.approx(theirs.average_precision_score(relevant, odds))


def test_a_curve_is_thinned_to_its_most_points_evenly_in_recall() -> None:
    odds = np.linspace(1, 0, 1000)
    curve, _ = precision_recall(odds, np.ones(1000, bool))
    assert len(curve.recall) == CURVE_POINTS
    assert np.diff(curve.recall).max() < 2 / CURVE_POINTS


def test_an_expression_without_pictures_has_no_curve() -> None:
    curve, average = precision_recall(np.array([0.3, 0.2]), np.zeros(2, bool))
    assert (curve.recall, curve.precision, curve.threshold, average) == ([], [], [], 0.0)


@pytest.mark.parametrize("sure", [0.0, 1.0, 3.0])
def test_bootstrapped_intervals_are_the_basic_ones(sure: float) -> None:
    """Drawn here by the same seed, and turned about the figure as Davison and Hinkley tell.

    So few pictures that an expression is missing in some draws, and so that some ends lie beyond 0 or 1.
    """
    random = np.random.default_rng(5)
    labels = random.integers(7, size=40)
    answers = (random.normal(0, 1, (40, 7)) + sure * np.eye(7)[labels]).argmax(1)
    confidences = random.uniform(0.2, 1, 40)
    random = np.random.default_rng(0)
    drawn = np.array([random.integers(40, size=40) for _ in range(RESAMPLES)])

    def figures(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        """Macro recall, macro F1 and calibration error of each row of pictures."""
        true, told = np.eye(7)[labels][drawn], np.eye(7)[answers][drawn]
        support, answered, right = true.sum(1), told.sum(1), (true * told).sum(1)
        with np.errstate(invalid="ignore"):
            recalls = np.nanmean(right / support, axis=1)
            f1s = np.nanmean(np.where(support > 0, 2 * right / (support + answered), np.nan), axis=1)
        bins = np.eye(15)[np.ceil(confidences * 15).astype(int) - 1]
        gaps = (confidences - (answers == labels))[:, None] * bins
        return np.stack([recalls, f1s, np.abs(gaps[drawn].sum(1)).sum(1) / 40], axis=1)

    low, high = np.percentile(figures(drawn), (2.5, 97.5), axis=0)
    whole = figures(np.arange(40)[None])[0]
    expected = np.clip([2 * whole - high, 2 * whole - low], 0, 1).T
    intervals = bootstrap_intervals(labels, answers, confidences)
    assert list(intervals) == ["macro_recall", "macro_f1", "calibration_error"]
    np.testing.assert_allclose(list(intervals.values()), expected, atol=1e-12)
    assert all(0 <= low <= high <= 1 for low, high in intervals.values())
