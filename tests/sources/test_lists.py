from __future__ import annotations

import codecs
import io
import ntpath
import os
import posixpath
import zlib
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fercli.errors import UsageError
from fercli.sources import find_photos
from fercli.sources.lists import read_list
from tests.corpus import SAMPLES, encoded, gradient, pillow_encoded

PATHS = ["photos/b.jpg", "gone.jpg", "name with space.jpg", "日本/é.jpg", "[1]*.jpg"]


def listed(data: bytes, *, null_separated: bool = False) -> list[str]:
    return list(read_list(io.BytesIO(data), null_separated=null_separated))


def refusal(data: bytes, *, null_separated: bool = False) -> str:
    with pytest.raises(UsageError) as caught:
        listed(data, null_separated=null_separated)
    assert caught.value.remedy.endswith(".")
    return caught.value.message


@pytest.mark.usefixtures("tree")
class TestLists:
    def test_lines(self) -> None:
        lines = b"photos/b.jpg\n\nphotos/c\nmissing [1].jpg\nname with space.jpg"
        assert list(find_photos(["-"], stdin=io.BytesIO(lines))) == [
            "photos/b.jpg",
            "photos/c/a.webp",
            "photos/c/deep/z.jpeg",
            "missing [1].jpg",
            "name with space.jpg",
        ]

    def test_null_separated(self) -> None:
        entries = b"new\nline.jpg\0\0not \xff utf-8.jpg\0photos/b.jpg"
        found = list(find_photos(["more", "-"], null_separated=True, stdin=io.BytesIO(entries)))
        assert found == ["more/d.bmp", "new\nline.jpg", os.fsdecode(b"not \xff utf-8.jpg"), "photos/b.jpg"]

    def test_file_urls(self, tree: Path) -> None:
        lines = f"file://{tree}/photos/b.jpg\nfile://{tree}/more\n"
        found = list(find_photos(["-"], stdin=io.BytesIO(lines.encode())))
        assert found == [f"file://{tree}/photos/b.jpg", f"{tree}/more/d.bmp"]

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

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_so_are_those_with_a_byte_order_mark(self, encoding: str) -> None:
        encoder = codecs.getincrementalencoder(encoding)()
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as pipe:
            found = read_list(stdin, null_separated=False)
            pipe.write(encoder.encode("a\r\nb"))
            assert next(found) == "a"
            pipe.write(encoder.encode(".jpg\r\n"))
            assert next(found) == "b.jpg"


LINES = "".join(f"{path}\n" for path in PATHS)
SPELLINGS = {
    "as it is": LINES.encode(),
    "without a last line end": LINES.encode().rstrip(),
    "Windows' line ends": LINES.replace("\n", "\r\n").encode(),
    "a byte-order mark": codecs.BOM_UTF8 + LINES.encode(),
    "PowerShell's >": codecs.BOM_UTF16_LE + LINES.replace("\n", "\r\n").encode("utf-16-le"),
    "Notepad's big-endian": codecs.BOM_UTF16_BE + LINES.replace("\n", "\r\n").encode("utf-16-be"),
    "a mark in front of each of two lists": b"".join(
        codecs.BOM_UTF8 + f"{part}\n".encode() for part in ("\n".join(PATHS[:2]), "\n".join(PATHS[2:]))
    ),
    "trailing blanks": "".join(f"{path} \t\n" for path in PATHS).encode(),
    "indented": "".join(f"\t{path}\n" for path in PATHS).encode(),
    "double quotes": "".join(f'"{path}"\n' for path in PATHS).encode(),
    "single quotes": "".join(f"'{path}'\r\n" for path in PATHS).encode(),
    "quotes and blanks": "".join(f' "{path}" \r\n' for path in PATHS).encode(),
    "lines of nothing": "".join(f"\r\n \t\n{path}\n" for path in PATHS).encode(),
}


@pytest.mark.parametrize("data", SPELLINGS.values(), ids=SPELLINGS)
def test_a_list_names_the_same_files_however_it_was_written(data: bytes) -> None:
    assert listed(data) == PATHS


class Pieces(io.RawIOBase):
    """A pipe whose content arrives in pieces."""

    def __init__(self, data: bytes, ends: list[int]) -> None:
        super().__init__()
        bounds = [0, *sorted({min(end, len(data)) for end in ends}), len(data)]
        self._pieces = [data[a:b] for a, b in pairwise(bounds) if a < b]

    def read(self, _size: int = -1) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


@given(st.sampled_from(sorted(SPELLINGS)), st.lists(st.integers(1, 200), max_size=8))
def test_and_however_it_arrives(spelling: str, ends: list[int]) -> None:
    assert list(read_list(Pieces(SPELLINGS[spelling], ends), null_separated=False)) == PATHS  # type: ignore[arg-type]


NAMES = st.binary(min_size=1, max_size=20).map(lambda name: b"./" + name.replace(b"\0", b"\n"))


