"""What an archive may hold, a hostile one too: nothing leaves it, and it ends where it goes on too long."""

import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fercli.errors import UsageError
from fercli.fer2013 import Split, read_pictures, streams
from fercli.fer2013 import archives as archive_module
from tests.fer2013 import spellings
from tests.fer2013.spellings import FOLDERS, PLAIN, write_archive


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_pictures(path, Split)
    assert caught.value.remedy
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["../../outside.csv", "/outside.csv", "..\\outside.csv"])
def test_no_name_leads_outside(name: str, suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = write_archive({name: PLAIN.encode()}, folder / f"data{suffix}")
    before = set(tmp_path.rglob("*"))
    if not Path(name).is_absolute() and ".." in name:
        assert "holds no CSV" in refusal(path)
    else:
        read_pictures(path, Split)
    assert set(tmp_path.rglob("*")) == before


def test_links_in_a_tar_are_passed_over(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(PLAIN)
    with tarfile.open(tmp_path / "data.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"fer2013{kind!r}.csv")
            member.type, member.linkname = kind, str(outside)
            archive.addfile(member)
    assert "holds no CSV" in refusal(tmp_path / "data.tar")


def _several(path: Path) -> Path:
    return write_archive({"a.csv": PLAIN.encode(), "b/a.csv": PLAIN.encode()}, path)


def _of_nothing(path: Path) -> Path:
    return write_archive({"README": b"", "notes/a.txt": b""}, path)


def _cut(path: Path) -> Path:
    write_archive({"a.csv": PLAIN.encode()}, path)
    os.truncate(path, path.stat().st_size // 2)
    return path


def _other(path: Path) -> Path:
    path.write_bytes(b"no archive, whatever its name says" * 99)
    return path


def _missing(path: Path) -> Path:
    return path


def _with_columns_missing(path: Path) -> Path:
    return write_archive({"a.csv": b"emotion,Usage\n0,Training\n"}, path)


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "several": (_several, "holds several data sets: "),
    "nothing": (
        _of_nothing,
        "holds no CSV with the columns of FER2013, and no class folders; its folders are: notes.",
    ),
    "cut off": (_cut, "cannot be read: "),
    "another file": (_other, "cannot be read: "),
    "missing": (_missing, "cannot be read: No such file or directory."),
    "a table that lacks pixels": (
        _with_columns_missing,
        "a.csv has no column pixels; it has emotion, Usage.",
    ),
}


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_named(name: str, suffix: str, tmp_path: Path) -> None:
    make, message = BAD[name]
    said = refusal(make(tmp_path / f"data{suffix}"))
    assert said.startswith(str(tmp_path / f"data{suffix}"))
    assert message in said


@pytest.mark.parametrize("hurt", ["cut between two files", "cut in a header", "a header changed"])
def test_a_tar_that_ends_too_soon_is_named(hurt: str, tmp_path: Path) -> None:
    path = write_archive(FOLDERS["train, val, test"], tmp_path / "data.tar")
    with tarfile.open(path) as archive:
        place = archive.getmembers()[-30].offset
    content = bytearray(path.read_bytes())
    if hurt == "a header changed":
        content[place + 5] ^= 1
    else:
        del content[place + (0 if "between" in hurt else 99) :]
    path.write_bytes(content)
    assert refusal(path) == f"{path} cannot be read: it is cut off, or damaged inside."


def test_a_broken_picture_in_an_archive_is_named(tmp_path: Path) -> None:
    files = dict(FOLDERS["train, val, test"])
    name = next(name for name in files if "train/happy/" in name)
    files[name] = files[name][:99]
    path = write_archive(files, tmp_path / "data.zip")
    assert refusal(path).startswith(
        f"'{path}, {name}'" if " " in name else f"{path}, {name}: the picture is "
    )


def test_an_encrypted_zip_is_named(tmp_path: Path) -> None:
    path = write_archive({"fer2013.csv": PLAIN.encode()}, tmp_path / "data.zip")
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


def test_a_zip_of_a_later_version_is_named(tmp_path: Path) -> None:
    path = write_archive({"fer2013.csv": PLAIN.encode()}, tmp_path / "data.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 99
    path.write_bytes(content)
    assert refusal(path) == f"{path} cannot be read: zip file version 9.9."


def test_a_tar_may_end_in_a_zip(tmp_path: Path) -> None:
    inner = write_archive({"notes.txt": b"of no interest"}, tmp_path / "notes.zip").read_bytes()
    path = write_archive({"fer2013.csv": PLAIN.encode(), "notes.zip": inner}, tmp_path / "data.tar")
    assert len(read_pictures(path, Split)) == len(Split)


def test_a_table_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_UNPACKED", 1 << 20)
    for suffix, packed in spellings.PACKED.items():
        (tmp_path / f"data{suffix}").write_bytes(packed(PLAIN.encode()))
        assert "it holds more than " in refusal(tmp_path / f"data{suffix}")
    for suffix in (".zip", ".tar.gz"):
        path = write_archive({"fer2013.csv": PLAIN.encode()}, tmp_path / f"data{suffix}")
        assert "it holds more than " in refusal(path)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("fer2013.csv", b"emotion,pixels,Usage\n0," + b"1 " * (1 << 23))
    assert (tmp_path / "data.zip").stat().st_size < 1 << 16
    assert "a line has more than 1,048,576 characters" in refusal(tmp_path / "data.zip")


def test_pictures_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "_MAX_KEPT", 10_000)
    path = write_archive(FOLDERS["train, val, test"], tmp_path / "data.tar.gz")
    assert "its pictures have more than " in refusal(path)


def test_a_tar_whose_member_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("fer2013.csv")
    member.size = 1 << 45
    header = member.tobuf(tarfile.GNU_FORMAT)
    longname = tarfile.TarInfo("././@LongLink")
    longname.type, longname.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    for content in (header, longname.tobuf(tarfile.GNU_FORMAT)):
        (tmp_path / "data.tar").write_bytes(content + bytes(2048))
        assert "cannot be read: " in refusal(tmp_path / "data.tar")


def test_a_picture_of_many_bytes_is_refused(tmp_path: Path) -> None:
    files = dict(FOLDERS["train, val, test"])
    name = next(name for name in files if "train/happy/" in name)
    files[name] = bytes((64 << 20) + 1)
    said = refusal(write_archive(files, tmp_path / "data.zip"))
    assert said.endswith(f"{name}: the picture cannot be read: it has more than 64 MiB.")
