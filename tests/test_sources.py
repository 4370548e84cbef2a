from __future__ import annotations

import inspect
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import types
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import find_photos, printable_path, read_photo
from tests.corpus import build

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `photos` in the current folder; a file's content is its name."""
    names = (
        "photos/b.jpg",
        "photos/a.PNG",
        "photos/notes.txt",
        "photos/.hidden.jpg",
        "photos/.hidden/a.jpg",
        "photos/c/deep/z.jpeg",
        "photos/c/a.webp",
        "photos/c.tif",
        "photos/x.jpg/inside.gif",
        "more/d.bmp",
    )
    for name in names:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


EVERYTHING = ["a.PNG", "b.jpg", "c/a.webp", "c/deep/z.jpeg", "c.tif", "x.jpg/inside.gif"]


def under(folder: str, names: list[str]) -> list[str]:
    return [folder + name for name in names]


def kind_of(path: str) -> PhotoErrorKind:
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert "\n" not in caught.value.sentence
    assert caught.value.sentence.endswith(".")
    return caught.value.kind


@pytest.mark.usefixtures("tree")
class TestFolders:
    def test_gives_pictures_by_name_and_leaves_hidden_ones_out(self) -> None:
        assert list(find_photos(["photos"])) == under("photos/", EVERYTHING)

    def test_keeps_the_path_as_it_was_given(self, tree: Path) -> None:
        assert list(find_photos(["./photos"])) == under("./photos/", EVERYTHING)
        assert list(find_photos(["photos/"])) == under("photos/", EVERYTHING)
        assert list(find_photos([f"{tree}/photos"])) == under(f"{tree}/photos/", EVERYTHING)
        assert next(find_photos(["."])) == "./more/d.bmp"

    def test_not_recursive(self) -> None:
        assert list(find_photos(["photos"], recursive=False)) == [
            "photos/a.PNG",
            "photos/b.jpg",
            "photos/c.tif",
        ]

    def test_keeps_the_order_of_the_arguments_and_repeats_what_is_repeated(self) -> None:
        paths = ["photos/b.jpg", "more", "photos/b.jpg", "photos/a.PNG"]
        assert list(find_photos(paths)) == ["photos/b.jpg", "more/d.bmp", "photos/b.jpg", "photos/a.PNG"]

    def test_a_hidden_folder_that_is_given_is_read(self) -> None:
        assert list(find_photos(["photos/.hidden"])) == ["photos/.hidden/a.jpg"]

    def test_links_to_folders_are_followed_but_not_in_circles(self, tree: Path) -> None:
        (tree / "photos" / "more").symlink_to("../more")
        (tree / "photos" / "c" / "up").symlink_to("..")
        (tree / "more" / "back").symlink_to("../photos")
        found = list(find_photos(["photos"]))
        assert sorted(found) == sorted([*under("photos/", EVERYTHING), "photos/more/d.bmp"])

    def test_heic_only_where_it_can_be_read(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tree / "more" / "a.heic").touch()
        monkeypatch.setitem(sys.modules, "pillow_heif", types.ModuleType("pillow_heif"))
        sys.modules["pillow_heif"].__spec__ = ModuleSpec("pillow_heif", None)
        assert list(find_photos(["more"])) == ["more/a.heic", "more/d.bmp"]
        monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as where it is not installed
        assert list(find_photos(["more"])) == ["more/d.bmp"]
        assert list(find_photos(["more/a.heic"])) == ["more/a.heic"]

    def test_a_tree_deeper_than_the_call_stack(self, tree: Path) -> None:
        room, depth = 150, 300
        with nested(tree / "more", "d", depth) as innermost:
            os.close(os.open("deep.jpg", os.O_CREAT, dir_fd=innermost))
            usual = sys.getrecursionlimit()
            sys.setrecursionlimit(len(inspect.stack(0)) + room)
            try:
                found = list(find_photos(["more"]))
            finally:
                sys.setrecursionlimit(usual)
        assert found == ["more" + "/d" * depth + "/deep.jpg", "more/d.bmp"]

    def test_a_folder_whose_path_is_too_long_stands_for_itself(self, tree: Path) -> None:
        with nested(tree / "more", "e" * 250, 20):
            picture, too_long = find_photos(["more"])
        assert picture == "more/d.bmp"
        assert kind_of(too_long) is PhotoErrorKind.UNREADABLE


@contextmanager
def nested(top: Path, name: str, depth: int) -> Iterator[int]:
    """Folders in folders, too deep for shutil and pytest to clear away; the innermost's descriptor."""
    folder = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    try:
        yield folder
    finally:
        os.close(folder)
        subprocess.run(["/bin/rm", "-rf", str(top / name)], check=True)


