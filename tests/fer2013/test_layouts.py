import os
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import google_crc32c
import numpy as np
import pytest
from numpy.typing import NDArray

from fercli.errors import ReportError, UsageError
from fercli.fer2013 import Split, read_pictures
from fercli.fer2013.conversion import convert
from fercli.records import EXPRESSIONS
from tests.fer2013 import made_up

PICTURES, _ = made_up.pictures("Training")


def converted(folder: Path, name: str) -> Path:
    """The made-up data set in the layout of that name."""
    convert(made_up.write(folder / "made_up.csv"), folder / name, lambda _: None)
    return folder / name


def save(path: Path, picture: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_pictures(path, Split)
    assert caught.value.remedy
    return caught.value.message


def masked_checksum(data: bytes) -> int:
    crc = int(google_crc32c.value(data))
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """A record as the format's description has it."""
    length = struct.pack("<Q", len(data))
    checksums = [struct.pack("<I", masked_checksum(part)) for part in (length, data)]
    return length + checksums[0] + data + checksums[1]


def test_folders_without_splits_are_for_training(tmp_path: Path) -> None:
    for label, name in enumerate(EXPRESSIONS):
        save(tmp_path / name / f"face {label}.png", PICTURES[label])
        (tmp_path / name / ".hidden").touch()
    read = read_pictures(tmp_path, [Split.TRAINING])[Split.TRAINING]
    np.testing.assert_array_equal(read.pixels, PICTURES[:7])
    assert read.labels.tolist() == read.rows.tolist() == list(range(7))


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    for label, name in enumerate(EXPRESSIONS):
        save(tmp_path / "elsewhere" / name / f"face {label}.png", PICTURES[label])
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "linked").symlink_to(tmp_path / "elsewhere" / name)
        for circle in ("up", "again"):
            (tmp_path / "data" / name / circle).symlink_to("..")
    read = read_pictures(tmp_path / "data", [Split.TRAINING])[Split.TRAINING]
    np.testing.assert_array_equal(read.pixels, PICTURES[:7])


def test_numbers_for_names_are_row_numbers(tmp_path: Path) -> None:
    folders = converted(tmp_path, "folders")
    for label, name in enumerate(EXPRESSIONS):
        assert (folders / "PublicTest" / name / f"{56 + label:05d}.png").is_file()
    (folders / "Training" / "angry" / "00000.png").unlink()
    read = read_pictures(folders, Split)
    assert read[Split.TRAINING].rows.tolist() == list(range(1, 56))
    assert read[Split.PUBLIC].rows.tolist() == list(range(56, 91))


def test_longer_numbers_than_a_row_may_have_are_names(tmp_path: Path) -> None:
    names = [f"{digit * 20}.png" for digit in "89"]
    for name in names:
        save(tmp_path / name, PICTURES[0])
    (tmp_path / "list.txt").write_text("".join(f"{name} happy\n" for name in names))
    read = read_pictures(tmp_path / "list.txt", [Split.TRAINING])[Split.TRAINING]
    assert read.rows.tolist() == [0, 1]
    (tmp_path / "list.txt").write_text(f"{'9' * 5000}.png happy\n")
    assert "the picture cannot be read" in refusal(tmp_path / "list.txt")


def test_a_list_knows_names_numbers_quotes_and_spaces(tmp_path: Path) -> None:
    lines = [
        "a b/c d.png happy PublicTest",
        "'a b/c d.png' 3",
        '"a b/c d.png"\t6  PublicTest',
        "",
        "e.png angry",
    ]
    save(tmp_path / "a b" / "c d.png", PICTURES[0])
    save(tmp_path / "e.png", PICTURES[1])
    (tmp_path / "list.txt").write_text("\n".join(lines))
    read = read_pictures(tmp_path / "list.txt", [Split.TRAINING, Split.PUBLIC])
    assert read[Split.TRAINING].labels.tolist() == [3, 0]
    assert read[Split.PUBLIC].labels.tolist() == [3, 6]
    assert read[Split.TRAINING].rows.tolist() == [1, 3]
    np.testing.assert_array_equal(read[Split.TRAINING].pixels, PICTURES[:2])


