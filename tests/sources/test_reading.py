from __future__ import annotations

import ntpath
import os
import platform
import posixpath
import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

import pytest

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import find_photos, printable_path, read_photo
from fercli.sources.reading import is_url, local_path

if TYPE_CHECKING:
    from collections.abc import Iterator


def kind_of(path: str) -> PhotoErrorKind:
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert "\n" not in caught.value.sentence
    assert caught.value.sentence.endswith(".")
    return caught.value.kind


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

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://example.org/*.jpg",
            "smb://server/share/a.jpg",
            "file://elsewhere.example/photos/a.jpg",
        ],
    )
    def test_urls_of_other_computers(self, url: str) -> None:
        assert list(find_photos([url])) == [url]
        assert kind_of(url) is PhotoErrorKind.UNSUPPORTED

    @pytest.mark.parametrize(
        "url",
        [
            "file://{}/a%20b%25.jpg",
            "file://localhost{}/a%20b%25.jpg",
            "FILE://LOCALHOST{}/a%20b%25.jpg",
            "file:{}/a b%25.jpg",
            "file://{}/%61 b%25%2ejpg",
            f"file://{platform.node()}{{}}/a%20b%25.jpg",
        ],
    )
    def test_file_urls(self, tmp_path: Path, url: str) -> None:
        (tmp_path / "a b%.jpg").write_bytes(b"\xff\xd8")
        given = url.format(tmp_path)
        assert list(find_photos([given])) == [given]
        assert read_photo(given) == b"\xff\xd8"

    def test_file_urls_of_odd_names(self, tmp_path: Path) -> None:
        for name, quoted in (("#1?.jpg", "#1?.jpg"), ("é.jpg", "%C3%A9.jpg"), ("[1]*.jpg", "[1]*.jpg")):
            (tmp_path / name).write_bytes(name.encode())
            assert read_photo(f"file://{tmp_path}/{quoted}") == name.encode()
        assert local_path("file:///%E9.jpg") == os.fsdecode(b"/\xe9.jpg")
        (gone,) = find_photos([f"file://{tmp_path}/[12].jpg"])
        assert kind_of(gone) is PhotoErrorKind.MISSING
        assert kind_of(f"file://{tmp_path}/a%00.jpg") is PhotoErrorKind.UNREADABLE

    def test_a_file_url_of_a_folder_gives_the_paths_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "my photos").mkdir()
        (tmp_path / "my photos" / "100%25.jpg").touch()
        found = [f"{tmp_path}/my photos/100%25.jpg"]
        assert list(find_photos([f"file://{tmp_path}/my%20photos"])) == found

    @pytest.mark.parametrize(
        ("name", "data", "known"),
        [
            ("a.jxl", b"\xff\x0a\xfa", "JPEG XL"),
            ("called.jpg", b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
            ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
            ("a.j2k", b"\xff\x4f\xff\x51\0", "JPEG 2000"),
            ("a.wdp", b"II\xbc\x01", "JPEG XR"),
            ("a.pbm", b"P4\n92 112\n", "PBM"),
            ("a.ppm", b"P3 # gimp\n9 9 255\n", "PNM in text"),
            ("a.pam", b"P7\nWIDTH 9\n", "PAM"),
            ("a.psd", b"8BPS\0\1\0\0", "Photoshop"),
            ("a.exr", b"v/1\1\2\0\0\0", "OpenEXR"),
            ("a.hdr", b"#?RADIANCE\n", "Radiance HDR"),
            ("a.NEF", b"MM\0*\0\0\0\x08", "Camera RAW"),
            ("a.dng", b"II*\0\x08\0\0\0", "Camera RAW"),
            ("a.cr2", b"II*\0\x10\0\0\0CR\x02\0", "Camera RAW"),
            ("called.tif", b"II*\0\x10\0\0\0CR\x02\0", "Camera RAW"),
            ("a.cr3", b"\0\0\0\x18ftypcrx \0", "Camera RAW"),
            ("a.raf", b"FUJIFILMCCD-RAW 0201", "Camera RAW"),
            ("a.orf", b"IIRO\x08\0\0\0", "Camera RAW"),
            ("a.rw2", b"IIU\0\x18\0\0\0", "Camera RAW"),
        ],
    )
    def test_what_is_known_but_not_read_is_named(
        self, tmp_path: Path, name: str, data: bytes, known: str
    ) -> None:
        (tmp_path / name).write_bytes(data)
        assert list(find_photos([str(tmp_path)])) == [str(tmp_path / name)]
        with pytest.raises(PhotoError) as caught:
            read_photo(str(tmp_path / name))
        assert caught.value.kind is PhotoErrorKind.UNSUPPORTED
        assert caught.value.sentence == f"{known} is not read; save the picture as JPEG or PNG."

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("a.tif", b"II*\0\x08"),
            ("a.nef", b"\xff\xd8\xff"),
            ("a.jpg", b"P2"),
            ("a.pgm", b"P5\n92 112\n255\n"),
            ("a.raw", b"x"),
            ("P5.pgm", b"P9"),
        ],
    )
    def test_all_else_is_left_to_the_decoder(self, tmp_path: Path, name: str, data: bytes) -> None:
        (tmp_path / name).write_bytes(data)
        assert read_photo(str(tmp_path / name)) == data

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


class TestOnWindows:
    """The rules of Windows, which hold wherever they are asked for."""

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("file:///C:/My%20Photos/a.jpg", r"C:\My Photos\a.jpg"),
            ("file:///c|/photos/a.jpg", r"c:\photos\a.jpg"),
            ("file:/D:/a.jpg", r"D:\a.jpg"),
            ("file://localhost/C:/a.jpg", r"C:\a.jpg"),
            ("file:///C:", "C:"),
            ("file://server/share/a%20b.jpg", r"\\server\share\a b.jpg"),
            ("file:////server/share/a.jpg", r"\\server\share\a.jpg"),
        ],
    )
    def test_file_urls_have_drives_and_servers(self, url: str, path: str) -> None:
        assert PureWindowsPath(local_path(url, ntpath)) == PureWindowsPath(path)

    @pytest.mark.parametrize(
        "path",
        [r"C:\photos\a.jpg", "C:/photos/a.jpg", "C://photos/a.jpg", r"\\server\share\a.jpg", "C:a.jpg"],
    )
    def test_paths_are_no_urls(self, path: str) -> None:
        assert not is_url(path)
        assert local_path(path, ntpath) == path

    def test_a_colon_in_a_name_is_a_drive_on_windows_only(self) -> None:
        assert local_path("file:///c:/a.jpg", posixpath) == "/c:/a.jpg"
