from __future__ import annotations

import inspect
import io
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import Findings, find_photos, read_photo
from tests.corpus import build

if TYPE_CHECKING:
    from collections.abc import Iterator

READ = (
    "jpg", "jpeg", "jpe", "jfif", "jif", "jfi", "pjpeg", "pjp", "mpo", "png", "apng", "bmp", "dib", "webp",
    "tif", "tiff", "gif", "heic", "heif", "hif", "heics", "heifs", "avif", "avifs", "jpg_large",
    "pgm", "ppm", "pnm",
)  # fmt: skip
UNREAD = ("cr2", "cr3", "nef", "arw", "dng", "orf", "raf", "rw2", "jxl", "jp2", "j2k", "jxr", "pbm", "psd")
EVERYTHING = ["a.PNG", "b.jpg", "c/a.webp", "c/deep/z.jpeg", "c.tif", "x.jpg/inside.gif"]


def under(folder: str, names: list[str]) -> list[str]:
    return [folder + name for name in names]


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

    @pytest.mark.parametrize("suffix", READ + UNREAD)
    def test_takes_every_suffix_that_photos_have(self, tree: Path, suffix: str) -> None:
        for name in (f"small.{suffix}", f"LARGE.{suffix.upper()}"):
            (tree / "more" / name).touch()
        found = [f"more/LARGE.{suffix.upper()}", "more/d.bmp", f"more/small.{suffix}"]
        assert list(find_photos(["more"])) == found

    @pytest.mark.parametrize("name", ["jpg", "photo.jpg.txt", "photo.jpg~", "photo.", "photo", "jpg.d"])
    def test_takes_no_other(self, tree: Path, name: str) -> None:
        (tree / "more" / name).touch()
        assert list(find_photos(["more"])) == ["more/d.bmp"]

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
        with pytest.raises(PhotoError) as caught:
            read_photo(too_long)
        assert caught.value.kind is PhotoErrorKind.UNREADABLE


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

    @pytest.mark.parametrize(
        "glob", ["*.txt", "*.TXT", "*.tx*", "no*.[tT]xt", "notes.txt", "./notes.txt", "photos/*.txt"]
    )
    def test_include_takes_what_it_spells_out_whatever_the_suffix(self, glob: str) -> None:
        assert list(find_photos(["photos"], include=[glob])) == ["photos/notes.txt"]

    @pytest.mark.parametrize("glob", ["*", "*.*", "notes*", "notes.*", "n?tes.???"])
    def test_include_makes_no_picture_of_a_text_that_it_happens_to_match(self, glob: str) -> None:
        assert "photos/notes.txt" not in list(find_photos(["photos"], include=[glob]))

    def test_include_takes_names_without_a_suffix(self, tree: Path) -> None:
        for name in ("scan", "scan-1", "scan-2.txt"):
            (tree / "more" / name).touch()
        assert list(find_photos(["more"], include=["scan*"])) == ["more/scan", "more/scan-1"]

    @pytest.mark.parametrize("glob", ["c/*", "./c/*", "c//*", "c/", "./c//", "**/c/*", "*/c/*", "C/**"])
    @pytest.mark.parametrize("folder", ["photos", "./photos/", "photos//", "../{}/photos", "{}/photos"])
    def test_a_glob_is_below_the_folder_however_both_are_spelled(
        self, tree: Path, glob: str, folder: str
    ) -> None:
        assert_chooses_c(glob, folder.format(tree if folder.startswith("{") else tree.name))

    @pytest.mark.parametrize(
        ("glob", "folder"),
        [
            ("photos/c/*", "photos"),
            ("photos/c/", "./photos/"),
            ("./photos//c/*", "photos//"),
            ("ph*/c/**/*", "photos"),
            ("../{0.name}/photos/c/*", "../{0.name}/photos"),
            ("{0}/photos/c/", "{0}/photos/"),
            ("{0}//*/c/*", "{0}/photos"),
        ],
    )
    def test_or_as_the_path_was_given(self, tree: Path, glob: str, folder: str) -> None:
        assert_chooses_c(glob.format(tree), folder.format(tree))

    def test_a_closing_slash_means_folders(self, tree: Path) -> None:
        (tree / "photos" / "deep").mkdir()
        (tree / "photos" / "deep" / "c").write_text("a file")
        assert list(find_photos(["photos"], include=["deep/"])) == ["photos/c/deep/z.jpeg"]
        assert "photos/x.jpg/inside.gif" not in list(find_photos(["photos"], exclude=["x.jpg/"]))
        assert "photos/b.jpg" in list(find_photos(["photos"], exclude=["b.jpg/"]))

    @pytest.mark.parametrize("exclude", ["**/*.jpeg", "c/**/z.*", "c/deep/**"])
    def test_two_stars_are_any_number_of_folders(self, exclude: str) -> None:
        rest = [path for path in EVERYTHING if not path.endswith("z.jpeg")]
        assert list(find_photos(["photos"], exclude=[exclude])) == under("photos/", rest)
        assert "photos/b.jpg" not in list(find_photos(["photos"], exclude=["**/b.jpg"]))

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


