"""What S3 is tested with in test_remote.py, and is not the same for Google's store and for Azure's."""

from __future__ import annotations

import asyncio
import os
import re
import uuid
import zipfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fercli.errors import PhotoErrorKind, UsageError
from fercli.reports import Format, open_report
from fercli.sources import find_photos, read_photo
from fercli.stores import store_of
from tests import clouds
from tests.conftest import Run
from tests.sources.conftest import TREE
from tests.sources.rules import require_rules_of_folders
from tests.sources.test_remote import failure, without_scheme

KIND = PhotoErrorKind


class Cloud:
    """A store on this machine, with an empty bucket.

    Attributes:
        url: the bucket's.
        proxy: what has faults on request.
        address: that of Azure's account.
    """

    def __init__(self, scheme: str, proxy: clouds.Proxy) -> None:
        self.bucket = f"b{uuid.uuid4().hex}"
        self.url = f"{scheme}://{self.bucket}"
        self.proxy = proxy
        self.address = f"http://127.0.0.1:{proxy.server_port}/devstoreaccount1"
        files = store_of(self.url)._files
        files.mkdir(self.bucket)
        self._loop = files.loop
        # adlfs takes some keys for parts of a URL when it writes them.
        self._write: Callable[..., Awaitable[Any]] = (
            files.service_client.get_container_client(self.bucket).upload_blob
            if scheme == "az"
            else lambda key, data: files._pipe_file(f"{self.bucket}/{key}", data)
        )

    def put(self, key: str, data: bytes, **options: Any) -> None:
        self.put_all({key: data}, **options)

    def put_all(self, contents: dict[str, bytes], **options: Any) -> None:
        from fsspec.asyn import sync

        async def write() -> None:
            for some in batched(contents.items()):
                await asyncio.gather(*(self._write(key, data, **options) for key, data in some))

        sync(self._loop, write)


