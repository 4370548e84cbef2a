from pathlib import Path

import numpy as np
import pytest

from fercli.errors import UsageError
from fercli.fer2013 import Pictures, Split, class_counts, read_pictures
from fercli.records import EXPRESSIONS
from tests.fer2013 import made_up


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.csv.gz"])
def test_pictures_and_labels_are_the_files(name: str, tmp_path: Path) -> None:
    splits = read_pictures(made_up.write(tmp_path / name), Split)
    assert list(splits) == ["Training", "PublicTest", "PrivateTest"]
    for split, read in splits.items():
        pixels, labels = made_up.pictures(split)
        assert read.pixels.dtype == np.uint8
        assert read.labels.dtype == np.int64
        assert len(read) == made_up.COUNTS[split]
        np.testing.assert_array_equal(read.pixels, pixels)
        np.testing.assert_array_equal(read.labels, labels)


def test_columns_may_stand_in_any_order_beside_others(tmp_path: Path) -> None:
    content = [row | {"votes": "10"} for row in made_up.rows()]
    columns = ("Usage", "votes", "emotion", "pixels")
    path = made_up.write(tmp_path / "other.csv", content, columns)
    read = read_pictures(path, [Split.PUBLIC])[Split.PUBLIC]
    pixels, labels = made_up.pictures("PublicTest")
    np.testing.assert_array_equal(read.pixels, pixels)
    np.testing.assert_array_equal(read.labels, labels)


def test_only_the_asked_splits_must_be_there(tmp_path: Path) -> None:
    content = [row for row in made_up.rows() if row["Usage"] == "PrivateTest"]
    path = made_up.write(tmp_path / "private.csv", content)
    assert list(read_pictures(path, [Split.PRIVATE])) == [Split.PRIVATE]


def test_a_bad_row_of_another_split_is_named_too(tmp_path: Path) -> None:
    content = made_up.rows()
    content[1]["emotion"] = "9"
    path = made_up.write(tmp_path / "bad.csv", content)
    with pytest.raises(UsageError, match=r"bad\.csv, row 2: the label is '9'"):
        read_pictures(path, [Split.PRIVATE])


def test_class_counts_name_every_expression(tmp_path: Path) -> None:
    content = [row for row in made_up.rows() if row["emotion"] != "1" or row["Usage"] != "PublicTest"]
    path = made_up.write(tmp_path / "no_disgust.csv", content)
    counts = class_counts(read_pictures(path, [Split.PUBLIC])[Split.PUBLIC])
    assert list(counts) == list(EXPRESSIONS)
    assert counts == dict.fromkeys(EXPRESSIONS, 5) | {"disgust": 0}


@pytest.mark.fer2013
def test_the_real_data_set_has_its_known_counts(real_pictures: dict[Split, Pictures]) -> None:
    counts = {split: list(class_counts(pictures).values()) for split, pictures in real_pictures.items()}
    assert counts == {
        "Training": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "PublicTest": [467, 56, 496, 895, 653, 415, 607],
        "PrivateTest": [491, 55, 528, 879, 594, 416, 626],
    }
    assert [len(pictures) for pictures in real_pictures.values()] == [28709, 3589, 3589]
