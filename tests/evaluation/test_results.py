import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from fercli.bundle import load_bundle
from fercli.cli.commands import app
from fercli.evaluation.results import evaluate, headline_metrics, predict_logits
from fercli.fer2013 import Pictures, Split
from fercli.intervals import wilson_interval
from fercli.records import EXPRESSIONS

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("right", "pictures", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_newcombe_1998(right: int, pictures: int, low: float, high: float) -> None:
    assert wilson_interval(right, pictures) == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson_interval(pictures - right, pictures)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


@pytest.mark.parametrize("pictures", [*range(1, 60), 399, 3589])
def test_an_interval_lies_within_0_and_1_and_holds_its_share(pictures: int) -> None:
    for right in {0, 1, pictures // 2, pictures}:
        low, high = wilson_interval(right, pictures)
        assert 0 <= low < high <= 1
        assert low - 1e-12 <= right / pictures <= high + 1e-12


def sample(seed: int, pictures: int = 300) -> tuple[Logits, Labels]:
    """Logits that are more often right than not, and labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(7, size=pictures)
    return (random.normal(0, 1, (pictures, 7)) + 2 * np.eye(7)[labels]).astype(np.float32), labels


def answered(cells: Mapping[tuple[int, int], int]) -> tuple[Logits, Labels]:
    """Logits and labels whose confusion matrix has these counts by (label, answer)."""
    rows = np.repeat(np.array(list(cells)), list(cells.values()), axis=0)
    return np.eye(7, dtype=np.float32)[rows[:, 1]], rows[:, 0]


def logits_of(*probabilities: list[float]) -> Logits:
    return np.log(np.array(probabilities, np.float32))


def test_the_figures_of_answers_made_by_hand() -> None:
    evaluation = evaluate(*answered({(0, 0): 8, (0, 3): 2, (3, 3): 6, (3, 0): 4, (1, 0): 4, (6, 6): 1}))
    figures = evaluation.metrics
    assert (figures.pictures, figures.accuracy) == (25, 15 / 25)
    assert figures.intervals["accuracy"] == wilson_interval(15, 25)
    angry, happy = evaluation.expressions["angry"], evaluation.expressions["happy"]
    assert (angry.precision, angry.recall, angry.support) == (8 / 16, 8 / 10, 10)
    assert angry.f1 == pytest.approx(2 * 0.5 * 0.8 / (0.5 + 0.8))
    assert (happy.precision, happy.recall, happy.f1, happy.support) == (6 / 8, 6 / 10, 12 / 18, 10)
    assert list(evaluation.expressions) == list(evaluation.curves) == list(EXPRESSIONS)
    assert evaluation.confusion[0] == [8, 0, 0, 2, 0, 0, 0]
    assert evaluation.confusion[3] == [4, 0, 0, 6, 0, 0, 0]
    assert np.sum(evaluation.confusion) == 25
    # Of angry, disgust, happy and neutral; the others have no pictures.
    assert figures.macro_recall == pytest.approx((0.8 + 0 + 0.6 + 1) / 4)
    assert figures.macro_f1 == pytest.approx((angry.f1 + 0 + happy.f1 + 1) / 4)


def test_what_has_no_pictures_or_answers_counts_zero() -> None:
    evaluation = evaluate(*answered({(0, 0): 1, (1, 0): 2, (0, 2): 3}))
    never_answered, never_there, neither = (
        evaluation.expressions[name] for name in ("disgust", "fear", "sad")
    )
    assert (never_answered.precision, never_answered.recall, never_answered.support) == (0, 0, 2)
    assert (never_there.precision, never_there.recall, never_there.support) == (0, 0, 0)
    assert (neither.precision, neither.recall, neither.f1, neither.support) == (0, 0, 0, 0)
    assert (neither.average_precision, evaluation.curves["sad"].recall) == (0, [])


def test_scores_of_probabilities_made_by_hand() -> None:
    figures = headline_metrics(
        logits_of(
            [0.5, 0.3, 0.1, 0.025, 0.025, 0.025, 0.025],
            [0.5, 0.3, 0.1, 0.025, 0.025, 0.025, 0.025],
            [0.5, 0.3, 0.1, 0.025, 0.025, 0.025, 0.025],
        ),
        np.array([0, 1, 2]),
    )
    rest = 4 * 0.025**2
    brier = [0.5**2 + 0.3**2 + 0.1**2, 0.5**2 + 0.7**2 + 0.1**2, 0.5**2 + 0.3**2 + 0.9**2]
    assert figures.brier_score == pytest.approx(sum(brier) / 3 + rest, rel=1e-5)
    assert figures.negative_log_likelihood == pytest.approx(-np.log([0.5, 0.3, 0.1]).mean(), rel=1e-5)
    assert [figures.accuracy, figures.top2_accuracy] == pytest.approx([1 / 3, 2 / 3])
    assert figures.calibration_error == pytest.approx(0.5 - 1 / 3, rel=1e-5)


def test_a_precision_recall_curve_made_by_hand() -> None:
    # Happy's probability falls from picture to picture, two share one; its pictures are 0, 2 and 5.
    happy = [0.9, 0.8, 0.7, 0.4, 0.2, 0.2]
    logits = logits_of(*([(1 - share) / 6] * 3 + [share] + [(1 - share) / 6] * 3 for share in happy))
    evaluation = evaluate(logits, np.array([3, 0, 3, 1, 2, 3]))
    curve = evaluation.curves["happy"]
    assert curve.recall == pytest.approx([1 / 3, 2 / 3, 1], abs=1e-6)
    assert curve.precision == pytest.approx([1, 2 / 3, 3 / 6], abs=1e-6)
    assert curve.threshold == pytest.approx([0.9, 0.7, 0.2], abs=1e-5)
    assert evaluation.expressions["happy"].average_precision == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_a_thinned_curve_lies_on_the_whole_one(seed: int) -> None:
    logits, labels = sample(seed, 2000)
    evaluation = evaluate(logits, labels)
    shifted = np.exp(logits.astype(np.float64))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    for label, curve in enumerate(evaluation.curves.values()):
        assert len(curve.recall) == len(curve.precision) == len(curve.threshold) <= 100
        assert all(first < second for first, second in pairwise(curve.recall))
        assert curve.recall[-1] == 1
        for recall, precision, threshold in zip(
            curve.recall, curve.precision, curve.threshold, strict=True
        ):
            # The thresholds are rounded to six decimals.
            found = probabilities[:, label] >= threshold - 6e-7
            assert (labels[found] == label).mean() == pytest.approx(precision, abs=0.02)
            assert found[labels == label].mean() == pytest.approx(recall, abs=0.02)


def test_intervals_hold_their_figures_and_narrow_with_the_square_root_of_the_pictures() -> None:
    figures = {pictures: headline_metrics(*sample(8, pictures)) for pictures in (400, 6400)}
    for name in ("accuracy", "macro_recall", "macro_f1"):
        widths = {}
        for pictures, measured in figures.items():
            low, high = measured.intervals[name]
            assert 0 <= low < getattr(measured, name) < high <= 1
            widths[pictures] = high - low
        assert widths[400] / widths[6400] == pytest.approx(4, rel=0.2)


def drawn_by(scale: float, seed: int, pictures: int) -> tuple[Logits, Labels]:
    """Logits, and labels drawn with the probabilities of logits that many times as large."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (pictures, 7)).astype(np.float32)
    return logits, (scale * logits + random.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_of_the_calibration_error_takes_its_bias_back(seed: int) -> None:
    calibrated = headline_metrics(*drawn_by(1.0, seed, 3000))
    low, high = calibrated.intervals["calibration_error"]
    assert 0 < calibrated.calibration_error < 0.04
    assert low + high < 2 * calibrated.calibration_error


def test_the_interval_of_the_calibration_error_holds_that_of_many_more_pictures() -> None:
    everyone = headline_metrics(*drawn_by(0.6, 9, 100_000)).calibration_error
    low, high = headline_metrics(*drawn_by(0.6, 7, 3000)).intervals["calibration_error"]
    assert 0.05 < low < everyone < high < 0.5


def test_measuring_again_gives_the_same() -> None:
    assert evaluate(*sample(3)) == evaluate(*sample(3))


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_the_pictures_changes_no_figure(seed: int) -> None:
    logits, labels = sample(seed, 100)
    order = np.random.default_rng(seed).permutation(100)
    one, other = evaluate(logits, labels), evaluate(logits[order], labels[order])
    assert one.confusion == other.confusion
    assert one.curves == other.curves
    for name in ("macro_f1", "top2_accuracy", "calibration_error", "brier_score"):
        assert getattr(one.metrics, name) == pytest.approx(getattr(other.metrics, name))


def test_pictures_seen_in_training_are_left_out_of_unseen() -> None:
    logits, labels = sample(3)
    seen = np.arange(len(labels)) % 3 == 0
    evaluation = evaluate(logits, labels, seen=seen)
    assert evaluation.unseen == headline_metrics(logits[~seen], labels[~seen])
    assert evaluation.metrics == headline_metrics(logits, labels)
    assert evaluate(logits, labels).unseen is None
    assert evaluate(logits, labels, seen=np.ones(len(labels), bool)).unseen is None


def test_agreement_with_votes_made_by_hand() -> None:
    logits, labels = answered({(0, 0): 1, (0, 1): 1, (2, 2): 1, (3, 3): 1})
    votes = np.zeros((4, 7), np.float32)
    votes[0, [0, 6]] = 6, 4  # answered as most do
    votes[1, [1, 0]] = 0.5, 0.5  # shares the first place, and so does the label
    votes[2, [2, 4]] = 3, 7  # answered as fewer do
    agreement = evaluate(logits, labels, votes=votes).votes
    assert agreement is not None
    assert agreement.pictures == 3
    assert agreement.accuracy == pytest.approx(2 / 3)
    assert agreement.interval == wilson_interval(2, 3)
    assert agreement.expected_accuracy == pytest.approx((0.6 + 0.5 + 0.3) / 3)
    assert agreement.label_accuracy == pytest.approx(2 / 3)


def test_without_usable_votes_there_is_no_agreement() -> None:
    logits, labels = sample(3, 20)
    assert evaluate(logits, labels).votes is None
    assert evaluate(logits, labels, votes=np.zeros((20, 7), np.float32)).votes is None


def test_an_evaluation_is_plain_values() -> None:
    logits, labels = answered({(4, 4): 3, (4, 5): 1})
    read = json.loads(json.dumps(evaluate(logits, labels, votes=logits).as_dict()))
    assert read["figures"]["accuracy"] == 0.75
    assert read["expressions"]["sad"] == {
        "precision": 1.0, "recall": 0.75, "f1": pytest.approx(6 / 7), "average_precision": 1.0, "support": 4
    }  # fmt: skip
    assert read["confusion"][4] == [0, 0, 0, 0, 3, 1, 0]
    assert read["reliability"][0]["pictures"] == 4
    assert (read["votes"]["accuracy"], read["unseen"]) == (1, None)


class BrightnessClassifier:
    """Answers by a picture's mean grey alone, whatever stands beside it in the batch."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        assert batch.dtype == np.float32
        assert batch.shape[1:] == (1, 48, 48)
        assert 0 <= batch.min() <= batch.max() <= 1
        answers = np.minimum((batch.mean(axis=(1, 2, 3)) * 7).astype(int), 6)
        logits: NDArray[np.float32] = np.eye(7, dtype=np.float32)[answers]
        return logits

    def describe(self) -> Mapping[str, str]:
        return {}


@pytest.mark.parametrize("batch_size", [1, 4, 9, 100])
def test_the_batch_size_does_not_change_the_logits(batch_size: int) -> None:
    greys = np.array([10, 50, 90, 130, 160, 200, 250, 10, 130], np.uint8)
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 6, 0], np.int64)
    pictures = Pictures(np.repeat(greys, 48 * 48).reshape(-1, 48, 48), labels, np.arange(len(labels)))
    batches: list[int] = []
    logits = predict_logits(BrightnessClassifier(), pictures, batch_size, batches.append)
    assert sum(batches) == 9
    assert max(batches) <= batch_size
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, np.eye(7)[[0, 1, 2, 3, 4, 5, 6, 0, 3]])


@pytest.mark.fer2013
def test_the_default_model_is_as_good_as_it_says(fer2013: Path) -> None:
    result = CliRunner().invoke(
        app, ["evaluate", "default", "--data", str(fer2013), "--split", "private", "--format", "json"]
    )
    assert result.exit_code == 0, result.stderr
    measured = json.loads(result.stdout)
    promised = load_bundle("default").description["metrics"][Split.PRIVATE]["accuracy"]
    assert measured["figures"]["pictures"] == 3589
    assert measured["figures"]["accuracy"] == pytest.approx(promised, abs=0.002)
    assert measured["figures"]["accuracy"] >= 0.66
    # Most of what is also in Training was learnt by heart.
    assert 2500 < measured["unseen"]["pictures"] < 3589
    assert measured["unseen"]["accuracy"] < measured["figures"]["accuracy"]
