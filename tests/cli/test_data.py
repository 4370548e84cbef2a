import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fercli.cli.commands import app
from fercli.fer2013 import Split, read_pictures
from fercli.records import EXPRESSIONS
from tests.fer2013.made_up import BAD, COUNTS, VOTERS, rows, write

NAMES = dict(
    zip(("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"), range(7), strict=True)
)


def data(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def inspected(*arguments: str | Path) -> dict[str, Any]:
    result = data("inspect", *arguments, "--format", "json")
    read: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (3 if read["broken"] else 0, "")
    return read


def write_votes(path: Path, labels: list[int], votes: int = 10) -> Path:
    """Ten votes a row for its own label."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["Usage", "Image name", *VOTERS])
        writer.writeheader()
        for label in labels:
            writer.writerow(
                dict.fromkeys(VOTERS, 0) | {name: votes for name, place in NAMES.items() if place == label}
            )
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "fer2013.csv.gz")


@pytest.mark.parametrize("way", [["a.csv"], ["folders"], ["list.txt"], ["a.tfrecord"],
                                 ["folders", "lists/list.txt", "a.tfrecord", "b.csv.gz"]])  # fmt: skip
def test_there_and_back_nothing_changes(way: list[str], source: Path, tmp_path: Path) -> None:
    before, expected = source, read_pictures(source, Split)
    for name in way:
        result = data("convert", before, tmp_path / name)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.endswith(f"{tmp_path / name}: Training 56, PublicTest 35, PrivateTest 42.\n")
        before = tmp_path / name
        read = read_pictures(before, Split)
        for split, pictures in expected.items():
            for part in ("pixels", "labels", "rows"):
                np.testing.assert_array_equal(getattr(read[split], part), getattr(pictures, part))


def test_tensorflow_reads_the_tfrecord(source: Path, tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    assert data("convert", source, tmp_path / "a.tfrecord").exit_code == 0
    records = list(tensorflow.data.TFRecordDataset(str(tmp_path / "a.tfrecord")))
    assert len(records) == sum(COUNTS.values())
    kinds = {name: tensorflow.io.FixedLenFeature([], tensorflow.int64) for name in ("label", "row")}
    kinds |= {name: tensorflow.io.FixedLenFeature([], tensorflow.string) for name in ("image", "split")}
    example = tensorflow.io.parse_single_example(records[60], kinds)
    public = read_pictures(source, [Split.PUBLIC])[Split.PUBLIC]
    place = int(np.flatnonzero(public.rows == 60)[0])
    assert int(example["label"]) == public.labels[place]
    assert example["split"].numpy() == b"PublicTest"
    image = tensorflow.io.decode_raw(example["image"], tensorflow.uint8).numpy().reshape(48, 48)
    np.testing.assert_array_equal(image, public.pixels[place])


def test_what_is_there_is_not_written_over(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = data("convert", source, tmp_path / "mine.txt")
    assert result.exit_code == 2
    assert "mine.txt exists already.\nRemove it first" in result.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", [name for name in BAD if name != "no rows of a split"])
def test_a_broken_source_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    make, message = BAD[name]
    source = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = data("convert", source, tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("cut", [0, 5, 700, -1])
def test_a_tfrecord_that_was_cut_off_is_named(cut: int, source: Path, tmp_path: Path) -> None:
    assert data("convert", source, tmp_path / "a.tfrecord").exit_code == 0
    (tmp_path / "cut.tfrecord").write_bytes((tmp_path / "a.tfrecord").read_bytes()[:cut])
    result = data("convert", tmp_path / "cut.tfrecord", tmp_path / "out")
    assert result.exit_code == 2
    assert "cut.tfrecord" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_bit_that_fell_over_is_noticed(source: Path, tmp_path: Path) -> None:
    assert data("convert", source, tmp_path / "a.tfrecord").exit_code == 0
    content = bytearray((tmp_path / "a.tfrecord").read_bytes())
    content[len(content) // 2] ^= 4
    (tmp_path / "b.tfrecord").write_bytes(content)
    result = data("convert", tmp_path / "b.tfrecord", tmp_path / "out")
    assert result.exit_code == 2
    assert "b.tfrecord" in result.stderr


def test_a_class_without_a_folder_is_named(source: Path, tmp_path: Path) -> None:
    assert data("convert", source, tmp_path / "folders").exit_code == 0
    for path in (tmp_path / "folders" / "Training" / "fear").iterdir():
        path.unlink()
    (tmp_path / "folders" / "Training" / "fear").rmdir()
    result = data("inspect", tmp_path / "folders")
    assert result.exit_code == 2
    assert "fear" in result.stderr


def test_inspect_counts_copies_and_labels(tmp_path: Path) -> None:
    content = rows()
    first = content[0]
    content.append(first | {"emotion": "3"})  # the same picture with another label
    content.append(first | {"Usage": "PublicTest"})
    found = inspected(write(tmp_path / "fer2013.csv", content))
    assert sum(found["counts"]["Training"].values()) == COUNTS["Training"] + 1
    assert list(found["counts"]["Training"]) == list(EXPRESSIONS)
    assert found["exact"]["inside"] == {"Training": 2, "PublicTest": 0, "PrivateTest": 0}
    assert found["exact"]["across"]["PublicTest in Training"] == 1
    assert found["exact"]["across"]["Training in PublicTest"] == 2
    assert found["exact"]["conflicts"] == 3
    assert found["near"]["inside"]["Training"] >= 2
    assert found["broken"] == []


def test_a_lightened_and_cropped_copy_is_a_near_one(samples: Path, tmp_path: Path) -> None:
    photo = cv2.imread(str(samples / "astronaut-eileen-collins.jpg"), cv2.IMREAD_GRAYSCALE)
    assert photo is not None
    face = cv2.resize(photo[40:200, 150:310], (48, 48), interpolation=cv2.INTER_AREA)
    other = cv2.resize(photo[41:201, 151:310], (48, 48), interpolation=cv2.INTER_AREA) * 0.8 + 30
    content = rows()
    for picture, usage in ((face, "Training"), (other.astype(np.uint8), "PrivateTest")):
        content.append({"emotion": "3", "pixels": " ".join(map(str, picture.ravel())), "Usage": usage})
    found = inspected(write(tmp_path / "fer2013.csv", content))
    before = inspected(write(tmp_path / "before.csv", rows()))
    name = "PrivateTest in Training"
    assert found["exact"]["across"][name] == before["exact"]["across"][name]
    assert found["near"]["across"][name] == before["near"]["across"][name] + 1


def test_inspect_goes_on_past_broken_rows(tmp_path: Path) -> None:
    content = rows()
    content[4] = content[4] | {"emotion": "9"}
    content[7] = content[7] | {"pixels": "1 2 3"}
    path = write(tmp_path / "fer2013.csv", content)
    found = inspected(path)
    assert [row["where"] for row in found["broken"]] == [f"{path}, row 5", f"{path}, row 8"]
    assert "the label is '9'" in found["broken"][0]["reason"]
    assert sum(found["counts"]["Training"].values()) == COUNTS["Training"] - 2
    result = data("inspect", path)
    assert result.exit_code == 3
    printed = result.stdout
    assert "Broken rows: 2" in printed
    assert "the label is '9', not 0 to 6" in printed


def test_what_was_taken_for_what_is_told_beside_the_data(tmp_path: Path) -> None:
    content = [row | {" pixels": row["pixels"]} for row in rows()]
    path = write(tmp_path / "my data.csv", content, ("emotion", " pixels", "Usage"))
    result = data("inspect", path, "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["broken"] == []
    assert result.stderr == f"'{path}': it was read with ' pixels' for pixels.\n"
    result = data("convert", path, tmp_path / "out of it.csv")
    assert result.stderr.splitlines() == [
        f"'{path}': it was read with ' pixels' for pixels.",
        f"'{tmp_path / 'out of it.csv'}': Training 56, PublicTest 35, PrivateTest 42.",
    ]


def test_a_name_of_two_lines_is_one_line_of_the_message(tmp_path: Path) -> None:
    content = rows()
    content[0]["emotion"] = "9"
    result = data("convert", write(tmp_path / "two\nlines.csv", content), tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        f"fercli: '{tmp_path}/two\\nlines.csv', row 1: the label is '9', not 0 to 6."
    )


def test_inspect_tells_of_votes(source: Path, tmp_path: Path) -> None:
    labels = [int(row["emotion"]) for row in rows()]
    wrong = [*labels[:-7], *((label + 1) % 7 for label in labels[-7:])]
    found = inspected(source, "--ferplus", write_votes(tmp_path / "votes.csv", wrong))
    assert found["votes"]["Training"] == {"pictures": 56, "agreement": 1.0}
    assert found["votes"]["PrivateTest"] == {"pictures": 42, "agreement": pytest.approx(35 / 42)}
    (tmp_path / "rows_from_jpeg.txt").write_text("0\n1\n")
    found = inspected(source, "--ferplus", tmp_path / "votes.csv")
    assert found["votes"]["Training"]["pictures"] == 54
    found = inspected(source, "--ferplus", write_votes(tmp_path / "few.csv", labels, 4))
    assert found["votes"]["Training"] == {"pictures": 0, "agreement": 0.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Usage,neutral\n", "has no column anger and no column disgust"),
        (f"{','.join(VOTERS)}\n{','.join('x' * 10)}\n", "row 1: the votes are not all whole numbers."),
        (f"{','.join(VOTERS)}\n{','.join('1' * 10)}\n", "has 1 row, and the data has a row 56."),
    ],
)
def test_votes_that_do_not_fit_are_refused(text: str, message: str, source: Path, tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(text)
    result = data("inspect", source, "--ferplus", tmp_path / "votes.csv")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Give FER+'s own fer2013new.csv" in result.stderr


def test_the_contact_sheet_shows_every_class_of_every_split(source: Path, tmp_path: Path) -> None:
    assert data("inspect", source, "--contact-sheet", tmp_path / "sheet.png").exit_code == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    assert sheet.shape == (3 * (24 + 7 * 48), 96 + 16 * 48)
    training = read_pictures(source, [Split.TRAINING])[Split.TRAINING]
    angry = training.pixels[training.labels == 0][0]
    np.testing.assert_array_equal(sheet[24:72, 96:144], angry)


def test_a_sheet_that_cannot_be_written_is_one_sentence(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = data("inspect", source, "--contact-sheet", tmp_path / "file" / "sheet.png")
    assert result.exit_code == 6
    assert "cannot be written" in result.stderr


@pytest.mark.fer2013
def test_fer2013_itself(fer2013: Path) -> None:
    votes = fer2013.with_name("fer2013new.csv")
    arguments: list[str | Path] = ["--ferplus", votes] if votes.is_file() else []
    found = inspected(fer2013, *arguments)
    assert [sum(counts.values()) for counts in found["counts"].values()] == [28709, 3589, 3589]
    assert found["exact"]["across"]["PrivateTest in Training"] == 288
    assert found["broken"] == []
    if votes.is_file():
        assert [part["pictures"] for part in found["votes"].values()] == [28405, 3558, 3549]