def batched(contents: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Fifty at a time."""
    rest = iter(contents)
    while some := list(islice(rest, 50)):
        yield some


AZURE = ["az"] if clouds.AZURITE in os.environ else []
only_azure = pytest.mark.parametrize("_server", AZURE, indirect=True)


@pytest.fixture(scope="module", params=["gs", *AZURE])
def _server(request: pytest.FixtureRequest) -> Iterator[tuple[str, clouds.Proxy]]:
    scheme: str = request.param
    store = clouds.google if scheme == "gs" else clouds.azure
    with store() as (proxy, environment), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield scheme, proxy


@pytest.fixture
def cloud(_server: tuple[str, clouds.Proxy]) -> Iterator[Cloud]:
    scheme, proxy = _server
    yield Cloud(scheme, proxy)
    proxy.faults.clear()


def test_the_rules_are_those_of_folders(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = (*TREE, "photos-old/z.jpg")
    cloud.put_all({name: name.encode() for name in names})
    for name in names:
        file = tmp_path / cloud.bucket / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("", {}),
        ("/photos", {}),
        ("/photos/", {"recursive": False}),
        ("/photos", {"include": ["*.txt", "*.tif"]}),
        ("/photos", {"exclude": ["c", "*.PNG"]}),
        ("/photos/**/*.jp*", {}),
        ("/photos/.hidden", {}),
        ("/photos/notes.txt", {}),
    ]
    for path, options in cases:
        require_rules_of_folders(f"{cloud.url}{path}", f"{cloud.bucket}{path}", without_scheme, **options)
    assert list(find_photos([f"{cloud.url}/nowhere/"])) == []


def test_keys_that_no_file_could_have(cloud: Cloud) -> None:
    keys = [
        "-a.jpg",
        "a//b.jpg",
        "a?b#c%20+d.jpg",
        "a#1.jpg",
        "a?versionid=3.jpg",
        "u@host:1.jpg",
        "é/日本.jpg",
    ]
    cloud.put_all({key: key.encode() for key in keys})
    found = list(find_photos([f"{cloud.url}/"]))
    assert sorted(found) == sorted(f"{cloud.url}/{key}" for key in keys)
    for url in found:
        assert read_photo(url).decode() == url.removeprefix(f"{cloud.url}/")


@only_azure
def test_a_folder_of_a_data_lake_is_no_photo(cloud: Cloud) -> None:
    cloud.put("x.jpg", b"", metadata={"Hdi_isfolder": "true"})
    cloud.put("x.jpg/a.jpg", b"x")
    assert list(find_photos([f"{cloud.url}/"])) == [f"{cloud.url}/x.jpg/a.jpg"]


def test_a_folder_of_several_pages_is_listed_whole(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    if cloud.url.startswith("gs"):
        monkeypatch.setattr(clouds, "PAGE", 2)
        count = 5
    else:
        count = 5001  # Azure's pages have 5,000
    keys = [f"photos/{number:05}.jpg" for number in range(count - 1)] + ["photos/x/a.jpg"]
    cloud.put_all(dict.fromkeys(keys, b"x"))
    before = len(cloud.proxy.calls)
    assert list(find_photos([f"{cloud.url}/photos/"])) == [f"{cloud.url}/{key}" for key in keys]
    assert len(cloud.proxy.calls) - before == (4 if count == 5 else 3)


class TestReading:
    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # by put
    @pytest.mark.parametrize("size", [1, (4 << 20) - 1, 4 << 20, (4 << 20) + 5])
    def test_gives_the_bytes(self, cloud: Cloud, size: int) -> None:
        data = os.urandom(size - 1) + b"x"  # Google's emulator drops a line's end at the end of a file
        cloud.put("a b/é[1].jpg", data)
        assert read_photo(f"{cloud.url}/a b/é[1].jpg") == data

    def test_an_empty_file(self, cloud: Cloud) -> None:
        cloud.put("a.jpg", b"")
        assert failure(f"{cloud.url}/a.jpg").kind is KIND.EMPTY

    def test_what_is_not_there(self, cloud: Cloud) -> None:
        cloud.put("x.jpg/inside.gif", b"x")
        scheme = cloud.url.partition("://")[0]
        for url in (f"{cloud.url}/a.jpg", f"{cloud.url}/x.jpg", f"{scheme}://no-such-bucket/a.jpg"):
            assert failure(url).kind is KIND.MISSING
        assert failure(f"{scheme}://no-such-bucket/").kind is KIND.MISSING

    @pytest.mark.parametrize("fault", [500, 429, "cut"])
    def test_a_passing_fault_costs_nothing(self, cloud: Cloud, fault: int | str) -> None:
        cloud.put("a.jpg", b"x" * 1000)
        cloud.proxy.faults["GET a.jpg"].append(fault)
        assert read_photo(f"{cloud.url}/a.jpg") == b"x" * 1000
        assert not cloud.proxy.faults["GET a.jpg"]

    @pytest.mark.parametrize(("status", "word"), [(401, "credentials"), (403, "permission")])
    def test_a_lasting_one_is_an_error(self, cloud: Cloud, status: int, word: str) -> None:
        cloud.put("a.jpg", b"x")
        cloud.proxy.faults["GET a.jpg"].extend([status] * 4)
        error = failure(f"{cloud.url}/a.jpg")
        assert error.kind is KIND.UNREADABLE
        assert word in error.sentence
        assert len(cloud.proxy.faults["GET a.jpg"]) >= 2  # it is not asked again and again

    def test_an_archive(self, cloud: Cloud) -> None:
        archive = BytesIO()
        with zipfile.ZipFile(archive, "w") as members:
            members.writestr("a.jpg", b"x" * 1000)
        cloud.put("photos.zip", archive.getvalue())
        (found,) = find_photos([f"{cloud.url}/photos.zip"])
        assert read_photo(found) == b"x" * 1000


ROW = "a.jpg,,no_face" + "," * 15
REPORT = (
    "path,face,status,x1,y1,x2,y2,score,expression,confidence,angry,disgust,fear,happy,sad,surprise,neutral,error\n"
    f"{ROW}\n"
)


class TestReports:
    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_are_those_of_this_computer(self, cloud: Cloud, run: Run, tmp_path: Path, suffix: str) -> None:
        (tmp_path / "a.csv").write_text(REPORT)
        for out in (f"{cloud.url}/there.{suffix}", tmp_path / f"here.{suffix}"):
            assert run("report", "merge", tmp_path / "a.csv", "--out", out).returncode == 0
        written = store_of(cloud.url).read(f"{cloud.url}/there.{suffix}", 0, 1 << 20)
        assert written == (tmp_path / f"here.{suffix}").read_bytes()
        # A report replaces a report, and nothing else.
        assert (
            run("report", "merge", tmp_path / "a.csv", "--out", f"{cloud.url}/there.{suffix}").returncode
            == 0
        )
        cloud.put("other.csv", b"mine")
        assert run("report", "merge", tmp_path / "a.csv", "--out", f"{cloud.url}/other.csv").returncode == 2

    def test_of_a_run_that_fails_leave_nothing(self, cloud: Cloud) -> None:
        url = f"{cloud.url}/report.csv"

        def fail() -> None:
            with open_report(url, Format.CSV) as writer:
                writer.write([])
                raise UsageError("It ends.", "")

        with pytest.raises(UsageError):
            fail()
        assert failure(f"{cloud.url}/report.csv").kind is KIND.MISSING

    def test_what_may_not_be_written_is_refused_before_the_first_row(
        self, cloud: Cloud, run: Run, tmp_path: Path
    ) -> None:
        (tmp_path / "a.csv").write_text(REPORT)
        scheme = cloud.url.partition("://")[0]
        done = run("report", "merge", tmp_path / "a.csv", "--out", f"{scheme}://no-such-bucket/r.csv")
        assert done.returncode == 6
        assert "no such file or bucket" in done.stderr
        method, name = ("POST", "o") if scheme == "gs" else ("PUT", "r.csv")
        cloud.proxy.faults[f"{method} {name}"].append(403)
        done = run("report", "merge", tmp_path / "a.csv", "--out", f"{cloud.url}/r.csv")
        assert done.returncode == 6
        assert "permission" in done.stderr


@only_azure
@pytest.mark.parametrize(
    ("connection", "word"),
    [
        ("AccountKey=c2VjcmV0", "credentials|permission"),
        ("AccountKey=no key!secret", "credentials|permission"),
        ("SharedAccessSignature=sv=2021-08-06&ss=b&srt=sco&sp=r&sig=c2VjcmV0", "credentials|permission"),
        ("gibberish-secret", "cannot reach az://"),
    ],
)
def test_wrong_credentials_are_told_and_not_shown(
    cloud: Cloud, run: Run, connection: str, word: str
) -> None:
    account = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;BlobEndpoint={cloud.address};"
    given = connection if "gibberish" in connection else f"{account}{connection}"
    # A process of its own: a store remembers the credentials that it began with.
    environment = {"AZURE_STORAGE_CONNECTION_STRING": given}
    done = run("predict", f"{cloud.url}/a.jpg", "--detector", "none", env=environment)
    said = done.stdout.decode() + done.stderr
    assert done.returncode in {3, 5}
    assert re.search(word, said)
    assert "secret" not in said
    assert "c2VjcmV0" not in said
