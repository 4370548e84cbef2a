from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import find_photos, is_remote, read_photo
from fercli.stores import store_of
from tests.servers import MANY, FaultyS3
from tests.sources.conftest import TREE
from tests.sources.rules import require_rules_of_folders

KIND = PhotoErrorKind


@pytest.fixture
def bucket(s3: FaultyS3) -> str:
    """A bucket of this test's, empty."""
    name = f"b-{uuid.uuid4().hex}"
    store_of(f"s3://{name}").ask("call_s3", "create_bucket", Bucket=name)
    s3.calls.clear()
    return name


def put(bucket: str, **files: bytes) -> None:
    for name, data in files.items():
        put_key(bucket, name, data)


def put_key(bucket: str, key: str, data: bytes) -> None:
    store_of(f"s3://{bucket}").ask("call_s3", "put_object", Bucket=bucket, Key=key, Body=data)


def failure(url: str, **options: Any) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        read_photo(url, **options)
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence
    return caught.value


class TestReading:
    def test_gives_the_bytes_in_one_request(self, s3: FaultyS3, bucket: str) -> None:
        put_key(bucket, "a b/é[1].jpg", b"\xff\xd8\0")
        s3.calls.clear()
        assert read_photo(f"s3://{bucket}/a b/é[1].jpg") == b"\xff\xd8\0"
        assert len(s3.calls) == 1

    @pytest.mark.parametrize("extra", [-1, 0, 1, 5000])
    def test_a_large_file_is_admitted_before_it_is_read_whole(self, bucket: str, extra: int) -> None:
        data = os.urandom((4 << 20) + extra)
        put_key(bucket, "large.jpg", data)
        asked: list[int] = []
        assert read_photo(f"s3://{bucket}/large.jpg", asked.append) == data
        assert asked == ([len(data)] if extra >= 0 else [])

    def test_an_empty_file(self, bucket: str) -> None:
        put_key(bucket, "a.jpg", b"")
        assert failure(f"s3://{bucket}/a.jpg").kind is KIND.EMPTY

    def test_what_is_not_there(self, bucket: str) -> None:
        for url in (f"s3://{bucket}/a.jpg", "s3://no-such-bucket-here/a.jpg", "s3://no-such-bucket-here/"):
            assert failure(url).kind is KIND.MISSING

    def test_a_known_format_that_is_not_read(self, bucket: str) -> None:
        put_key(bucket, "a.jxl", b"\xff\x0a\xfa")
        assert failure(f"s3://{bucket}/a.jxl").kind is KIND.UNSUPPORTED

    @pytest.mark.parametrize("fault", [500, 503, 429, "cut"])
    def test_a_passing_fault_costs_nothing(self, s3: FaultyS3, bucket: str, fault: int | str) -> None:
        put_key(bucket, "a.jpg", b"x" * 1000)
        s3.faults["a.jpg"].extend([fault, fault])
        assert read_photo(f"s3://{bucket}/a.jpg") == b"x" * 1000
        assert not s3.faults["a.jpg"]

    def test_a_lasting_one_is_an_error(self, s3: FaultyS3, bucket: str) -> None:
        put_key(bucket, "a.jpg", b"x")
        s3.faults["a.jpg"].extend([403])
        assert failure(f"s3://{bucket}/a.jpg").kind is KIND.UNREADABLE

    def test_an_error_without_end_too(self, s3: FaultyS3, bucket: str) -> None:
        put_key(bucket, "a.jpg", b"x")
        s3.faults["a.jpg"].extend([500] * 50)
        error = failure(f"s3://{bucket}/a.jpg", timeout=2)
        assert error.kind is KIND.UNREADABLE
        assert "tried" in error.sentence

    def test_one_that_never_comes_is_too_late(self, s3: FaultyS3, bucket: str) -> None:
        put_key(bucket, "a.jpg", b"x")
        s3.faults["a.jpg"].append("halt")
        assert failure(f"s3://{bucket}/a.jpg", timeout=0.5).kind is KIND.TIMEOUT
        s3.go_on.set()
        s3.go_on.clear()

    @pytest.mark.parametrize(
        "url", ["s3://b/a.jpg", "S3://b/a.jpg", "zip://a.jpg::s3://b/a.zip", "https://x/a"]
    )
    def test_what_is_remote(self, url: str) -> None:
        assert is_remote(url)
        assert not is_remote(url.partition("://")[2])


def without_scheme(url: str) -> str:
    return url.partition("://")[2]


