from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fercli.copies import Copies
from fercli.errors import ReportError, UsageError
from fercli.images import decode
from fercli.records import Box, Face, Photo
from fercli.sources import find_photos

HAPPY = (0.01, 0.01, 0.01, 0.9, 0.01, 0.01, 0.05)
SAD = (0.01, 0.01, 0.01, 0.05, 0.9, 0.01, 0.01)
FACES = (
    Face(Box(20, 60, 120, 160), 0.9, None, HAPPY),
    Face(Box(320, 60, 380, 120), 0.9, None, SAD),
)


def picture(path: Path, suffix: str = ".png") -> Path:
    """Red on the left, blue on the right."""
    rgb = np.full((200, 400, 3), (200, 40, 40), np.uint8)
    rgb[:, 200:] = (40, 40, 200)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(suffix, rgb[:, :, ::-1])[1].tobytes())
    return path


def photo(path: Path | str, faces: tuple[Face, ...] = FACES) -> Photo:
    return Photo(str(path), faces, 400, 200)


def copied(annotate: Path | None, crops: Path | None, sources: list[str], photos: list[Photo]) -> None:
    copies = Copies(annotate, crops, sources)
    for each in photos:
        copies.add(each)
    copies.finish()


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


class TestTree:
    def test_below_one_folder_as_in_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("a.png", "deep/er/a.png", "deep/b.jpg"):
            picture(tmp_path / "in" / name, Path(name).suffix)
        paths = ["in/a.png", "in/deep/er/a.png", "in/deep/b.jpg"]
        copied(Path("boxes"), Path("faces"), ["in"], [photo(path) for path in paths])
        assert files(tmp_path / "boxes") == ["a.png.jpg", "deep/b.jpg", "deep/er/a.png.jpg"]
        assert files(tmp_path / "faces") == [
            "happy/a.png.face0.jpg", "happy/deep/b.jpg.face0.jpg", "happy/deep/er/a.png.face0.jpg",
            "sad/a.png.face1.jpg", "sad/deep/b.jpg.face1.jpg", "sad/deep/er/a.png.face1.jpg",
        ]  # fmt: skip

    def test_of_several_sources_by_the_whole_path_and_never_outside(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        one, other = picture(tmp_path / "x" / "a.png"), picture(tmp_path / "here" / "y" / "a.png")
        copied(Path("boxes"), None, ["../x", "y"], [photo("../x/a.png"), photo("y/a.png"), photo(one)])
        whole = one.resolve().relative_to("/").as_posix()
        assert files(tmp_path / "here" / "boxes") == sorted(["x/a.png.jpg", "y/a.png.jpg", f"{whole}.jpg"])
        assert files(tmp_path / "x") == ["a.png"]
        assert other.exists()

    def test_a_folder_with_a_slash_at_its_end_and_the_current_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picture(tmp_path / "in" / "a.png")
        monkeypatch.chdir(tmp_path / "in")
        copied(tmp_path / "one", None, ["../in/"], [photo("../in/a.png")])
        copied(tmp_path / "two", None, ["."], [photo("./a.png")])
        assert files(tmp_path / "one") == files(tmp_path / "two") == ["a.png.jpg"]

    @pytest.mark.parametrize("given", ["./in", "in//", "./in/.", "file://localhost{}/in"])
    def test_a_folder_however_it_is_spelled(
        self, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picture(tmp_path / "in" / "deep" / "a.png")
        monkeypatch.chdir(tmp_path)
        given = given.format(tmp_path)
        copied(tmp_path / "boxes", None, [given], [photo(path) for path in find_photos([given])])
        assert files(tmp_path / "boxes") == ["deep/a.png.jpg"]

    @pytest.mark.parametrize("letter", ["a", "é", "名"])
    def test_a_name_that_is_as_long_as_can_be(self, letter: str, tmp_path: Path) -> None:
        stem = letter * (250 // len(letter.encode()))
        paths = [picture(tmp_path / "in" / f"{stem}{number}.png") for number in (1, 2)]
        copied(tmp_path / "boxes", tmp_path / "faces", [str(tmp_path / "in")], list(map(photo, paths)))
        for made, count in (("boxes", 2), ("faces", 4)):
            names = [Path(name).name for name in files(tmp_path / made)]
            assert len(set(names)) == count
            assert all(name.startswith(letter * 70) and name.endswith(".jpg") for name in names)


class TestPictures:
    def test_a_crop_shows_its_face_and_a_copy_the_photo(self, tmp_path: Path) -> None:
        path = picture(tmp_path / "in" / "a.png")
        copied(tmp_path / "boxes", tmp_path / "faces", [str(path.parent)], [photo(path)])
        happy = decode((tmp_path / "faces" / "happy" / "a.png.face0.jpg").read_bytes())
        sad = decode((tmp_path / "faces" / "sad" / "a.png.face1.jpg").read_bytes())
        assert np.allclose(happy.mean(axis=(0, 1)), (200, 40, 40), atol=4)
        assert np.allclose(sad.mean(axis=(0, 1)), (40, 40, 200), atol=4)
        assert happy.shape == (120, 120, 3)
        boxes = decode((tmp_path / "boxes" / "a.png.jpg").read_bytes())
        # A photo of 200 pixels is drawn twice as large.
        assert boxes.shape == (400, 800, 3)
        assert np.allclose(boxes[380, 400 - 60], (200, 40, 40), atol=6)

    def test_a_photo_without_faces_unread_or_gone_has_none(self, tmp_path: Path) -> None:
        path = picture(tmp_path / "in" / "a.png")
        (tmp_path / "in" / "b.png").write_bytes(b"changed since")
        photos = [
            photo(path, ()), Photo(str(path), error="empty: x"), photo(tmp_path / "in" / "gone.png"),
            photo(tmp_path / "in" / "b.png"),
        ]  # fmt: skip
        copied(tmp_path / "boxes", tmp_path / "faces", [str(path.parent)], photos)
        assert not (tmp_path / "boxes").exists()
        assert not (tmp_path / "faces").exists()


class TestWhatIsNotReplaced:
    def test_an_earlier_copy_is(self, tmp_path: Path) -> None:
        path = picture(tmp_path / "in" / "a.png")
        for faces in (FACES, FACES[:1]):
            copied(tmp_path / "boxes", None, [str(path.parent)], [photo(path, faces)])
        again = (tmp_path / "boxes" / "a.png.jpg").read_bytes()
        copied(tmp_path / "fresh", None, [str(path.parent)], [photo(path, FACES[:1])])
        assert again == (tmp_path / "fresh" / "a.png.jpg").read_bytes()

    @pytest.mark.parametrize("make", ["file", "photo", "empty", "folder", "link", "dangling"])
    def test_anything_else_in_a_pictures_place(self, tmp_path: Path, make: str) -> None:
        path = picture(tmp_path / "in" / "a.png")
        place = tmp_path / "boxes" / "a.png.jpg"
        place.parent.mkdir()
        match make:
            case "file":
                place.write_text("mine")
            case "photo":
                picture(place, ".jpg")
            case "empty":
                place.touch()
            case "folder":
                place.mkdir()
            case "link":
                place.symlink_to(path)
            case _:
                place.symlink_to(tmp_path / "nowhere")
        before = path.read_bytes()
        held = place.read_bytes() if place.is_file() else None
        with pytest.raises(ReportError) as caught:
            copied(tmp_path / "boxes", tmp_path / "faces", [str(path.parent)], [photo(path)])
        assert "a.png.jpg" in caught.value.message
        assert path.read_bytes() == before
        assert (place.read_bytes() if place.is_file() else None) == held
        assert not (tmp_path / "nowhere").exists()
        assert len(files(tmp_path / "faces")) == 2, "the other pictures are there"

    @pytest.mark.parametrize("where", ["in", "in/below", "in/a.png"])
    def test_a_folder_that_photos_are_read_from(self, tmp_path: Path, where: str) -> None:
        path = picture(tmp_path / "in" / "a.png")
        for annotate, crops in ((tmp_path / where, None), (None, tmp_path / where)):
            for folder in (str(path.parent), path.parent.as_uri()):
                with pytest.raises(UsageError):
                    Copies(annotate, crops, [folder])

    def test_a_link_to_a_folder_that_photos_are_read_from(self, tmp_path: Path) -> None:
        path = picture(tmp_path / "in" / "a.png")
        (tmp_path / "link").symlink_to(path.parent)
        with pytest.raises(UsageError):
            Copies(tmp_path / "link", None, [str(path.parent)])


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    path = picture(tmp_path / "in" / "a.png")
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "deep").write_text("a file where a folder should be")
    deep = picture(tmp_path / "in" / "deep" / "a.png")
    with pytest.raises(ReportError) as caught:
        copied(tmp_path / "boxes", None, [str(path.parent)], [photo(deep)])
    assert "deep" in caught.value.message
