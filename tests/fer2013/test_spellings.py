"""Data sets as people have them are read as what they mean, and it is told what was taken for what."""

from pathlib import Path

import numpy as np
import pytest

from fercli.errors import UsageError
from fercli.fer2013 import Split, read_pictures
from fercli.fer2013.conversion import convert
from fercli.fer2013.inspection import inspect
from fercli.fer2013.interpretation import label_of
from tests.fer2013 import made_up, spellings
from tests.fer2013.spellings import FOLDERS, PACKED, PLAIN, TABLES, write_archive, write_folders


def told(path: Path) -> list[str]:
    """What is told while all of a data set is read, which must be the made-up one."""
    said: list[str] = []
    for split, read in read_pictures(path, Split, said.append).items():
        pixels, labels = made_up.pictures(split)
        assert spellings.same_pixels(read.pixels, split)
        if path.is_dir() or "folders" in path.name:
            assert sorted(read.labels) == sorted(labels)
        else:
            np.testing.assert_array_equal(read.pixels, pixels)
            np.testing.assert_array_equal(read.labels, labels)
    return said


TELLS = {
    "Kaggle's blanks": "it was read with ' pixels' for pixels, ' Usage' for Usage.",
    "capitals": "it was read with Emotion for emotion, PIXELS for pixels, USAGE for Usage.",
    "other names": "it was read with label for emotion, Pixels for pixels, split for Usage.",
    "no header": "it has no header, so its first row told its columns.",
    "numbers with a fraction": "it was read with 0.0 for angry, 1.0 for disgust, 2.0 for fear, ",
    "nouns": "it was read with anger for angry, happiness for happy, sadness for sad, neutrality ",
    "splits in words": "it was read with train for Training, val for PublicTest, test for PrivateTest.",
    "splits of two words": "it was read with 'Public test' for PublicTest, 'Private test' for PrivateTest.",
    "a column a pixel": "pixel0 and the 2303 columns after it are the pixels.",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_as_it_is_meant(name: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(TABLES[name].encode())
    said = told(path)
    assert len(said) <= 1
    if name in TELLS:
        assert said[0].startswith(f"{path}: {TELLS[name]}")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("suffix", PACKED)
def test_a_table_in_any_encoding_and_packing(suffix: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / f"data{suffix}"
    path.write_bytes(PACKED[suffix](PLAIN.encode(encoding)))
    assert told(path) == []


@pytest.mark.parametrize(
    ("name", "packing"), [("a.csv.gz", ".csv"), ("a.csv", ".csv.gz"), ("a.csv.xz", ".csv.gz")]
)
def test_a_packing_is_told_by_the_first_bytes(name: str, packing: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(PACKED[packing](PLAIN.encode()))
    said = told(tmp_path / name)
    assert said == (
        [f"{tmp_path / name}: it is not packed, although its name says so."] if packing == ".csv" else []
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_are_read_as_they_are_meant(name: str, tmp_path: Path) -> None:
    said = told(write_folders(FOLDERS[name], tmp_path / "folders"))
    assert len(said) == (0 if name == "FER2013's own names" else 1)
    if name == "Kaggle's train and test":
        assert "PublicTest_* for PublicTest" in said[0]


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"])
def test_an_archive_of_folders_is_read_where_it_lies(suffix: str, tmp_path: Path) -> None:
    path = write_archive(FOLDERS["two folders on top"], tmp_path / f"folders{suffix}")
    said = told(path)
    assert said == [
        f"{path}: it was read with test for PrivateTest, train for Training, val for PublicTest."
    ]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["plain.csv.zip", "fer2013.zip", "fer2013.tar", "fer2013.tar.gz", "a.TGZ"])
@pytest.mark.parametrize("inside", ["fer2013.csv", "fer2013/fer2013.csv", "a/fer2013.csv.gz"])
def test_an_archive_of_the_table(name: str, inside: str, tmp_path: Path) -> None:
    content = PLAIN.encode()
    files = {
        "README": b"What it is.",
        inside: PACKED[".csv.gz" if inside.endswith("gz") else ".csv"](content),
        f"__MACOSX/._{Path(inside).name}": b"\0",
        ".DS_Store": b"\0",
    }
    path = write_archive(files, tmp_path / name.lower())
    assert told(path.rename(tmp_path / name)) == []
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_of_several_tables_the_one_with_all_columns_is_taken(tmp_path: Path) -> None:
    files = {
        "train.csv": spellings.table(["emotion", "pixels"], lambda row: spellings.own(row)[:2]).encode(),
        "test.csv": spellings.table(["pixels"], lambda row: [row["pixels"]]).encode(),
        "example_submission.csv": b"emotion\n0\n",
        "icml_face_data.csv": TABLES["Kaggle's blanks"].encode(),
    }
    said = told(write_archive(files, tmp_path / "challenge.zip"))
    assert [line.partition(": ")[2] for line in said] == [TELLS["Kaggle's blanks"]]


def test_a_folder_may_hold_the_table(tmp_path: Path) -> None:
    root = write_folders({"fer2013/fer2013.csv": PLAIN.encode(), "README": b"", "a/b.txt": b""}, tmp_path)
    assert read_pictures(root, Split).keys() == set(Split)


def test_a_folder_of_other_folders_names_them(tmp_path: Path) -> None:
    write_folders({"smiles/a.png": b"", "my frowns/b.png": b""}, tmp_path)
    with pytest.raises(UsageError, match=r"no class folders; its folders are: 'my frowns', smiles\."):
        read_pictures(tmp_path, Split)


def test_tabs_may_have_their_own_suffix(tmp_path: Path) -> None:
    (tmp_path / "data.tsv").write_text(TABLES["tabs"])
    assert told(tmp_path / "data.tsv") == []


@pytest.mark.parametrize("name", ["out.tsv", "out.csv.xz", "out.zip", "out.tar.gz"])
def test_what_is_only_read_is_not_written(name: str, tmp_path: Path) -> None:
    source = made_up.write(tmp_path / "data.csv")
    with pytest.raises(UsageError, match=r"out.*: such files can only be read\."):
        convert(source, tmp_path / name, lambda _: None)
    assert list(tmp_path.iterdir()) == [source]


def test_one_unlabelled_split_is_for_training(tmp_path: Path) -> None:
    path, said = tmp_path / "train.csv", list[str]()
    path.write_text(spellings.table(["emotion", "pixels"], lambda row: spellings.own(row)[:2]))
    found, splits = inspect(path, None, said.append)
    assert sum(found.counts["Training"].values()) == len(splits[Split.TRAINING]) == 133
    assert said == [f"{path}: it has no column Usage, so all its rows are for Training."]
    with pytest.raises(UsageError, match=r"train\.csv has no rows of PrivateTest\."):
        read_pictures(path, [Split.TRAINING, Split.PRIVATE])


@pytest.mark.parametrize(
    "line",
    [
        "a.png happy val",
        "a.png,happy,val",
        "a.png;3;validation",
        "a.png\tHappiness\tPublicTest",
        "'a.png', 3.0, public",
    ],
)
def test_a_list_in_other_words(line: str, tmp_path: Path) -> None:
    write_folders({"a.png": next(iter(FOLDERS["nouns"].values()))}, tmp_path)
    (tmp_path / "list.txt").write_bytes(f"{line}\r\n".encode("utf-16"))
    read = read_pictures(tmp_path / "list.txt", [Split.PUBLIC])[Split.PUBLIC]
    assert read.labels.tolist() == [3]
    np.testing.assert_array_equal(read.pixels, made_up.pictures("Training")[0][:1])


def test_pictures_that_were_made_smaller_and_grey_are_counted(tmp_path: Path) -> None:
    import cv2

    files = dict(FOLDERS["FER2013's own names"])
    names = [name for name in sorted(files) if name.endswith(".png")][:2]
    picture = cv2.resize(made_up.pictures("Training")[0][0], (96, 96))
    files[names[0]] = cv2.imencode(".png", picture)[1].tobytes()
    files[names[1]] = cv2.imencode(".png", cv2.merge([picture[:48, :48] // 2, *[picture[:48, :48]] * 2]))[
        1
    ].tobytes()
    root, said = write_folders(files, tmp_path / "folders"), list[str]()
    read_pictures(root, Split, said.append)
    assert said == [
        f"{root}: 2 pictures of another size or in colour became 48x48 grey, the first {root / names[0]}."
    ]


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        (["pixels"], [1], "has no column emotion; it has pixels."),
        (
            ["emotions", "label", "pixels"],
            [0, 0, 1],
            "has several columns for emotion: emotions and label.",
        ),
        (
            ["emotion", "pixels", "Usage", "Usage"],
            [0, 1, 2, 2],
            "several columns for Usage: Usage and Usage.",
        ),
        (["emotion", "pixel values", "image"], [0, 2, 1], "row 1: the pixels are not all whole numbers"),
        (
            ["feeling", "image", "part"],
            [0, 1, 2],
            "has no column emotion and no column pixels; it has feeling, image, part.",
        ),
    ],
)
def test_what_could_be_several_things_or_none_is_refused(
    header: list[str], cells: list[int], message: str, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text(
        spellings.table(header, lambda row: [spellings.own(row)[place] for place in cells])
    )
    with pytest.raises(UsageError) as caught:
        read_pictures(tmp_path / "data.csv", Split)
    assert message in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(("label", "meant"), [("0003", 3), ("+3.0", 3), ("7", None), ("3" * 5000, None)])
def test_a_number_is_a_label_or_none(label: str, meant: int | None) -> None:
    assert label_of(label) == meant


def test_labels_from_1_to_7_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(
        spellings.table(
            spellings.HEADER, lambda row: [str(int(row["emotion"]) + 1), *spellings.own(row)[1:]]
        )
    )
    with pytest.raises(UsageError, match=r"row 7: the label is '7', not 0 to 6\."):
        read_pictures(tmp_path / "data.csv", Split)


def test_where_no_row_is_whole_the_first_says_why(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(spellings.table(spellings.HEADER, lambda row: ["surprize", *spellings.own(row)[1:]]))
    with pytest.raises(UsageError) as caught:
        inspect(path)
    assert caught.value.message.startswith(
        f"{path} has no whole row: {path}, row 1: the label is 'surprize'"
    )
    assert "(perhaps surprise)" in caught.value.message
