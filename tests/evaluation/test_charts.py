from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from fercli.errors import ReportError
from fercli.evaluation.charts import (
    confusion_chart,
    precision_recall_chart,
    reliability_chart,
    write_charts,
)
from fercli.evaluation.results import Evaluation, evaluate
from fercli.records import EXPRESSIONS


def sample(pictures: int = 300) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(4)
    labels = random.integers(7, size=pictures)
    return (random.normal(0, 1, (pictures, 7)) + 2 * np.eye(7)[labels]).astype(np.float32), labels


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(*sample())


def test_three_pictures_are_written(evaluation: Evaluation, tmp_path: Path) -> None:
    paths = write_charts(evaluation, "a net on PublicTest", tmp_path, "public")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    assert {path.name for path in paths} == {
        "public.reliability.png", "public.confusion.png", "public.curves.png"
    }  # fmt: skip
    for path in paths:
        picture = cv2.imread(str(path))
        assert picture is not None
        assert min(picture.shape[:2]) >= 600
        assert len(np.unique(picture)) > 10


def test_a_folder_that_is_not_there_is_said_so(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"nowhere.* cannot be written: No such file"):
        write_charts(evaluation, "a net", tmp_path / "nowhere", "public")


def test_the_reliability_chart_shows_every_bin_and_the_error(evaluation: Evaluation) -> None:
    curve, counts = reliability_chart(evaluation, "a net").axes
    assert f"{evaluation.metrics.calibration_error:.3f}" in curve.get_title()
    answers = next(line for line in curve.lines if line.get_label() == "answers")
    np.testing.assert_allclose(
        np.asarray(answers.get_xydata()),
        [(entry.confidence, entry.accuracy) for entry in evaluation.reliability],
    )
    assert [text.get_text() for text in counts.texts] == [
        str(entry.pictures) for entry in evaluation.reliability
    ]
    (gaps,) = (each for each in curve.collections if isinstance(each, LineCollection))
    assert len(gaps.get_segments()) == len(evaluation.reliability)


def test_the_confusion_chart_says_share_and_count_of_every_cell(evaluation: Evaluation) -> None:
    axes = confusion_chart(evaluation.confusion, "a net").axes[0]
    texts = iter(text.get_text() for text in axes.texts)
    for row in evaluation.confusion:
        for count in row:
            assert next(texts) == f"{count / sum(row):.0%}\n{count}"
    assert [text.get_text() for text in axes.get_xticklabels()] == list(EXPRESSIONS)
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        f"{name} ({sum(row)})" for name, row in zip(EXPRESSIONS, evaluation.confusion, strict=True)
    ]


def test_the_curves_are_those_of_the_evaluation(evaluation: Evaluation) -> None:
    axes = precision_recall_chart(evaluation, "a net").axes[0]
    assert len(axes.lines) == len(EXPRESSIONS)
    for line, (name, curve) in zip(axes.lines, evaluation.curves.items(), strict=True):
        assert line.get_label() == f"{name} (AP {evaluation.expressions[name].average_precision:.2f})"
        np.testing.assert_allclose(np.asarray(line.get_xdata()), curve.recall)
        np.testing.assert_allclose(np.asarray(line.get_ydata()), curve.precision)


def test_an_expression_without_pictures_is_no_trouble(tmp_path: Path) -> None:
    logits, labels = sample()
    without = evaluate(logits[labels != 1], labels[labels != 1])
    assert len(write_charts(without, "a net", tmp_path, "private")) == 3