def test_other_pictures_are_made_grey_and_48_wide(tmp_path: Path) -> None:
    colours = np.zeros((96, 192, 3), np.uint8)
    colours[:, 48:144] = (10, 200, 90)
    save(tmp_path / "wide.png", colours)
    (tmp_path / "list.txt").write_text("wide.png happy")
    read = read_pictures(tmp_path / "list.txt", [Split.TRAINING])[Split.TRAINING]
    grey = round(0.114 * 10 + 0.587 * 200 + 0.299 * 90)
    assert read.pixels.shape == (1, 48, 48)
    np.testing.assert_array_equal(read.pixels[0, :, 13:35], grey)
    np.testing.assert_array_equal(read.pixels[0, :, :11], 0)  # nothing of the width was cut off


def _other_file(folder: Path) -> Path:
    return made_up.write(folder / "bad.xlsx")


def _without_class(folder: Path) -> Path:
    folders = converted(folder, "bad")
    for path in (folders / "PublicTest" / "fear").iterdir():
        path.unlink()
    (folders / "PublicTest" / "fear").rmdir()
    return folders


def _with_folder(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (converted(folder, "bad") / name).mkdir()
        return folder / "bad"

    return make


def _with_bad_picture(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (converted(folder, "bad") / "Training" / "disgust" / "00001.png").write_bytes(content)
        return folder / "bad"

    return make


def _list(*lines: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        save(folder / "a.png", PICTURES[0])
        (folder / "bad.txt").write_text("\n".join(["a.png happy", *lines]))
        return folder / "bad.txt"

    return make


def _cut(end: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = converted(folder, "bad.tfrecord")
        path.write_bytes(path.read_bytes()[:end])
        return path

    return make


def _changed(place: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = converted(folder, "bad.tfrecord")
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        return path

    return make


def _twice(folder: Path) -> Path:
    path = converted(folder, "bad.tfrecord")
    path.write_bytes(path.read_bytes() * 2)
    return path


def _records(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "bad.tfrecord").write_bytes(record(data))
        return folder / "bad.tfrecord"

    return make


def _with_pipe(folder: Path) -> Path:
    folders = converted(folder, "bad")
    picture = folders / "Training" / "angry" / "00001.png"
    picture.unlink(missing_ok=True)
    os.mkfifo(picture)
    return folders


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no such folder": (lambda folder: folder / "bad", "bad cannot be read: No such file or directory."),
    "another file": (_other_file, "bad.xlsx is in none of the layouts of FER2013."),
    "a class without folder": (_without_class, "PublicTest has no folder fear."),
    "a folder of no class": (_with_folder("Training/contempt"), "contempt is none of the folders angry, "),
    "a class twice": (_with_folder("Training/joy"), "has several folders for happy: happy and joy."),
    "a folder of no split": (_with_folder("extra"), "extra is none of the folders Training, PublicTest,"),
    "a split twice": (_with_folder("Test"), "several folders for PrivateTest: PrivateTest and Test."),
    "an empty picture": (_with_bad_picture(b""), "00001.png: the picture is empty: The file is empty."),
    "a pipe that nobody writes to": (
        _with_pipe,
        "00001.png: the picture cannot be read: it is not a regular file",
    ),
    "no picture": (_with_bad_picture(b"text"), "00001.png: the picture is not-an-image: "),
    "no list": (lambda folder: folder / "bad.txt", "bad.txt cannot be read: No such file or directory."),
    "no label": (_list("a.png"), "bad.txt, line 2: it has no label."),
    "label 7": (_list("a.png 7"), "bad.txt, line 2: '7' is neither a label nor a split."),
    "a label misspelt": (
        _list("", "a.png hapy Training"),
        "line 3: 'hapy' is neither a label nor a split.",
    ),
    "no split": (_list("a.png happy Tets"), "line 2: 'Tets' is neither a label nor a split."),
    "no listed picture": (
        _list("b.png 3"),
        "b.png: the picture cannot be read: No such file or directory.",
    ),
    "an empty TFRecord": (_cut(0), "bad.tfrecord is empty."),
    "a TFRecord cut off in a header": (_cut(5), "bad.tfrecord, record 1: the file is cut off here."),
    "a TFRecord cut off in a record": (_cut(3000), "bad.tfrecord, record 2: the file is cut off here."),
    "a TFRecord cut off at its end": (_cut(-1), "bad.tfrecord, record 133: the file is cut off here."),
    "a length changed": (_changed(3), "record 1: this is not a TFRecord, or it is damaged here."),
    "a pixel changed": (_changed(900), "record 1: its bytes do not fit their checksum."),
    "rows twice": (_twice, "bad.tfrecord, record 134: its row is 0, as that of another."),
    "no example": (_records(b"\xff"), "bad.tfrecord, record 1: it is not a tf.train.Example."),
    "an empty example": (_records(b""), "bad.tfrecord, record 1: it has no feature label of one integer."),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_named(name: str, tmp_path: Path) -> None:
    make, message = BAD[name]
    assert message in refusal(make(tmp_path))


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out", "out.txt", "out.tfrecord"])
def test_what_cannot_be_written_is_a_report_error(name: str, tmp_path: Path) -> None:
    source = made_up.write(tmp_path / "made_up.csv")
    with pytest.raises(ReportError, match=r"folder(/out.*)? cannot be written: Not a directory\."):
        convert(source, source / "folder" / name, lambda _: None)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out", "out.txt", "out.tfrecord"])
def test_a_row_that_breaks_halfway_leaves_nothing(name: str, tmp_path: Path) -> None:
    content = made_up.rows()
    content[99]["pixels"] = "1 2 3"
    source = made_up.write(tmp_path / "made_up.csv", content)
    with pytest.raises(UsageError, match=r"made_up\.csv, row 100: 3 pixels instead of 2304\."):
        convert(source, tmp_path / name, lambda _: None)
    assert list(tmp_path.iterdir()) == [source]


def test_a_list_takes_no_place_of_a_folder_of_pictures(tmp_path: Path) -> None:
    source = made_up.write(tmp_path / "made_up.csv")
    save(tmp_path / "out" / "mine.png", PICTURES[0])
    with pytest.raises(UsageError, match=r"out exists already\."):
        convert(source, tmp_path / "out.txt", lambda _: None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.png"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert read_pictures(converted(tmp_path, "out"), Split).keys() == set(Split)


def test_a_csv_of_some_rows_counts_them_anew(tmp_path: Path) -> None:
    folders = converted(tmp_path, "folders")
    (folders / "Training" / "angry" / "00000.png").unlink()
    assert convert(folders, tmp_path / "kept.tfrecord", lambda _: None).votes_fit
    assert not convert(folders, tmp_path / "lost.csv", lambda _: None).votes_fit


def test_examples_of_tensorflow_are_read_past_other_features(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    train = tensorflow.train
    png = cv2.imencode(".png", PICTURES[5])[1].tobytes()
    features = {
        "image": train.Feature(bytes_list=train.BytesList(value=[png])),
        "label": train.Feature(int64_list=train.Int64List(value=[5])),
        "weight": train.Feature(float_list=train.FloatList(value=[0.5, 0.25])),
        "negative": train.Feature(int64_list=train.Int64List(value=[-1])),
    }
    example = train.Example(features=train.Features(feature=features))
    with tensorflow.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        writer.write(example.SerializeToString())
        writer.write(example.SerializeToString())
    read = read_pictures(tmp_path / "a.tfrecord", [Split.TRAINING])[Split.TRAINING]
    np.testing.assert_array_equal(read.pixels, PICTURES[[5, 5]])
    assert (read.labels.tolist(), read.rows.tolist()) == ([5, 5], [0, 1])


def test_tensorflow_reads_what_is_written(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    path = converted(tmp_path, "a.tfrecord")
    kinds = {name: tensorflow.io.FixedLenFeature([], tensorflow.int64) for name in ("label", "row")}
    kinds |= {name: tensorflow.io.FixedLenFeature([], tensorflow.string) for name in ("image", "split")}
    read = [
        tensorflow.io.parse_single_example(item, kinds)
        for item in tensorflow.data.TFRecordDataset(str(path))
    ]
    assert [int(example["row"]) for example in read] == list(range(133))
    assert [int(example["label"]) for example in read] == [int(row["emotion"]) for row in made_up.rows()]
    assert [example["split"].numpy().decode() for example in read] == [
        row["Usage"] for row in made_up.rows()
    ]
    pixels = np.stack([tensorflow.io.decode_raw(example["image"], "uint8").numpy() for example in read])
    expected = np.concatenate([made_up.pictures(split)[0] for split in made_up.COUNTS])
    np.testing.assert_array_equal(pixels.reshape(-1, 48, 48), expected)
