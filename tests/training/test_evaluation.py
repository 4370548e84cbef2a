import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from fercli.bundle import load_bundle
from fercli.cli import app
from fercli.intervals import wilson_interval
from fercli.records import EXPRESSIONS
from fercli_training.data import Pictures, Split
from fercli_training.evaluation import confusion_matrix, evaluate


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


def confusion(cells: Mapping[tuple[int, int], int]) -> NDArray[np.int64]:
    matrix = np.zeros((7, 7), np.int64)
    for place, count in cells.items():
        matrix[place] = count
    return matrix


def test_the_figures_of_a_matrix_made_by_hand() -> None:
    matrix = confusion({(0, 0): 8, (0, 3): 2, (3, 3): 6, (3, 0): 4, (1, 0): 4, (6, 6): 1})
    evaluation = evaluate(matrix)
    assert evaluation.pictures == 25
    assert evaluation.accuracy == 15 / 25
    assert evaluation.interval == wilson_interval(15, 25)
    angry, happy = evaluation.expressions["angry"], evaluation.expressions["happy"]
    assert (angry.precision, angry.recall, angry.support) == (8 / 16, 8 / 10, 10)
    assert angry.f1 == pytest.approx(2 * 0.5 * 0.8 / (0.5 + 0.8))
    assert (happy.precision, happy.recall, happy.f1, happy.support) == (6 / 8, 6 / 10, 12 / 18, 10)
    assert list(evaluation.expressions) == list(EXPRESSIONS)
    assert evaluation.confusion == matrix.tolist()


def test_what_has_no_pictures_or_answers_counts_zero() -> None:
    expressions = evaluate(confusion({(0, 0): 1, (1, 0): 2, (0, 2): 3})).expressions
    never_answered, never_there, neither = (expressions[name] for name in ("disgust", "fear", "sad"))
    assert (never_answered.precision, never_answered.recall, never_answered.support) == (0, 0, 2)
    assert (never_there.precision, never_there.recall, never_there.support) == (0, 0, 0)
    assert (neither.precision, neither.recall, neither.f1, neither.support) == (0, 0, 0, 0)


def test_an_evaluation_is_plain_values() -> None:
    evaluation = evaluate(confusion({(4, 4): 3, (4, 5): 1}))
    read = json.loads(json.dumps(evaluation.as_dict()))
    assert read["accuracy"] == 0.75
    assert read["expressions"]["sad"] == {
        "precision": 1.0, "recall": 0.75, "f1": pytest.approx(6 / 7), "support": 4
    }  # fmt: skip
    assert read["confusion"][4] == [0, 0, 0, 0, 3, 1, 0]


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
def test_the_batch_size_does_not_change_the_matrix(batch_size: int) -> None:
    greys = np.array([10, 50, 90, 130, 160, 200, 250, 10, 130], np.uint8)
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 6, 0], np.int64)
    pictures = Pictures(np.repeat(greys, 48 * 48).reshape(-1, 48, 48), labels)
    batches: list[int] = []
    matrix = confusion_matrix(BrightnessClassifier(), pictures, batch_size, batches.append)
    assert sum(batches) == 9
    assert max(batches) <= batch_size
    expected = np.eye(7, dtype=np.int64)
    expected[6, 0] = expected[0, 3] = 1
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.fer2013
def test_the_default_model_is_as_good_as_it_says(fer2013: Path) -> None:
    result = CliRunner().invoke(
        app, ["evaluate", "default", "--data", str(fer2013), "--split", "private", "--format", "json"]
    )
    assert result.exit_code == 0, result.stderr
    measured = json.loads(result.stdout)
    promised = load_bundle("default").description["metrics"][Split.PRIVATE]["accuracy"]
    assert measured["pictures"] == 3589
    assert measured["accuracy"] == pytest.approx(promised, abs=0.002)
    assert measured["accuracy"] >= 0.66
