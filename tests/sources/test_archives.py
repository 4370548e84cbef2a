from __future__ import annotations

import gc
import io
import tarfile
import uuid
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import Findings, find_photos, read_photo
from fercli.sources.archives import open_archive
from fercli.sources.members import Member
from fercli.stores import store_of
from tests.sources.rules import require_rules_of_folders

KIND = PhotoErrorKind
NAMES = (
    "b.jpg",
    "a.PNG",
    "notes.txt",
    ".hidden.jpg",
    "c/deep/z.jpeg",
    "c/a.webp",
    "c.tif",
    "x.jpg/inside.gif",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `photos`, and the same in `photos.zip` and `photos.tar`."""
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in NAMES:
            file = tmp_path / "photos" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name * 100)
            archive.write(file, name)
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        tar.add(tmp_path / "photos", ".")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def failure(path: str) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert caught.value.sentence.endswith(".")
    return caught.value


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("", {}),
        ("c", {}),
        ("c/", {}),
        ("b.jpg", {}),
        ("*.jpg", {}),
        ("**/*.jp*", {}),
        ("?/deep", {}),
        ("", {"recursive": False}),
        ("", {"include": ["*.txt", "c/*"]}),
        ("", {"exclude": ["c", "*.PNG"]}),
        ("*.heic", {}),
    ],
)
def test_the_rules_are_those_of_folders(kind: str, path: str, options: dict[str, Any]) -> None:
    def outside(found: str) -> str:
        return f"photos/{found.removeprefix(f'{kind}://').removesuffix(f'::photos.{kind}')}"

    require_rules_of_folders(f"{kind}://{path}::photos.{kind}", f"photos/{path}", outside, **options)


@pytest.mark.usefixtures("folder")
class TestNaming:
    def test_an_archive_itself_gives_all_that_is_in_it(self, folder: Path) -> None:
        expected = [f"zip://{path.removeprefix('photos/')}::photos.zip" for path in find_photos(["photos"])]
        for given in ("photos.zip", "zip://photos.zip", "zip://::photos.zip"):
            assert list(find_photos([given])) == expected
        (folder / "PHOTOS.ZIP").write_bytes((folder / "photos.zip").read_bytes())
        assert len(list(find_photos(["PHOTOS.ZIP"]))) == len(expected)
        assert list(find_photos(["-"], stdin=io.BytesIO(b"photos.zip\n"))) == expected

    def test_one_inside_a_folder_is_left_out_and_counted(self) -> None:
        findings = Findings()
        list(find_photos(["."], findings=findings))
        assert findings.suffixes == {".txt": 1, ".zip": 1, ".tar": 1}

    def test_a_folder_that_is_called_so_is_a_folder(self, folder: Path) -> None:
        (folder / "album.zip").mkdir()
        (folder / "album.zip" / "a.jpg").touch()
        assert list(find_photos(["album.zip"])) == ["album.zip/a.jpg"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_that_is_no_longer_used_is_closed(folder: Path, kind: str) -> None:
    circle: list[object] = [open_archive(Member(kind, "", f"photos.{kind}"))]
    circle.append(circle)
    for number in range(9):  # more than are kept open
        name = f"{number}.{kind}"
        (folder / name).write_bytes((folder / f"photos.{kind}").read_bytes())
        read_photo(f"{kind}://b.jpg::{name}")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        del circle
        gc.collect()
    assert not found


@pytest.mark.usefixtures("folder")
def test_many_threads_read_one_archive() -> None:
    for kind in ("zip", "tar"):
        paths = list(find_photos([f"photos.{kind}"])) * 20
        expected = [read_photo(path) for path in paths]
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(read_photo, paths)) == expected


def test_an_archive_that_changes_is_read_anew(folder: Path) -> None:
    assert read_photo("zip://b.jpg::photos.zip") == b"b.jpg" * 100
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("b.jpg", "another")
    assert read_photo("zip://b.jpg::photos.zip") == b"another"


def made(folder: Path, change: Callable[[bytes], bytes], source: str, name: str) -> str:
    (folder / name).write_bytes(change((folder / source).read_bytes()))
    return name


@pytest.mark.usefixtures("folder")
class TestFaults:
    @pytest.mark.parametrize("kind", ["zip", "tar"])
    def test_what_is_not_there(self, kind: str) -> None:
        assert failure(f"{kind}://nothing.jpg::photos.{kind}").kind is KIND.MISSING
        assert failure(f"{kind}://c::photos.{kind}").kind is KIND.MISSING
        assert failure(f"{kind}://a.jpg::nowhere.{kind}").kind is KIND.MISSING
        assert failure(f"{kind}://::photos.{kind}").kind is KIND.NOT_A_FILE
        assert failure(f"{kind}://a.jpg::ftp://example.org/photos.{kind}").kind is KIND.UNSUPPORTED

    @pytest.mark.parametrize("kind", ["zip", "tar"])
    def test_what_is_no_archive(self, folder: Path, kind: str) -> None:
        (folder / f"text.{kind}").write_text("no archive" * 100)
        (found,) = find_photos([f"text.{kind}"])
        assert failure(found).kind is KIND.UNREADABLE
        (folder / f"empty.{kind}").touch()
        (found,) = find_photos([f"empty.{kind}"])
        assert failure(found).kind is KIND.UNREADABLE

    @pytest.mark.parametrize(
        ("ending", "mode"), [("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.xz", "w:xz"), ("tar.bz2", "w:bz2")]
    )
    def test_a_compressed_tar_says_what_to_do(
        self, folder: Path, ending: str, mode: Literal["w:gz", "w:xz", "w:bz2"]
    ) -> None:
        with tarfile.open(folder / f"photos.{ending}", mode) as tar:
            tar.add(folder / "photos", "photos")
        (found,) = find_photos([f"photos.{ending}"])
        error = failure(found)
        assert error.kind is KIND.UNSUPPORTED
        assert "decompress" in error.sentence

    def test_a_zip_that_is_cut_off(self, folder: Path) -> None:
        name = made(folder, lambda data: data[:-100], "photos.zip", "cut.zip")
        (found,) = find_photos([name])
        assert failure(found).kind is KIND.UNREADABLE

    def test_a_tar_that_is_cut_off_gives_what_it_has_and_says_so(self, folder: Path) -> None:
        whole = list(find_photos(["photos.tar"]))
        with tarfile.open(folder / "photos.tar") as tar:
            last = max(info.offset_data for info in tar if info.isfile())
        name = made(folder, lambda data: data[: last + 10], "photos.tar", "cut.tar")
        *found, end = find_photos([name])
        assert len(whole) - 1 <= len(found) <= len(whole)
        assert failure(end).kind is KIND.TRUNCATED

    def test_a_damaged_member(self, folder: Path) -> None:
        with zipfile.ZipFile(folder / "stored.zip", "w") as archive:
            archive.writestr("a.jpg", b"content of the photo")
            archive.writestr("b.jpg", b"another")
        name = made(folder, lambda data: data.replace(b"content", b"CONTENT"), "stored.zip", "damaged.zip")
        assert failure(f"zip://a.jpg::{name}").kind is KIND.DAMAGED
        assert read_photo(f"zip://b.jpg::{name}") == b"another"

    @pytest.mark.parametrize(
        "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    def test_a_damaged_member_however_it_is_packed(self, folder: Path, method: int) -> None:
        with zipfile.ZipFile(folder / "packed.zip", "w", method) as archive:
            archive.writestr("a.jpg", bytes(range(256)) * 8)
        name = made(folder, lambda data: data[:60] + bytes(20) + data[80:], "packed.zip", "damaged.zip")
        assert failure(f"zip://a.jpg::{name}").kind is KIND.DAMAGED

    @pytest.mark.parametrize(
        ("before", "after", "kind"),
        [
            # In its list at the end: the version that it needs, and a name.
            (b"PK\1\2\x14\3\x14\0", b"PK\1\2\x14\3\x63\0", KIND.UNSUPPORTED),
            ("é.jpg".encode(), b"\xff\xff.jpg", KIND.UNREADABLE),
        ],
    )
    def test_a_zip_whose_list_is_damaged_costs_a_row_and_no_run(
        self, folder: Path, before: bytes, after: bytes, kind: PhotoErrorKind
    ) -> None:
        with zipfile.ZipFile(folder / "list.zip", "w") as archive:
            archive.writestr("é.jpg", b"x")

        def damaged(data: bytes) -> bytes:
            start = data.index(b"PK\1\2")
            assert before in data[start:]
            return data[:start] + data[start:].replace(before, after)

        name = made(folder, damaged, "list.zip", "damaged.zip")
        found, other = find_photos([name, "photos/b.jpg"])
        assert failure(found).kind is kind
        assert other == "photos/b.jpg"

    def test_a_file_without_a_name_is_left_out(self, folder: Path) -> None:
        with zipfile.ZipFile(folder / "unnamed.zip", "w") as archive:
            for name in ("", ".", "a.jpg"):
                archive.writestr(zipfile.ZipInfo(name) if name else "x", b"x")

        def unnamed(data: bytes) -> bytes:
            start = data.index(b"PK\1\2")
            lengths = start + 28
            name = start + 46
            assert data[name : name + 1] == b"x"
            end = data.index(b"PK\5\6")
            size = int.from_bytes(data[end + 12 : end + 16], "little") - 1
            return (
                data[:lengths] + b"\0\0" + data[lengths + 2 : name] + data[name + 1 : end + 12]
                + size.to_bytes(4, "little") + data[end + 16 :]
            )  # fmt: skip

        name = made(folder, unnamed, "unnamed.zip", "nameless.zip")
        assert list(find_photos([name])) == [f"zip://a.jpg::{name}"]

    def test_an_encrypted_member(self, folder: Path) -> None:
        with zipfile.ZipFile(folder / "plain.zip", "w") as archive:
            archive.writestr("a.jpg", b"x")

        def encrypted(data: bytes) -> bytes:
            changed = bytearray(data)
            changed[6] |= 1
            changed[data.index(b"PK\1\2") + 8] |= 1
            return bytes(changed)

        name = made(folder, encrypted, "plain.zip", "encrypted.zip")
        assert failure(f"zip://a.jpg::{name}").kind is KIND.UNREADABLE

    def test_a_member_that_claims_to_be_huge_is_not_unpacked(self, folder: Path) -> None:
        with zipfile.ZipFile(folder / "huge.zip", "w") as archive:
            archive.writestr("a.jpg", b"x")

        def huge(data: bytes) -> bytes:
            changed = bytearray(data)
            directory = data.index(b"PK\1\2")
            changed[directory + 24 : directory + 28] = (1 << 31).to_bytes(4, "little")
            return bytes(changed)

        name = made(folder, huge, "huge.zip", "claims.zip")
        assert failure(f"zip://a.jpg::{name}").kind is KIND.TOO_LARGE

    def test_a_member_cannot_lead_out_of_it(self, folder: Path) -> None:
        with zipfile.ZipFile(folder / "out.zip", "w") as archive:
            archive.writestr("../photos/b.jpg", b"inside")
            archive.writestr("/etc/a.jpg", b"inside")
        assert list(find_photos(["out.zip"])) == [
            "zip://etc/a.jpg::out.zip"
        ]  # what begins with a dot is hidden
        for name in ("etc/a.jpg", "/etc/a.jpg", "../photos/b.jpg"):
            assert read_photo(f"zip://{name}::out.zip") == b"inside"


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_in_a_store(folder: Path, kind: str) -> None:
    bucket = f"b-{uuid.uuid4().hex}"
    store = store_of(f"s3://{bucket}")
    store.ask("call_s3", "create_bucket", Bucket=bucket)
    data = (folder / f"photos.{kind}").read_bytes()
    store.ask("call_s3", "put_object", Bucket=bucket, Key=f"photos.{kind}", Body=data)
    local = list(find_photos([f"photos.{kind}"]))
    remote = list(find_photos([f"s3://{bucket}/photos.{kind}"]))
    assert remote == [path.replace("::", f"::s3://{bucket}/") for path in local]
    assert [read_photo(path) for path in remote] == [read_photo(path) for path in local]
    assert failure(f"{kind}://a.jpg::s3://{bucket}/none.{kind}").kind is KIND.MISSING
