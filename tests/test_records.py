from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fercli.records import COLUMNS, EXPRESSIONS, Box, Face, Photo, Status

PROBABILITIES = (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1)


def test_the_columns_are_the_documented_ones() -> None:
    assert COLUMNS == (
        "path", "face", "status", "x1", "y1", "x2", "y2", "score", "expression", "confidence",
        "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "error",
    )  # fmt: skip


def test_every_row_has_every_column_in_order() -> None:
    faces = (Face(Box(0, 0, 9, 9), 0.9, None, PROBABILITIES), Face(Box(0, 0, 5, 5), 0.9))
    for photo in (Photo("a"), Photo("a", error="empty: The file is empty."), Photo("a", faces, 10, 10)):
        for row in photo.rows():
            assert tuple(row) == COLUMNS


def test_a_photo_without_a_face_is_one_row_of_nothing() -> None:
    (row,) = Photo("cat.jpg", width=10, height=10).rows()
    assert {name: value for name, value in row.items() if value is not None} == {
        "path": "cat.jpg",
        "status": "no_face",
    }


def test_a_photo_that_failed_is_one_row_with_its_reason() -> None:
    photo = Photo("bad.jpg", error="empty: The file is empty.")
    (row,) = photo.rows()
    assert photo.status is Status.ERROR
    assert {name: value for name, value in row.items() if value is not None} == {
        "path": "bad.jpg",
        "status": "error",
        "error": "empty: The file is empty.",
    }


def test_a_face_is_a_row_clipped_to_the_photo_and_rounded() -> None:
    face = Face(Box(-3.5, 2.34567, 120.0, 80.0), 0.98765432, None, PROBABILITIES)
    first, second = Photo("a.jpg", (face, face), 100, 50).rows()
    assert (first["x1"], first["y1"], first["x2"], first["y2"]) == (0.0, 2.35, 100.0, 50.0)
    assert first["score"] == 0.9877
    assert (first["expression"], first["confidence"]) == ("happy", 0.4)
    assert [first[name] for name in EXPRESSIONS] == list(PROBABILITIES)
    assert (first["face"], second["face"]) == (0, 1)
    assert first["status"] == second["status"] == "ok"
    assert first["error"] is None


def test_the_box_itself_may_reach_beyond_the_photo() -> None:
    box = Box(-10.0, -20.0, 30.0, 60.0)
    assert (box.width, box.height, box.area) == (40.0, 80.0, 3200.0)
    assert box.clipped(20, 40) == Box(0.0, 0.0, 20.0, 40.0)
    assert Box(200.0, 200.0, 300.0, 300.0).clipped(100, 100).area == 0.0


@given(st.lists(st.floats(1e-6, 1.0), min_size=7, max_size=7))
def test_printed_probabilities_add_up_to_one_and_the_confidence_is_the_largest(
    weights: list[float],
) -> None:
    probabilities = tuple((np.array(weights) / sum(weights)).tolist())
    (row,) = Photo("a.jpg", (Face(Box(0, 0, 1, 1), 1.0, None, probabilities),), 1, 1).rows()
    printed = [row[name] for name in EXPRESSIONS]
    assert all(isinstance(value, float) for value in printed)
    assert sum(value for value in printed if isinstance(value, float)) == pytest.approx(1.0, abs=1e-3)
    assert row["confidence"] == max(value for value in printed if isinstance(value, float))
    assert row[str(row["expression"])] == row["confidence"]