@given(st.lists(NAMES))
def test_any_names_may_end_in_null(names: list[bytes]) -> None:
    entries = b"".join(name + b"\0" for name in (b"first.jpg", *names))
    assert listed(entries, null_separated=True) == ["first.jpg", *map(os.fsdecode, names)]


def test_utf16_without_a_mark() -> None:
    lines = "photos\\a.jpg\r\nb.jpg\r\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        assert listed(lines.encode(encoding)) == ["photos\\a.jpg", "b.jpg"]


def test_names_that_exist_stay_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["'quoted'", '"double"', " blank ", "Icon\r", "\t", "\x01control"]
    for name in names:
        (tmp_path / name).touch()
    assert listed("\n".join(names).encode()) == names
    assert listed("\0".join(names).encode(), null_separated=True) == names
    (tmp_path / "last\n").touch()
    assert listed(b"last\n", null_separated=True) == ["last\n"]


def test_escapes_of_git_and_ls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert listed(rb'"caf\303\251 \"x\".jpg"' + b"\n") == ['café "x".jpg']
    assert listed(rb'"no escape \x.jpg"') == [r"no escape \x.jpg"]
    (tmp_path / r"back\slash.jpg").touch()
    assert listed(rb'"back\slash.jpg"') == [r"back\slash.jpg"]


def test_on_windows_a_backslash_separates() -> None:
    lines = b'"C:\\new photos\\a.jpg"\r\nD:\\table\\b.jpg\r\n\\\\server\\share\\c.jpg\r\n"\\\\?\\C:\\d.jpg"'
    assert list(read_list(io.BytesIO(lines), null_separated=False, flavour=ntpath)) == [
        r"C:\new photos\a.jpg",
        r"D:\table\b.jpg",
        r"\\server\share\c.jpg",
        r"\\?\C:\d.jpg",
    ]
    (elsewhere,) = read_list(io.BytesIO(rb'"a\tb.jpg"'), null_separated=False, flavour=posixpath)
    assert elsewhere == "a\tb.jpg"


class TestRefusals:
    @pytest.mark.parametrize("data", [b"a.jpg\0b.jpg\0", b"a\0", b"a\0b\0c\0", b"a.jpg\nb.jpg\0c.jpg\0\n"])
    def test_null_without_0(self, data: bytes) -> None:
        assert refusal(data) == "The paths on standard input are separated by NUL characters."

    def test_many_with_null_without_0(self) -> None:
        data = b"".join(b"./photos/%d.jpg\0" % number for number in range(20_000))
        assert refusal(data) == "The paths on standard input are separated by NUL characters."

    @pytest.mark.parametrize(
        "data",
        [
            b"a.jpg\nb.jpg\n",
            b"a.jpg\r\nb.jpg",
            "a.jpg\nb.jpg\n".encode("utf-16"),
            b"photos/a long name.jpg\n" * 10_000,
        ],
    )
    def test_newlines_with_0(self, data: bytes) -> None:
        said = refusal(data, null_separated=True)
        assert said == "The paths on standard input are separated by newlines, not NUL."

    def test_one_path_with_0_may_end_in_a_newline(self) -> None:
        assert listed(b"a.jpg\n", null_separated=True) == ["a.jpg"]
        assert listed(b"a.jpg\0b.jpg\r\n", null_separated=True) == ["a.jpg", "b.jpg"]
        assert listed(codecs.BOM_UTF8 + b"a.jpg\0\n", null_separated=True) == ["a.jpg"]

    BINARY: ClassVar = {
        **{suffix: encoded(gradient(), suffix) for suffix in ("jpg", "png", "bmp", "webp", "tif", "gif")},
        "a photo": (SAMPLES / "astronaut-eileen-collins.jpg").read_bytes(),
        "avif": pillow_encoded(gradient(), "AVIF"),
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03" + zlib.compress(b"photos/a.jpg\n"),
        "zip": b"PK\x03\x04\x14\x00\x00\x00\x08\x00a.jpg",
        "noise": np.random.default_rng(1).integers(0, 256, 4096, np.uint8).tobytes(),
        "colours of ls": b"\x1b[0m\x1b[01;35ma.jpg\x1b[0m\n",
        "lines of old Macs": b"a.jpg\rb.jpg\rc.jpg\r",
        "a long line": b"x" * (1 << 20),
        "half of UTF-16": "a.jpg\r\n".encode("utf-16")[:-1] + b"\xd8\n",
    }

    @pytest.mark.parametrize("null_separated", [False, True])
    @pytest.mark.parametrize("data", BINARY.values(), ids=BINARY)
    def test_what_is_not_a_list(self, data: bytes, null_separated: bool) -> None:
        said = refusal(data, null_separated=null_separated)
        assert said == "Standard input holds a picture or other binary data, not a list of paths."

    def test_what_breaks_off_after_good_entries(self) -> None:
        entries = read_list(io.BytesIO(b"a.jpg\nb.jpg\n" + b"x" * (1 << 20)), null_separated=False)
        assert [next(entries), next(entries)] == ["a.jpg", "b.jpg"]
        with pytest.raises(UsageError, match="not a list of paths"):
            next(entries)
