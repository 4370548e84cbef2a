"""Photos and reports on other computers, as a user has them."""

from __future__ import annotations

import json
import os
import signal
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fercli.stores import store_of
from tests.cli.test_predict_pipes import running
from tests.corpus import build, encoded, gradient
from tests.servers import Answer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.conftest import Result, Run
    from tests.servers import FaultyS3, Web

NONE = ("--detector", "none", "--backend", "onnx")
LINES = ("--format", "jsonl")


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def new_bucket() -> str:
    bucket = f"b-{uuid.uuid4().hex}"
    store_of(f"s3://{bucket}").ask("call_s3", "create_bucket", Bucket=bucket)
    return bucket


def put(bucket: str, key: str, data: bytes) -> None:
    store_of(f"s3://{bucket}").ask("call_s3", "put_object", Bucket=bucket, Key=key, Body=data)


def keys(bucket: str) -> list[str]:
    found = store_of(f"s3://{bucket}").ask("call_s3", "list_objects_v2", Bucket=bucket)
    return [item["Key"] for item in found.get("Contents", ())]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(encoded(gradient(30 + number, 20), "png"))
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Every kind of file that a folder of photos may hold and should not, and a bucket too."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    build(folder)
    for path in list(folder.rglob("*")):
        in_a_bucket = path.is_file() and path.name.isprintable()  # UTF-8, and what moto takes for a key
        if path.is_symlink() or not (in_a_bucket or path.is_dir()):
            path.unlink()
    return folder


class TestTheRowsAreThoseOfTheFiles:
    def test_in_a_bucket_with_faults(self, inside: Run, s3: FaultyS3, corpus: Path) -> None:
        bucket = new_bucket()
        files = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
        for path in files:
            put(bucket, f"p/{path.relative_to(corpus)}", path.read_bytes())
        for number, path in enumerate(files):
            s3.faults[path.name].extend([(500,), (503, "cut"), ("cut",), ()][number % 4])
        local = inside("predict", corpus, *NONE, *LINES)
        remote = inside("predict", f"s3://{bucket}/p/", *NONE, *LINES)
        assert remote.returncode == local.returncode == 3
        here = {row["path"].removeprefix(f"{corpus}/"): row for row in rows(local)}
        there = {row["path"].removeprefix(f"s3://{bucket}/p/"): row for row in rows(remote)}
        assert len(there) > 40
        for row in (*here.values(), *there.values()):
            row["path"] = ""
        assert there == here
        assert remote.stderr == local.stderr

    def test_in_archives_on_the_web_and_by_list(
        self, run: Run, web: tuple[Web, str], tmp_path: Path, samples: Path
    ) -> None:
        server, address = web
        names = sorted(path.name for path in samples.iterdir() if path.suffix in {".jpg", ".png"})
        with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
            for name in names:
                archive.write(samples / name, name)
                server.answers[f"/{name}?w=1&token=hush"] = [
                    Answer(status=500),
                    Answer((samples / name).read_bytes()[:9000], length=9001),
                    Answer((samples / name).read_bytes()),
                ]
        urls = "".join(f"{address}/{name}?w=1&token=hush\n" for name in names)
        local = rows(run("predict", samples, *LINES))
        inside = rows(run("predict", "photos.zip", *LINES, cwd=tmp_path))
        there = run("predict", "-", *LINES, stdin=urls.encode())
        assert there.returncode == 0
        assert "hush" not in there.stdout.decode() + there.stderr
        for row in local:
            row["path"] = Path(row["path"]).name
        for row in inside:
            row["path"] = row["path"].removeprefix("zip://").removesuffix("::photos.zip")
        assert inside == local
        assert [row["path"] for row in rows(there)] == [
            f"{address}/{row['path']}?w=1&token=***" for row in local
        ]
        assert [{**row, "path": ""} for row in rows(there)] == [{**row, "path": ""} for row in local]


