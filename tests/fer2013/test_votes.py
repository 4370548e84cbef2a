from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from fercli.errors import UsageError
from fercli.fer2013 import Pictures, Split
from fercli.fer2013.votes import read_votes
from tests.fer2013.made_up import VOTERS


def write(folder: Path, rows: Sequence[Mapping[str, int | str]]) -> Path:
    lines = [",".join(("Usage", "Image name", *VOTERS))]
    lines += [",".join(["Training", "", *(str(row.get(name, 0)) for name in VOTERS)]) for row in rows]
    (folder / "votes.csv").write_text("\n".join(lines) + "\n")
    return folder / "votes.csv"


def targets(folder: Path, *rows: Mapping[str, int | str]) -> list[list[float]]:
    read = read_votes(write(folder, rows), np.arange(len(rows)))
    assert read.dtype == np.float32
    assert read.shape == (len(rows), 7)
    return [[round(float(share), 6) for share in row] for row in read]


def test_votes_become_shares_in_the_order_of_the_expressions(tmp_path: Path) -> None:
    order = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    read = targets(tmp_path, *({name: 10} for name in order), {"anger": 3, "neutral": 7})
    assert read == [*np.eye(7).tolist(), [0.3, 0, 0, 0, 0, 0, 0.7]]


def test_votes_for_nothing_of_the_seven_are_left_out(tmp_path: Path) -> None:
    (read,) = targets(tmp_path, {"sadness": 4, "fear": 1, "contempt": 2, "unknown": 2, "NF": 1})
    assert read == [0, 0, 0.2, 0, 0.8, 0, 0]


def test_fewer_than_5_votes_are_none(tmp_path: Path) -> None:
    assert targets(tmp_path, {"fear": 4, "NF": 6}, {"NF": 10}, {}) == [[0.0] * 7] * 3


def test_rows_from_jpeg_have_no_votes(tmp_path: Path) -> None:
    (tmp_path / "rows_from_jpeg.txt").write_text("2\n0\n")
    read = targets(tmp_path, *[{"fear": 10}] * 4)
    assert [sum(row) for row in read] == [0, 1, 0, 1]


def test_rows_are_taken_by_their_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, [{"fear": 10}, {"anger": 10}, {"disgust": 10}])
    assert read_votes(path, np.array([2, 0])).argmax(axis=1).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("votes", "jpeg", "message"),
    [
        ([{"fear": "x"}], "", "votes.csv, row 1: the votes are not all whole numbers."),
        ([{}, {"fear": -1}], "", "votes.csv, row 2: the votes are not all whole numbers."),
        ([{"fear": 10**19}], "", "votes.csv, row 1: the votes are not all whole numbers."),
        ([{"fear": "9" * 5000}], "", "votes.csv, row 1: the votes are not all whole numbers."),
        ([{}], "", "votes.csv has 1 row, and the data has a row 2."),
        ([{}, {}], "0\n2\n", "rows_from_jpeg.txt: '2' is not the number of a row."),
        ([{}, {}], "one", "rows_from_jpeg.txt: 'one' is not the number of a row."),
    ],
)
def test_bad_votes_are_named(
    votes: Sequence[Mapping[str, int | str]], jpeg: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "rows_from_jpeg.txt").write_text(jpeg)
    with pytest.raises(UsageError) as caught:
        read_votes(write(tmp_path, votes), np.arange(2))
    assert message in caught.value.message
    assert caught.value.remedy


def test_a_votes_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"votes\.csv cannot be read: No such file or directory\."):
        read_votes(tmp_path / "votes.csv", np.arange(2))


@pytest.mark.fer2013
def test_the_real_votes_belong_to_the_real_pictures(
    fer2013: Path, real_pictures: dict[Split, Pictures]
) -> None:
    path = fer2013.with_name("fer2013new.csv")
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    for split, pictures in real_pictures.items():
        votes = read_votes(path, pictures.rows)
        voted = votes.any(axis=1)
        right = votes[voted].argmax(axis=1) == pictures.labels[voted]
        assert voted.sum() == {"Training": 28405, "PublicTest": 3558, "PrivateTest": 3549}[split]
        assert 0.63 < right.mean() < 0.66
