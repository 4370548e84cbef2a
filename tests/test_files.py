from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from fercli.errors import ReportError
from fercli.files import descriptor, whole_file, whole_folder
from fercli.flushing import sync_folder
from fercli.records import Photo
from fercli.reports import Format, open_report

ENDS = (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), SystemExit(1), ValueError())
PHOTO = Photo("a.jpg", (), 10, 10)


def write(path: Path | str, text: str = "new") -> None:
    with whole_file(path) as made:
        made.write_text(text)


def write_report(out: str, kind: Format) -> None:
    with open_report(out, kind) as writer:
        writer.write(PHOTO.rows())


def fail(making: AbstractContextManager[Path], end: BaseException) -> None:
    with making as made:
        (made / "half" if made.is_dir() else made).write_text("half")
        raise end


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refuse_renaming(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Has the system refuse to replace a file, as it does where a file is mounted."""

    def refusing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", refusing)


def read_only(monkeypatch: pytest.MonkeyPatch, folder: Path, number: int = errno.EROFS) -> None:
    """Has the system make nothing in a folder; permissions would stop nobody who is root."""
    make, access = os.mkdir, os.access

    def refusing(path: str, *arguments: int) -> None:
        if Path(path).parent == folder:
            raise OSError(number, os.strerror(number))
        make(path, *arguments)

    monkeypatch.setattr(os, "mkdir", refusing)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and access(path, mode))


class TestWholeFile:
    def test_it_is_not_there_before_it_is_whole(self, tmp_path: Path) -> None:
        with whole_file(tmp_path / "x.json") as made:
            made.write_text("half")
            assert not (tmp_path / "x.json").exists()
            assert made.suffix == ".json"
            assert made.parent.parent == tmp_path
        assert names(tmp_path) == ["x.json"]

    def test_files_of_the_user_with_temporary_names_survive(self, tmp_path: Path) -> None:
        own = [f"x.json{end}" for end in (".partial", ".tmp", ".lock", "~", ".unfinished", ".part")]
        for name in (*own, ".x.json.partial"):
            (tmp_path / name).write_text("mine")
        (tmp_path / "x.json.d.partial").mkdir()
        write(tmp_path / "x.json")
        assert (tmp_path / "x.json").read_text() == "new"
        for name in (*own, ".x.json.partial"):
            assert (tmp_path / name).read_text() == "mine", name
        assert (tmp_path / "x.json.d.partial").is_dir()

    @pytest.mark.parametrize("earlier", [None, "earlier"])
    @pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
    def test_nothing_stays_of_a_failure(
        self, tmp_path: Path, end: BaseException, earlier: str | None
    ) -> None:
        path = tmp_path / "x.csv"
        if earlier:
            path.write_text(earlier)
        with pytest.raises((type(end), ReportError)):
            fail(whole_file(path), end)
        assert names(tmp_path) == (["x.csv"] if earlier else [])
        assert not earlier or path.read_text() == earlier

    def test_two_at_once_do_not_meet(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        with whole_file(path) as first, whole_file(path) as second:
            first.write_text("first")
            second.write_text("second")
        assert path.read_text() == "first"  # which ended last
        assert names(tmp_path) == ["x.csv"]

    @pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
    def test_a_new_file_has_the_permissions_that_the_user_wants(self, tmp_path: Path, mask: int) -> None:
        before = os.umask(mask)
        try:
            write(tmp_path / "x")
            with whole_folder(tmp_path / "folder") as made:
                (made / "x").touch()
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask
        assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~mask
        assert stat.S_IMODE((tmp_path / "folder" / "x").stat().st_mode) == 0o666 & ~mask

    @pytest.mark.parametrize("mode", [0o600, 0o664, 0o640, 0o755])
    def test_a_file_that_is_replaced_hands_on_its_permissions(self, tmp_path: Path, mode: int) -> None:
        (tmp_path / "x").touch()
        (tmp_path / "x").chmod(mode)
        write(tmp_path / "x")
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode

    def test_a_file_that_its_owner_has_protected_stays(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("mine")
        (tmp_path / "x").chmod(0o444)
        with pytest.raises(ReportError, match=r"x cannot be written: Permission denied\."):
            write(tmp_path / "x")
        assert (tmp_path / "x").read_text() == "mine"

    def test_links_go_on_leading_to_their_file(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "first").symlink_to("second")
        (tmp_path / "second").symlink_to(tmp_path / "elsewhere" / "x")
        for text in ("one", "two"):
            write(tmp_path / "first", text)
            assert (tmp_path / "elsewhere" / "x").read_text() == text
            assert (tmp_path / "first").is_symlink()
            assert (tmp_path / "second").is_symlink()
        assert names(tmp_path / "elsewhere") == ["x"]

    @pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.ETXTBSY])
    def test_what_cannot_be_renamed_onto_is_written_in_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        path = tmp_path / "x"
        path.write_text("something longer")
        before = path.stat().st_ino
        refuse_renaming(monkeypatch, number)
        write(path)
        assert path.read_text() == "new"
        assert path.stat().st_ino == before
        assert names(tmp_path) == ["x"]

    @pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
    def test_a_file_in_a_folder_that_may_not_be_written_to_is_written_in_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        path = tmp_path / "x"
        path.write_text("something longer")
        read_only(monkeypatch, tmp_path, number)
        refuse_renaming(monkeypatch, number)
        write(path)
        assert path.read_text() == "new"
        assert names(tmp_path) == ["x"]
        with pytest.raises(ReportError, match=r"new cannot be written: "):
            write(tmp_path / "new")

    def test_a_rename_that_fails_for_another_reason_leaves_what_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "x"
        path.write_text("earlier")
        refuse_renaming(monkeypatch, errno.EIO)
        with pytest.raises(ReportError, match=r"x cannot be written: "):
            write(path)
        assert path.read_text() == "earlier"
        assert names(tmp_path) == ["x"]

    def test_a_name_as_long_as_names_may_be(self, tmp_path: Path) -> None:
        for name in ("x" * 255, "é" * 127, "x" * 251 + ".csv"):
            write(tmp_path / name)
            assert (tmp_path / name).read_text() == "new"

    def test_a_name_of_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / os.fsdecode(b"caf\xe9.csv")
        write(path)
        assert path.read_text() == "new"

    def test_a_folder_in_its_place_is_said_so(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        with pytest.raises(ReportError, match=r"x cannot be written: Is a directory\."):
            write(tmp_path / "x")


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    number = os.open(path, os.O_WRONLY | flags)
    try:
        yield number
    finally:
        os.close(number)


class TestDescriptor:
    @pytest.mark.parametrize(
        ("name", "number"),
        [
            ("/dev/stdin", 0), ("/dev/stdout", 1), ("/dev/stderr", 2), ("/dev/fd/1", 1), ("/dev/fd/63", 63),
            ("/proc/self/fd/1", 1), ("/dev/../dev/stdout", 1), ("/dev//fd/7", 7),
            ("stdout", None), ("/dev/null", None), ("/dev/fd/x", None), ("/dev/fd", None), ("", None),
            ("/home/dev/stdout", None), ("/dev/fd/1/x", None),
        ],
    )  # fmt: skip
    def test_by_its_names(self, name: str, number: int | None) -> None:
        assert descriptor(name) == number

    def test_through_links(self, tmp_path: Path) -> None:
        (tmp_path / "out.csv").symlink_to("/dev/stdout")
        (tmp_path / "again.csv").symlink_to("out.csv")
        (tmp_path / "loop").symlink_to("loop")
        (tmp_path / "folder").symlink_to(tmp_path)
        assert descriptor(tmp_path / "again.csv") == 1
        assert descriptor(tmp_path / "folder" / "out.csv") == 1
        assert descriptor(tmp_path / "loop") is None

    def test_another_process_descriptor_is_a_file_s_name(self) -> None:
        assert descriptor(f"/proc/{os.getppid()}/fd/1") is None

    @pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "{link}"])
    def test_what_is_appended_to_is_not_emptied(self, tmp_path: Path, name: str) -> None:
        log, link = tmp_path / "log", tmp_path / "link"
        log.write_text("before\n")
        with opened(log, os.O_APPEND) as number:
            link.symlink_to(f"/dev/fd/{number}")
            out = name.format(number, link=link)
            write(out, "made at the end\n")
            write_report(out, Format.JSON)
            write_report(out, Format.CSV)
        before, made, rest = log.read_text().split("\n", 2)
        assert (before, made) == ("before", "made at the end")
        assert json.loads(rest[: rest.index("]") + 1])[0]["path"] == "a.jpg"
        assert rest.rstrip().splitlines()[-1].startswith("a.jpg,,no_face")
        assert names(tmp_path) == ["link", "log"]

    def test_one_that_is_not_open_is_said_so(self) -> None:
        with pytest.raises(ReportError, match=r"/dev/fd/999 cannot be written: Bad file descriptor\."):
            write("/dev/fd/999")

    def test_a_failure_empties_nothing_that_was_there(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text("before\n")
        number = os.open(log, os.O_RDONLY)  # takes no bytes
        try:
            for kind in Format:
                with pytest.raises(ReportError):
                    write_report(f"/dev/fd/{number}", kind)
        finally:
            os.close(number)
        assert log.read_text() == "before\n"


class TestWholeFolder:
    def test_it_is_not_there_before_it_is_whole(self, tmp_path: Path) -> None:
        with whole_folder(tmp_path / "new" / "x") as made:
            (made / "file").write_text("new")
            sync_folder(made)
            assert not (tmp_path / "new" / "x").exists()
        assert (tmp_path / "new" / "x" / "file").read_text() == "new"
        assert names(tmp_path / "new") == ["x"]

    @pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
    def test_nothing_stays_of_a_failure(self, tmp_path: Path, end: BaseException) -> None:
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "earlier").touch()
        with pytest.raises((type(end), ReportError)):
            fail(whole_folder(tmp_path / "x", replace=True), end)
        assert names(tmp_path) == ["x"]
        assert names(tmp_path / "x") == ["earlier"]

    def test_one_that_was_filled_meanwhile_stays(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        making = whole_folder(tmp_path / "x")
        (making.__enter__() / "file").touch()
        (tmp_path / "x" / "mine").touch()
        with pytest.raises(ReportError, match=r"x cannot be written: File exists\."):
            making.__exit__(None, None, None)
        assert names(tmp_path / "x") == ["mine"]
        assert names(tmp_path) == ["x"]

    @pytest.mark.parametrize("inside", [False, True])
    @pytest.mark.parametrize("replace", [False, True])
    def test_it_takes_an_earlier_one_s_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool, inside: bool
    ) -> None:
        """In a folder that may be renamed, and in one whose parent may not be written to."""
        place = tmp_path / "x"
        place.mkdir()
        if replace:
            (place / "earlier").mkdir()
            (place / "file").write_text("earlier")
        if inside:
            read_only(monkeypatch, tmp_path)
        with whole_folder(place, replace=replace) as made:
            (made / "file").write_text("new")
            (made / "deep").mkdir()
            (made / "deep" / "er").touch()
            assert names(place)[-2:] == (["earlier", "file"] if replace else names(place)[-2:])
        assert names(place) == ["deep", "file"]
        assert (place / "file").read_text() == "new"
        assert names(tmp_path) == ["x"]

    @pytest.mark.parametrize("inside", [False, True])
    def test_an_earlier_one_comes_back_where_the_new_one_cannot_be_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
    ) -> None:
        place, rename = tmp_path / "x", os.rename
        place.mkdir()
        (place / "earlier").write_text("earlier")
        if inside:
            read_only(monkeypatch, tmp_path)

        def refusing(source: str | Path, target: str | Path) -> None:
            if "whole" in Path(source).parts:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            rename(source, target)

        monkeypatch.setattr(os, "rename", refusing)
        monkeypatch.setattr(shutil, "move", lambda source, target: refusing(source, target / source.name))
        with pytest.raises(ReportError, match=r"x cannot be written: "):  # noqa: SIM117
            with whole_folder(place, replace=True) as made:
                (made / "file").touch()
        assert names(place) == ["earlier"]
        assert (place / "earlier").read_text() == "earlier"
        assert names(tmp_path) == ["x"]

    @pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
    @pytest.mark.parametrize("replace", [False, True])
    def test_one_that_cannot_be_renamed_is_filled(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool, number: int
    ) -> None:
        """As where it is mounted."""
        place, rename = tmp_path / "x", os.rename
        place.mkdir()
        if replace:
            (place / "earlier").mkdir()
            (place / "earlier" / "file").touch()

        def refusing(source: str | Path, target: str | Path) -> None:
            if place in {Path(source), Path(target)}:
                raise OSError(number, os.strerror(number))
            rename(source, target)

        monkeypatch.setattr(os, "rename", refusing)
        before = place.stat().st_ino
        with whole_folder(place, replace=replace) as made:
            (made / "deep").mkdir()
            (made / "deep" / "file").write_text("new")
        assert names(place) == ["deep"]
        assert (place / "deep" / "file").read_text() == "new"
        assert place.stat().st_ino == before
        assert names(tmp_path) == ["x"]

    def test_a_link_goes_on_leading_to_its_folder(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("real")
        (tmp_path / "real").mkdir()
        with whole_folder(tmp_path / "link", replace=True) as made:
            (made / "file").touch()
        assert (tmp_path / "link").is_symlink()
        assert names(tmp_path / "real") == ["file"]