@pytest.mark.usefixtures("s3")
class TestReportsInABucket:
    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_are_those_of_a_file(self, inside: Run, photos: Path, tmp_path: Path, kind: str) -> None:
        bucket = new_bucket()
        here, there = tmp_path / f"here.{kind}", f"s3://{bucket}/a b/there.{kind}"
        assert inside("predict", photos, "--out", here, *NONE).returncode == 0
        put(bucket, f"a b/there.{kind}", here.read_bytes() + b"\n")  # a report replaces a report
        assert inside("predict", photos, "--out", there, *NONE).returncode == 0
        assert store_of(there).read(there, 0, 1 << 20) == here.read_bytes()
        assert keys(bucket) == [f"a b/there.{kind}"]
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(("there", ".there"))]

    def test_replace_nothing_else(self, inside: Run, photos: Path) -> None:
        bucket = new_bucket()
        put(bucket, "table.csv", b"name,age\n")
        done = inside("predict", photos, "--out", f"s3://{bucket}/table.csv", *NONE)
        assert done.returncode == 2
        assert "is not a report of fercli" in done.stderr
        assert store_of(f"s3://{bucket}").read(f"s3://{bucket}/table.csv", 0, 100) == b"name,age\n"

    @pytest.mark.parametrize(
        "out", ["https://me:hush@127.0.0.1/a.csv", "s3://bucket", "s3://bucket/", "zip://a.csv::b.zip"]
    )
    def test_elsewhere_are_wrong_usage(self, inside: Run, photos: Path, out: str) -> None:
        done = inside("predict", photos, "--out", out, "--format", "csv", *NONE)
        assert done.returncode == 2
        assert "hush" not in done.stderr

    def test_are_not_gone_on_with(self, inside: Run, photos: Path) -> None:
        done = inside("predict", photos, "--out", f"s3://{new_bucket()}/a.csv", "--resume", *NONE)
        assert done.returncode == 2
        assert "a.csv cannot be gone on with" in done.stderr

    def test_where_nothing_can_be_written_nothing_is_begun(self, inside: Run, photos: Path) -> None:
        done = inside("predict", photos, "--out", "s3://no-such-bucket-here/a.csv", *NONE)
        assert done.returncode == 6
        assert "s3://no-such-bucket-here/a.csv cannot be written" in done.stderr

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
    def test_a_run_that_is_ended_leaves_nothing(
        self, s3: FaultyS3, photos: Path, tmp_path: Path, how: signal.Signals
    ) -> None:
        bucket = new_bucket()
        put(bucket, "in/0.png", (photos / "0.png").read_bytes())
        put(bucket, "in/1.png", (photos / "1.png").read_bytes())
        s3.faults["1.png"].extend(["halt"] * 9)
        before = len(s3.calls)
        out = f"s3://{bucket}/out.csv"
        with running("predict", f"s3://{bucket}/in/", "--out", out, *NONE, cwd=tmp_path) as begun:
            wait_until(lambda: any("1.png" in call for call in s3.calls[before:]))
            wait_until(lambda: any("DELETE" in call and "out.csv" in call for call in s3.calls[before:]))
            begun.process.send_signal(how)
            begun.process.wait(30)
        s3.go_on.set()
        assert keys(bucket) == ["in/0.png", "in/1.png"]
        uploads = store_of(out).ask("call_s3", "list_multipart_uploads", Bucket=bucket)
        assert not uploads.get("Uploads")


def test_credentials_are_never_said(run: Run, s3: FaultyS3, photos: Path) -> None:
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    bucket = new_bucket()
    put(bucket, "a.png", (photos / "0.png").read_bytes())
    s3.faults["a.png"].extend([403] * 9)
    done = run("predict", f"s3://{bucket}/a.png", *NONE, env={"FERCLI_DEBUG": "1"})
    assert done.returncode == 3
    said = done.stdout.decode() + done.stderr
    assert secret not in said
    assert os.environ["AWS_ACCESS_KEY_ID"] not in said
    assert "permission" in said


@pytest.mark.usefixtures("s3")
def test_no_credentials_are_a_row(run: Run, tmp_path: Path) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    done = run("predict", "s3://somewhere/a.jpg", *NONE, *LINES, env=none)
    assert done.returncode == 3
    assert rows(done)[0]["error"].startswith(("unreadable:", "missing:"))


@pytest.mark.parametrize("package", ["s3fs", "fsspec"])
def test_without_the_extra(run: Run, tmp_path: Path, photos: Path, package: str) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / f"{package}.py").write_text("raise ImportError('No module named it')")
    for arguments in ((f"s3://bucket/{package}/",), (photos, "--out", "s3://bucket/a.csv")):
        done = run("predict", *arguments, *NONE, env={"PYTHONPATH": str(tmp_path / "broken")})
        assert done.returncode == 5
        assert done.stderr.count("\n") == 2
        assert "s3:// need s3fs" in done.stderr
        assert "pip install 'fercli[cloud]'" in done.stderr


def test_a_web_photo_is_known_again_when_it_is_signed_anew(
    inside: Run, web: tuple[Web, str], photos: Path, tmp_path: Path
) -> None:
    server, address = web
    out = tmp_path / "out.csv"
    for signature, seen in (("first", 3), ("second", 1)):  # the last photo is always read again
        urls = []
        for number in range(3):
            path = f"/{number}.png?X-Amz-Signature={signature}"
            server.answers[path] = [Answer((photos / f"{number}.png").read_bytes())]
            urls.append(f"{address}{path}")
        done = inside("predict", *urls, "--out", out, "--resume", *NONE)
        assert done.returncode == 0
        assert len(server.seen) == seen
        server.seen.clear()
    assert "first" not in out.read_text()
    assert out.read_text().count("***") == 3


def test_ctrl_c_does_not_wait_for_a_server(web: tuple[Web, str], tmp_path: Path) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(b"x" * 100, Halt="1")]
    with running("predict", f"{address}/a.jpg", *NONE, cwd=tmp_path) as begun:
        wait_until(lambda: bool(server.seen))
        begun.process.send_signal(signal.SIGINT)
        assert begun.process.wait(30) == 130