@pytest.fixture
def both(bucket: str, tree: Path) -> str:
    """The same files in a bucket, whose name this is, and below the current folder in one of that name."""
    here = tree / bucket
    here.mkdir()
    for folder in ("photos", "more"):
        (tree / folder).rename(here / folder)
    for name in TREE:
        put_key(bucket, name, (here / name).read_bytes())
    put_key(bucket, "photos/", b"")
    return bucket


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("", {}),
        ("/", {}),
        ("/photos", {}),
        ("/photos/", {}),
        ("/photos/", {"recursive": False}),
        ("/photos", {"include": ["*.txt", "*.tif"]}),
        ("/photos", {"include": ["c/*"]}),
        ("/photos", {"exclude": ["c", "*.PNG"]}),
        ("/photos", {"exclude": ["**/deep/"]}),
        ("/photos/*.jpg", {}),
        ("/photos/**/*.jp*", {}),
        ("/*/?.*", {}),
        ("/photos/[ab].*", {}),
        ("/photos/.*", {}),
        ("/photos/*.heic", {}),
        ("/photos/b.jpg", {}),
        ("/photos/notes.txt", {}),
        ("/photos/.hidden", {}),
    ],
)
def test_the_rules_are_those_of_folders(both: str, path: str, options: dict[str, Any]) -> None:
    require_rules_of_folders(f"s3://{both}{path}", f"{both}{path}", without_scheme, **options)


def test_a_folder_that_is_missing_is_an_empty_one(both: str) -> None:
    assert list(find_photos([f"s3://{both}/nowhere/"])) == []


class TestListing:
    def test_a_name_that_looks_like_a_pattern_and_is_there(self, bucket: str) -> None:
        put_key(bucket, "IMG[1].jpg", b"x")
        put_key(bucket, "IMG1.jpg", b"x")
        assert list(find_photos([f"s3://{bucket}/IMG[1].jpg"])) == [f"s3://{bucket}/IMG[1].jpg"]

    def test_a_photo_that_is_named_asks_nothing(self, s3: FaultyS3) -> None:
        assert list(find_photos(["s3://somewhere/a.jpg"])) == ["s3://somewhere/a.jpg"]
        assert not s3.calls

    def test_what_has_no_suffix_is_a_folder_where_it_holds_something(self, bucket: str) -> None:
        put_key(bucket, "scan", b"x")
        put_key(bucket, "album/a.jpg", b"x")
        found = list(find_photos([f"s3://{bucket}/scan", f"s3://{bucket}/album", f"s3://{bucket}/none"]))
        assert found == [f"s3://{bucket}/scan", f"s3://{bucket}/album/a.jpg", f"s3://{bucket}/none"]

    def test_keys_that_no_file_could_have(self, bucket: str) -> None:
        keys = ["-a.jpg", "a//b.jpg", "a?b#c%20+d.jpg", "quote\" and 'another'.jpg", "é/日本.jpg", "x/"]
        for key in keys:
            put_key(bucket, key, key.encode())
        found = list(find_photos([f"s3://{bucket}/"]))
        assert sorted(found) == sorted(f"s3://{bucket}/{key}" for key in keys if key != "x/")
        for url in found:
            assert read_photo(url).decode() == url.removeprefix(f"s3://{bucket}/")

    def test_starts_at_once_and_holds_one_page(self, s3: FaultyS3) -> None:
        found = find_photos(["s3://many/"])
        assert next(found) == "s3://many/photos/00000.jpg"
        before = len(s3.calls)
        assert before <= 2  # the bucket's folders, and the first page of the one that it has
        assert sum(1 for _ in found) == MANY - 1
        assert len(s3.calls) == before + MANY // 1000 - 1

    def test_a_passing_fault_loses_no_photo(self, s3: FaultyS3, both: str) -> None:
        local = list(find_photos([f"{both}/photos"]))
        s3.faults[both].extend([500, 503])
        found = list(find_photos([f"s3://{both}/photos/"]))
        assert [url.removeprefix("s3://") for url in found] == local
        assert not s3.faults[both]

    def test_a_folder_that_cannot_be_listed_stands_for_itself(self, s3: FaultyS3, both: str) -> None:
        s3.faults[both].append(403)
        (found,) = find_photos([f"s3://{both}/photos/"])
        assert found == f"s3://{both}/photos/"
        s3.faults[both].append(403)
        error = failure(found)
        assert error.kind is KIND.UNREADABLE
        assert "listed" in error.sentence