@pytest.mark.usefixtures("tree")
class TestIncludeAndExclude:
    def test_include_narrows(self) -> None:
        assert list(find_photos(["photos"], include=["*.png", "c/*"])) == [
            "photos/a.PNG",
            "photos/c/a.webp",
            "photos/c/deep/z.jpeg",
        ]

    def test_include_makes_no_picture_of_a_text(self) -> None:
        assert list(find_photos(["photos"], include=["*.txt"])) == []

    def test_exclude_wins(self) -> None:
        found = find_photos(["photos"], include=["*.JPG", "*.jpeg"], exclude=["B*"])
        assert list(found) == ["photos/c/deep/z.jpeg"]

    def test_exclude_leaves_whole_folders_out(self) -> None:
        assert list(find_photos(["photos"], exclude=["C"])) == [
            "photos/a.PNG",
            "photos/b.jpg",
            "photos/c.tif",
            "photos/x.jpg/inside.gif",
        ]

    def test_files_that_are_given_are_not_touched(self) -> None:
        assert list(find_photos(["photos/b.jpg"], include=["*.png"], exclude=["*"])) == ["photos/b.jpg"]

    def test_patterns_are(self) -> None:
        assert list(find_photos(["photos/*.*"], exclude=["*.jpg"])) == ["photos/a.PNG", "photos/c.tif"]


@pytest.mark.usefixtures("tree")
class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("photos/*.jpg", ["b.jpg", "x.jpg/inside.gif"]),
            ("photos/**/*.jpg", ["b.jpg", "x.jpg/inside.gif"]),
            ("photos/**/a.*", ["a.PNG", "c/a.webp"]),
            ("photos/**", EVERYTHING),
            ("photos/**/*", EVERYTHING),
            ("photos/*", EVERYTHING),
            ("photos/[ab].*", ["a.PNG", "b.jpg"]),
            ("photos/?/deep", ["c/deep/z.jpeg"]),
            ("photos/*/*/*", ["c/deep/z.jpeg"]),
            ("photos/**/deep/**/*.jpeg", ["c/deep/z.jpeg"]),
            ("photos/*.heic", []),
            ("nowhere/*.jpg", []),
        ],
    )
    def test_matches(self, pattern: str, expected: list[str]) -> None:
        assert list(find_photos([pattern])) == under("photos/", expected)

    def test_in_the_current_folder_and_absolute(self, tree: Path) -> None:
        assert list(find_photos(["m*"])) == ["more/d.bmp"]
        assert list(find_photos(["./m*/*"])) == ["./more/d.bmp"]
        assert list(find_photos([f"{tree}/m*"])) == [f"{tree}/more/d.bmp"]

    def test_not_recursive(self) -> None:
        assert list(find_photos(["photos/*"], recursive=False)) == under(
            "photos/", ["a.PNG", "b.jpg", "c/a.webp", "c.tif", "x.jpg/inside.gif"]
        )

    def test_a_path_that_exists_is_no_pattern(self, tree: Path) -> None:
        (tree / "photos" / "[ab].jpg").touch()
        (tree / "photos" / "*").symlink_to("nowhere")
        assert list(find_photos(["photos/[ab].jpg", "photos/*"])) == ["photos/[ab].jpg", "photos/*"]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything, so what root runs goes on as nobody."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.usefixtures("tree")
class TestStandardInput:
    def test_lines(self) -> None:
        lines = b"photos/b.jpg\n\nphotos/c\nmissing [1].jpg\nname with space.jpg"
        assert list(find_photos(["-"], stdin=io.BytesIO(lines))) == [
            "photos/b.jpg",
            "photos/c/a.webp",
            "photos/c/deep/z.jpeg",
            "missing [1].jpg",
            "name with space.jpg",
        ]

    def test_windows_line_ends_are_no_part_of_a_path(self) -> None:
        lines = io.BytesIO(b"gone.jpg\r\n\r\nalso gone.jpg\r\n")
        assert list(find_photos(["-"], stdin=lines)) == ["gone.jpg", "also gone.jpg"]

    def test_null_separated(self) -> None:
        entries = b"new\nline.jpg\0\0not \xff utf-8.jpg\0photos/b.jpg"
        found = list(find_photos(["more", "-"], null_separated=True, stdin=io.BytesIO(entries)))
        assert found == ["more/d.bmp", "new\nline.jpg", os.fsdecode(b"not \xff utf-8.jpg"), "photos/b.jpg"]

    @pytest.mark.parametrize(("separator", "null_separated"), [(b"\n", False), (b"\0", True)])
    def test_paths_are_yielded_as_they_arrive(self, separator: bytes, null_separated: bool) -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as pipe:
            found = find_photos(["-"], stdin=stdin, null_separated=null_separated)
            pipe.write(b"first.jpg" + separator + b"seco")
            assert next(found) == "first.jpg"
            pipe.write(b"nd.jpg" + separator)
            assert next(found) == "second.jpg"
            pipe.close()
            assert next(found, None) is None


