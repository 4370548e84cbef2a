from pathlib import Path

import pytest

from fercli.errors import UsageError
from fercli.own_photos.labels import FolderLabels, Label
from fercli.own_photos.table import TableLabels

HAPPY, SAD, NEUTRAL = 3, 4, 6


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("own/happy/1.jpg", Label(HAPPY)),
        ("own/Sadness/1.jpg", Label(SAD)),
        ("own/3_happy/1.jpg", Label(HAPPY)),
        ("own/happy/Anna/1.jpg", Label(HAPPY, "Anna")),
        ("own/Anna/happy/1.jpg", Label(HAPPY, "Anna")),
        ("own/happy/Anna/2024/1.jpg", Label(HAPPY, "Anna")),
        ("own/images/happy/Anna/1.jpg", Label(HAPPY, "Anna")),
        ("own/images/Anna/happy/1.jpg", Label(HAPPY, "Anna")),
        ("own/images/train/happy/1.jpg", Label(HAPPY)),
        ("own/happy/joy/1.jpg", Label(HAPPY, "happy")),
        ("own/train/happy/1.jpg", Label(HAPPY)),
        ("own/val/happy/Anna/1.jpg", Label(HAPPY, "Anna")),
        ("own/1.jpg", Label(None, "", "none of its folders names an expression")),
        ("own/Anna/1.jpg", Label(None, "", "none of its folders names an expression")),
        ("own/4/1.jpg", Label(None, "", "none of its folders names an expression")),
        ("own/contempt/1.jpg", Label(None, "", "none of its folders names an expression")),
        ("own/happy/sad/1.jpg", Label(None, "", "its folders name happy and sad")),
        ("elsewhere/happy/1.jpg", Label(HAPPY)),
        ("zip://faces/happy/Anna/1.jpg::own/photos.zip", Label(HAPPY, "Anna")),
        ("zip://1.jpg::own/happy.zip", Label(HAPPY)),
        ("s3://bucket/own/happy/Anna/1.jpg", Label(HAPPY, "Anna")),
    ],
)
def test_folders_name_the_expression_and_the_person(path: str, label: Label) -> None:
    """A number names no expression: data sets count them in different orders."""
    assert FolderLabels(["own", "s3://bucket/own"]).of(path) == label


def test_a_given_folder_may_itself_be_named_as_an_expression(tmp_path: Path) -> None:
    roots = [str(tmp_path / "happy"), str(tmp_path / "sad")]
    assert FolderLabels(roots).of(f"{roots[1]}/Anna/1.jpg") == Label(SAD, "Anna")
    assert FolderLabels(roots).of(f"{roots[0]}/1.jpg") == Label(HAPPY)
    assert FolderLabels([f"{roots[0]}/1.jpg"]).of(f"{roots[0]}/1.jpg") == Label(HAPPY)
    # An expression further down is nearer to the photo.
    assert FolderLabels(roots).of(f"{roots[0]}/neutral/1.jpg") == Label(NEUTRAL)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        (folder / name).touch()
    return folder


def table(path: Path, content: str | bytes, photos: Path) -> TableLabels:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TableLabels(path, [str(photos)])


ROWS = "path,expression,person\na.jpg,happy,Anna\nsub/c.jpg,Sadness,\n"


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        ROWS.replace(",", ";"),
        ROWS.replace(",", "\t"),
        ROWS.replace("\n", "\r\n"),
        ROWS.replace("path,expression,person", "File Name,Emotion,Subject_ID"),
        "who,label,rating,image\nAnna,happy,5,a.jpg\n,sad,3,sub/c.jpg\n\n",
        ROWS.replace("a.jpg", '"a.jpg"').replace("sub/c.jpg", "sub\\c.jpg"),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.encode("utf-16"),
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(
    content: str | bytes, photos: Path, tmp_path: Path
) -> None:
    labels = table(tmp_path / "labels.csv", content, photos)
    assert labels.of(str(photos / "a.jpg")) == Label(HAPPY, "Anna")
    assert labels.of(str(photos / "sub" / "c.jpg")) == Label(SAD)
    assert labels.unused() == []
    assert labels.of(str(photos / "b.jpg")) == Label(
        None, "", f"{tmp_path / 'labels.csv'} does not have it"
    )


def test_paths_begin_at_the_table_or_at_the_photos(photos: Path, tmp_path: Path) -> None:
    rows = f"path,expression\nmy photos/a.jpg,happy\nb.jpg,sad\n{photos}/sub/c.jpg,neutral\n"
    labels = table(tmp_path / "labels.csv", rows, photos)
    found = [labels.of(str(photos / name)).expression for name in ("a.jpg", "b.jpg", "sub/../sub/c.jpg")]
    assert found == [HAPPY, SAD, NEUTRAL]


def test_a_label_that_is_none_says_why(photos: Path, tmp_path: Path) -> None:
    rows = "path,expression\na.jpg,contempt\nb.jpg,\nsub/c.jpg,happy\nsub/c.jpg,sad\n"
    labels = table(tmp_path / "labels.csv", rows, photos)
    assert "its label is 'contempt', none of angry, disgust" in labels.of(str(photos / "a.jpg")).reason
    assert labels.of(str(photos / "b.jpg")).reason == "its label is empty"
    assert labels.of(str(photos / "sub" / "c.jpg")).reason.endswith("labels.csv has several labels for it")


def test_the_same_label_twice_is_one(photos: Path, tmp_path: Path) -> None:
    labels = table(tmp_path / "labels.csv", "path,label\na.jpg,happy\n./a.jpg,joy\n", photos)
    assert labels.of(str(photos / "a.jpg")) == Label(HAPPY)


def test_rows_whose_photo_is_not_read_are_named(photos: Path, tmp_path: Path) -> None:
    labels = table(tmp_path / "labels.csv", "path,label\ngone.jpg,happy\na.jpg,sad\n", photos)
    labels.of(str(photos / "a.jpg"))
    assert labels.unused() == [f"{tmp_path / 'labels.csv'}, row 1: gone.jpg"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no column path and no column expression; it has none"),
        ("path,mood\na.jpg,happy\n", "has no column expression; it has path, mood"),
        ("a.jpg,happy\nb.jpg,sad\n", "has no column path and no column expression; it has a.jpg, happy"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_what_is_no_such_table_is_refused(
    content: str | bytes, message: str, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        table(tmp_path / "labels.csv", content, photos)
    assert caught.value.remedy.startswith("Give a CSV with a line of headings: path, expression")


def test_a_table_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.csv cannot be read: No such file or directory\."):
        TableLabels(tmp_path / "gone.csv", [])
