import csv
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fercli.analyzer import prepare
from fercli.cli.commands import app
from fercli.defaults import MIN_FACE, MIN_SCORE
from fercli.detectors import load_detector
from fercli.fer2013 import Split, read_pictures
from fercli.images import read_picture
from fercli.records import EXPRESSIONS

SAMPLES = Path(__file__).parents[2] / "samples" / "photos"
HOPPER, COLLINS = SAMPLES / "admiral-grace-hopper.jpg", SAMPLES / "astronaut-eileen-collins.jpg"
OBAMA, BIDEN = SAMPLES / "president-obama-portrait.jpg", SAMPLES / "vice-president-biden.jpg"
GROUP, CAT = SAMPLES / "group.jpg", SAMPLES / "cat-chelsea-no-face.jpg"


def crop(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["data", "crop", *map(str, arguments)])


def lay_out(root: Path, photos: Mapping[str, Path | bytes]) -> Path:
    """A folder of photos: copies of samples, or bytes."""
    for name, content in photos.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copy(content, path)
    return root


def listed(out: Path) -> dict[str, dict[str, str]]:
    """The rows of photos.csv, by the photos' names."""
    with (out / "photos.csv").open(encoding="utf-8", newline="") as file:
        return {Path(row["path"]).name: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos in folders of expressions and people, and all that can be wrong with one."""
    return lay_out(
        tmp_path_factory.mktemp("photos") / "own",
        {
            "neutral/Hopper/hopper.jpg": HOPPER,
            "happy/Hopper/again.jpg": HOPPER,
            "Happiness/Collins/collins.jpg": COLLINS,
            "happy/Obama/obama.jpg": OBAMA,
            "neutral/Biden/biden.jpg": BIDEN,
            "happy/group.jpg": GROUP,
            "neutral/cat.jpg": CAT,
            "sad/torn.jpg": HOPPER.read_bytes()[:5000],
            "sad/empty.jpg": b"",
            "Biden/biden-too.jpg": BIDEN,
            "happy/notes.txt": b"no photo",
        },
    )


@pytest.fixture(scope="module")
def made(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("made") / "faces"
    return out, crop(folders, "--out", out)


def test_every_photo_is_used_or_counted_and_named(made: tuple[Path, Result], folders: Path) -> None:
    out, result = made
    assert (result.exit_code, result.stdout) == (3, "")  # two photos could not be read
    said = result.stderr.splitlines()
    assert said[:6] == [
        f"1 photo without a face: {folders / 'neutral' / 'cat.jpg'}.",
        f"1 photo with several faces: {folders / 'happy' / 'group.jpg'}.",
        f"2 photos that could not be read: {folders / 'sad' / 'empty.jpg'},"
        f" {folders / 'sad' / 'torn.jpg'}.",
        f"1 photo without a label: {folders / 'Biden' / 'biden-too.jpg'}.",
        "Left out in folders: 1 with another suffix (.txt).",
        said[5],
    ]
    assert said[5].startswith(f"{out}: Training ")
    assert said[5].endswith("; 5 of 10 photos.")
    assert len(said) == 6
    rows = listed(out)
    assert len(rows) == 10
    assert {name: row["outcome"] for name, row in rows.items() if row["outcome"] != "used"} == {
        "cat.jpg": "no face", "group.jpg": "several faces", "empty.jpg": "unreadable",
        "torn.jpg": "unreadable", "biden-too.jpg": "no label",
    }  # fmt: skip
    assert all(bool(row["reason"]) is (row["outcome"] != "used") for row in rows.values())
    assert rows["torn.jpg"]["reason"].startswith("truncated: ")


def test_train_and_evaluate_read_what_was_made(made: tuple[Path, Result]) -> None:
    out, _ = made
    told: list[str] = []
    splits = read_pictures(out, Split, told.append)
    assert told == []  # the pictures are FER2013's own kind: 48x48, grey
    found = {
        int(row): (split, EXPRESSIONS[label])
        for split, pictures in splits.items()
        for row, label in zip(pictures.rows, pictures.labels, strict=True)
    }
    used = [row for row in listed(out).values() if row["outcome"] == "used"]
    assert found == {int(row["picture"]): (Split(row["split"]), row["expression"]) for row in used}
    result = CliRunner().invoke(app, ["evaluate", "default", "--data", str(out), "--format", "json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["split"] == "PrivateTest"


def test_a_face_is_framed_as_prediction_frames_it(made: tuple[Path, Result]) -> None:
    out, _ = made
    detector = load_detector("mtcnn", MIN_FACE, MIN_SCORE, 1)
    for name, photo in {"hopper.jpg": HOPPER, "collins.jpg": COLLINS, "biden.jpg": BIDEN}.items():
        seen = prepare("", lambda photo=photo: read_picture(str(photo)), detector).crops[0]  # type: ignore[misc] # of a default
        row = listed(out)[name]
        path = out / row["split"] / row["expression"] / f"{int(row['picture']):05d}.png"
        kept = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert kept is not None
        assert kept.shape == (48, 48)
        assert np.abs(kept.astype(float) - 255 * seen).max() <= 1


def test_a_person_is_in_one_part(made: tuple[Path, Result]) -> None:
    out, _ = made
    rows = listed(out)
    assert rows["hopper.jpg"]["person"] == "Hopper"
    assert rows["hopper.jpg"]["split"] == rows["again.jpg"]["split"]
    assert {row["split"] for row in rows.values() if row["split"]} == {*Split}


def test_the_same_photos_give_the_same_bytes(
    made: tuple[Path, Result], folders: Path, tmp_path: Path
) -> None:
    assert crop(folders, "--out", tmp_path / "again").exit_code == 3
    for path in made[0].rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(made[0])).read_bytes() == path.read_bytes()


def test_a_table_gives_labels_and_people(tmp_path: Path) -> None:
    photos = lay_out(
        tmp_path / "photos", {"1.jpg": HOPPER, "2.jpg": COLLINS, "3.jpg": BIDEN, "4.jpg": OBAMA}
    )
    rows = "path,expression,person\n1.jpg,neutral,Grace\n2.jpg,joy,Eileen\n3.jpg,wow,Joe\ngone.jpg,sad,\n"
    (tmp_path / "labels.csv").write_text(rows)
    out = tmp_path / "out"
    result = crop(photos, "--labels", tmp_path / "labels.csv", "--out", out, "--split", "1,1,0")
    assert result.exit_code == 3, result.stderr
    assert f"2 photos without a label: {photos / '3.jpg'}, {photos / '4.jpg'}." in result.stderr
    assert f"1 label without a photo: {tmp_path / 'labels.csv'}, row 4: gone.jpg." in result.stderr
    kept = listed(out)
    assert (kept["2.jpg"]["expression"], kept["2.jpg"]["person"]) == ("happy", "Eileen")
    assert kept["3.jpg"]["reason"].startswith("its label is 'wow', none of angry")
    assert sorted(path.name for path in out.iterdir()) == ["PublicTest", "Training", "photos.csv"]


def test_without_names_copies_stay_together_and_that_is_said(tmp_path: Path) -> None:
    photos = lay_out(
        tmp_path / "photos",
        {f"happy/{number}.jpg": HOPPER for number in range(4)} | {"sad/5.jpg": BIDEN, "sad/6.jpg": OBAMA},
    )
    result = crop(photos, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "Whose face it is, is not known of 6 pictures" in result.stderr
    rows = listed(tmp_path / "out")
    assert len({rows[f"{number}.jpg"]["split"] for number in range(4)}) == 1


def test_parts_that_nobody_is_left_for_are_named(tmp_path: Path) -> None:
    photos = lay_out(tmp_path / "photos", {"Anna/happy/1.jpg": HOPPER, "Anna/sad/2.jpg": BIDEN})
    result = crop(photos, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    first, second = result.stderr.splitlines()
    assert first == f"{tmp_path / 'out'}: Training 2, PublicTest 0, PrivateTest 0; 2 of 2 photos."
    assert second.startswith("PublicTest and PrivateTest got no picture: there is one person only, and no")


def test_faces_that_are_cut_out_already_are_taken_whole(tmp_path: Path) -> None:
    face = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
    photos = lay_out(tmp_path / "photos", {"happy/face.png": cv2.imencode(".png", face)[1].tobytes()})
    result = crop(photos, "--out", tmp_path / "out", "--detector", "none")
    assert result.exit_code == 0, result.stderr
    kept = cv2.imread(str(tmp_path / "out" / "Training" / "happy" / "00000.png"), cv2.IMREAD_UNCHANGED)
    assert kept is not None
    assert np.array_equal(kept, face)


def test_photos_that_are_no_use_are_an_error_that_says_why(tmp_path: Path) -> None:
    photos = lay_out(tmp_path / "photos", {"Anna/1.jpg": HOPPER})
    result = crop(photos, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "1.jpg: none of its folders names an expression." in result.stderr
    assert "a label in a CSV (--labels) or a folder named as its expression" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_without_photos_is_code_4(tmp_path: Path) -> None:
    (tmp_path / "photos" / "happy").mkdir(parents=True)
    result = crop(tmp_path / "photos", "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert "No photo in" in result.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_is_replaced_or_written_into_the_photos(tmp_path: Path) -> None:
    photos = lay_out(tmp_path / "photos", {"happy/1.jpg": HOPPER})
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "link").symlink_to(photos)
    for out, message in {
        photos: "would be written over the photos",
        photos / "faces": "would be written into the folder of photos",
        tmp_path / "link" / "faces": "would be written into the folder of photos",
        SAMPLES: "exists already.",
    }.items():
        result = crop(photos, "--out", out)
        assert result.exit_code == 2, out
        assert message in result.stderr
    (tmp_path / "link").unlink()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "60,40"], "--split 60,40 is not three shares."),
        (["--labels", "gone.csv"], "gone.csv cannot be read: No such file or directory."),
        (["--labels", os.devnull], "has no column path and no column expression; it has none."),
    ],
)
def test_a_mistake_is_a_sentence_before_any_work(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    result = crop(SAMPLES, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_detector_that_is_not_there_is_code_5(tmp_path: Path) -> None:
    result = crop(SAMPLES, "--out", tmp_path / "out", "--detector", "mtcn")
    assert result.exit_code == 5
    assert "mtcn" in result.stderr
    assert list(tmp_path.iterdir()) == []