class TestReading:
    def test_gives_the_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\0")
        assert read_photo(str(tmp_path / "a.jpg")) == b"\xff\xd8\0"

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        (tmp_path / "dangling").symlink_to("nowhere")
        for name in ("nowhere.jpg", "file/inside.jpg", "dangling"):
            (found,) = find_photos([str(tmp_path / name)])
            assert kind_of(found) is PhotoErrorKind.MISSING
        assert list(find_photos([""])) == [""]
        assert kind_of("") is PhotoErrorKind.MISSING

    def test_what_is_no_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        os.mkfifo("fifo.jpg")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket.jpg")
            assert list(find_photos(["."])) == ["./fifo.jpg", "./socket.jpg"]
            for path in ("fifo.jpg", "socket.jpg", ".", os.devnull):
                assert kind_of(path) is PhotoErrorKind.NOT_A_FILE

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "itself.jpg").symlink_to("itself.jpg")
        for path in (str(tmp_path / "itself.jpg"), "x" * 5000, "nul\0.jpg", "lone \ud800 surrogate.jpg"):
            (found,) = find_photos([path])
            assert kind_of(found) is PhotoErrorKind.UNREADABLE

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").touch()
        assert kind_of(str(tmp_path / "a.jpg")) is PhotoErrorKind.EMPTY

    def test_more_than_a_gibibyte(self, tmp_path: Path) -> None:
        with (tmp_path / "a.jpg").open("wb") as file:
            file.truncate((1 << 30) + 1)
        assert kind_of(str(tmp_path / "a.jpg")) is PhotoErrorKind.TOO_LARGE

    def test_urls(self) -> None:
        for url in ("https://example.org/a.jpg", "s3://bucket/*.jpg"):
            assert list(find_photos([url])) == [url]
            assert kind_of(url) is PhotoErrorKind.UNSUPPORTED

    def test_without_permission(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            (folder / "locked").mkdir()
            (folder / "a.jpg").write_text("x")
            (folder / "locked").chmod(0)
            (folder / "a.jpg").chmod(0)
            with unprivileged():
                found = list(find_photos([name]))
                assert found == [f"{name}/a.jpg", f"{name}/locked"]
                assert {kind_of(path) for path in found} == {PhotoErrorKind.UNREADABLE}
            (folder / "locked").chmod(0o700)

    def test_a_fifo_that_takes_a_files_place_does_not_hang(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        swaps = threading.Event()

        def swap() -> None:
            for _ in range(200):
                path.unlink(missing_ok=True)
                os.mkfifo(path)
                path.unlink()
                path.write_bytes(b"x")
            swaps.set()

        thread = threading.Thread(target=swap)
        thread.start()
        outcomes = set()
        while not swaps.is_set():
            outcomes.add(outcome(str(path)))
        thread.join()
        allowed = {PhotoErrorKind.MISSING, PhotoErrorKind.NOT_A_FILE, PhotoErrorKind.EMPTY}
        assert outcomes <= {b"x", *allowed}


def outcome(path: str) -> bytes | PhotoErrorKind:
    try:
        return read_photo(path)
    except PhotoError as error:
        return error.kind


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain.jpg", "plain.jpg"),
        ("日本.jpg".encode(), "日本.jpg"),
        (b"caf\xe9 \xff.jpg", r"caf\xe9 \xff.jpg"),
        (b"new\nline.jpg", "new\nline.jpg"),
    ],
)
def test_printable_path(name: bytes, shown: str) -> None:
    assert printable_path(os.fsdecode(name)) == shown


def test_printable_path_of_what_no_file_can_be_called() -> None:
    assert printable_path("lone \ud800.jpg") == r"lone \ud800.jpg"


def test_every_bad_file_is_found_once(tmp_path: Path) -> None:
    cases = build(tmp_path)
    assert list(find_photos([str(tmp_path)])) == [f"{tmp_path}/{case.path}" for case in cases]