def assert_chooses_c(glob: str, folder: str) -> None:
    """Included, the folder `c` alone is found; excluded, all but that."""

    included = [path.rpartition("photos/")[2] for path in find_photos([folder], include=[glob])]
    excluded = [path.rpartition("photos/")[2] for path in find_photos([folder], exclude=[glob])]
    assert [path.lstrip("/") for path in included] == ["c/a.webp", "c/deep/z.jpeg"]
    assert [path.lstrip("/") for path in excluded] == ["a.PNG", "b.jpg", "c.tif", "x.jpg/inside.gif"]


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
            ("photos/*/", ["c/a.webp", "c/deep/z.jpeg", "x.jpg/inside.gif"]),
            ("photos/?//", ["c/a.webp", "c/deep/z.jpeg"]),
            ("photos/**/", EVERYTHING),
            ("photos/*.tif/", []),
            ("photos/*/./deep", ["c/deep/z.jpeg"]),
            ("photos/?/../*.tif", ["c.tif"]),
            ("photos/?/deep/../a.*", ["c/a.webp"]),
            ("photos/*.txt", ["notes.txt"]),
            ("photos/n*.t?t", ["notes.txt"]),
            ("photos/notes*", []),
            ("photos/.*", [".hidden/a.jpg", ".hidden.jpg"]),
            ("photos/.hidden/*.jpg", [".hidden/a.jpg"]),
            ("photos/**/.*.jpg", [".hidden.jpg"]),
            ("photos/.h*/*", [".hidden/a.jpg"]),
        ],
    )
    def test_matches(self, pattern: str, expected: list[str]) -> None:
        assert list(find_photos([pattern])) == under("photos/", expected)

    def test_in_the_current_folder_and_absolute(self, tree: Path) -> None:
        assert list(find_photos(["m*"])) == ["more/d.bmp"]
        assert list(find_photos(["./m*/*"])) == ["./more/d.bmp"]
        assert list(find_photos(["*.bmp/", "*/*.bmp"])) == ["more/d.bmp"]
        assert list(find_photos([".//m*//*"])) == [".//more/d.bmp"]
        assert list(find_photos(["photos/./*.tif"])) == ["photos/./c.tif"]
        assert list(find_photos(["photos/../m*/"])) == ["photos/../more/d.bmp"]
        assert list(find_photos([f"../{tree.name}/m*"])) == [f"../{tree.name}/more/d.bmp"]
        assert list(find_photos([f"{tree}/m*"])) == [f"{tree}/more/d.bmp"]

    def test_not_recursive(self) -> None:
        assert list(find_photos(["photos/*"], recursive=False)) == under(
            "photos/", ["a.PNG", "b.jpg", "c/a.webp", "c.tif", "x.jpg/inside.gif"]
        )

    def test_a_path_that_exists_is_no_pattern(self, tree: Path) -> None:
        (tree / "photos" / "[ab].jpg").touch()
        (tree / "photos" / "*").symlink_to("nowhere")
        assert list(find_photos(["photos/[ab].jpg", "photos/*"])) == ["photos/[ab].jpg", "photos/*"]

    def test_nor_is_a_folder_that_exists(self, tree: Path) -> None:
        album = tree / "photos" / "album [2020]"
        album.mkdir()
        (album / "a [1].jpg").touch()
        found = ["photos/album [2020]/a [1].jpg"]
        for pattern in (
            "photos/album [2020]",
            "photos/album [2020]/*.jpg",
            "*/album [2020]/*",
            "*/*/a [1].jpg",
        ):
            assert list(find_photos([pattern])) == found

    @pytest.mark.parametrize(
        "name",
        ["IMG[1].jpg", "photos/[2].jpg", "[nowhere]/a.jpg", "IMG[1.jpg", "photos/a[x].heic", "[", "b]["],
    )
    def test_a_name_with_brackets_that_matches_nothing_is_a_name(self, name: str) -> None:
        assert list(find_photos([name])) == [name]

    def test_but_not_where_what_it_matches_is_excluded(self) -> None:
        assert list(find_photos(["photos/[ab].jpg"], exclude=["b.*"])) == []

    @pytest.mark.parametrize("pattern", ["IMG*[1].jpg", "photos/*.heic", "?.jpg", "[ab]*"])
    def test_what_matches_nothing_and_has_other_wildcards_is_not(self, pattern: str) -> None:
        assert list(find_photos([pattern])) == []

    @pytest.mark.parametrize("given", ["~", "~/photos", "~/ph*/*", "~/**/*.tif"])
    def test_the_home_folder(self, tree: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
        monkeypatch.setenv("HOME", str(tree))
        assert f"{tree}/photos/c.tif" in list(find_photos([given]))
        (tree / "~").mkdir()
        assert list(find_photos(["~"])) == []

    @pytest.mark.parametrize(
        "given", ["a\0.jpg", "~\0", "zip://a.jpg::b\0.zip", "tar://a\0/::b\0.tar", "b\0.zip"]
    )
    def test_a_name_that_no_file_can_have_is_a_photo_that_cannot_be_read(self, given: str) -> None:
        assert list(find_photos([given])) == [given]
        with pytest.raises(PhotoError, match=r"^unreadable: No file can have such a name\.$"):
            read_photo(given)

    @pytest.mark.parametrize("pattern", ["a\0*.jpg", "a\0/*.jpg", "~a\0/*"])
    def test_a_pattern_that_no_file_can_match_matches_none(self, pattern: str) -> None:
        assert list(find_photos([pattern])) == []


def found_with(findings: Findings, *paths: str, **options: Any) -> list[str]:
    return list(find_photos(paths, findings=findings, **options))


@pytest.mark.usefixtures("tree")
class TestFindings:
    @pytest.mark.parametrize(
        ("path", "options", "line"),
        [
            ("photos/c", {}, ""),
            ("photos", {}, "1 with another suffix (.txt), 2 hidden."),
            ("photos/*", {}, "1 with another suffix (.txt)."),
            ("*", {}, "1 with another suffix (.txt), 2 hidden."),
            ("photos/*.jpg", {}, ""),
            ("photos/**/*.jpg", {}, ""),
            ("photos/.*", {}, ""),
            ("photos", {"exclude": ["c", "*.PNG"]}, "1 with another suffix (.txt), 2 hidden, 2 excluded."),
            ("photos", {"include": ["*.txt", "*.tif"]}, "2 hidden, 5 not included."),
            ("photos", {"recursive": False}, "1 with another suffix (.txt), 2 hidden, 2 not entered."),
            ("photos/*.jpg", {"exclude": ["b*"]}, "1 excluded."),
            ("photos/*.jpg", {"include": ["*.gif"]}, "1 not included."),
        ],
    )
    def test_what_folders_held_and_is_left_out_is_counted(
        self, path: str, options: dict[str, Any], line: str
    ) -> None:
        findings = Findings()
        found = found_with(findings, path, **options)
        assert findings.left_out_line().removeprefix("Left out in folders: ") == line
        assert findings.photos == len(found) > 0
        assert findings.fruitless == []

    def test_hidden_files_count_where_they_are_photos_and_hidden_folders_always(self, tree: Path) -> None:
        for name in (".DS_Store", ".nomedia", "._d.bmp", ".git/config", ".thumbnails/a.jpg"):
            (tree / "more" / name).parent.mkdir(exist_ok=True)
            (tree / "more" / name).touch()
        findings = Findings()
        assert found_with(findings, "more") == ["more/d.bmp"]
        assert findings.left_out_line() == "Left out in folders: 3 hidden."

    def test_only_the_commonest_suffixes_are_told(self, tree: Path) -> None:
        for name in (
            "a.MP4",
            "b.mp4",
            "c.mov",
            "d.mov",
            "e.xmp",
            "f.xmp",
            "README",
            os.fsdecode(b"x.\xff"),
        ):
            (tree / "more" / name).touch()
        findings = Findings()
        assert found_with(findings, "more") == ["more/d.bmp"]
        line = "Left out in folders: 8 with another suffix (.mp4, .mov, .xmp, ...)."
        assert findings.left_out_line() == line

    def test_every_argument_that_gives_nothing_is_named(self, tree: Path) -> None:
        (tree / "empty").mkdir()
        (tree / "of others").mkdir()
        (tree / "of others" / "notes.txt").touch()
        findings = Findings()
        given = (
            "empty",
            "more",
            "of others",
            "*.jpeg",
            "./empty/",
            "nowhere/**",
            "-",
            "gone.jpg",
            "more/*.bmp",
        )
        found = found_with(findings, *given, stdin=io.BytesIO(b"\n\n"))
        assert found == ["more/d.bmp", "gone.jpg", "more/d.bmp"]
        assert findings.fruitless == [
            "empty holds no photo.",
            "'of others' holds no photo.",
            "No photo matches *.jpeg.",
            "./empty/ holds no photo.",
            "No photo matches nowhere/**.",
            "The list on standard input names no photo.",
        ]

    def test_so_is_a_folder_in_a_list(self, tree: Path) -> None:
        (tree / "empty").mkdir()
        findings = Findings()
        assert found_with(findings, "-", stdin=io.BytesIO(b"empty\nmore\n")) == ["more/d.bmp"]
        assert findings.fruitless == ["empty holds no photo."]


def test_every_bad_file_is_found_once(tmp_path: Path) -> None:
    cases = build(tmp_path)
    assert list(find_photos([str(tmp_path)])) == [f"{tmp_path}/{case.path}" for case in cases]
