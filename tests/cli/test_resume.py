"""A run that was ended, whatever ended it, and gone on with: the rows of an undisturbed one."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fercli.reports.reading import read_report
from fercli.reports.settings import settings_file
from tests.cli.test_predict_pipes import running
from tests.conftest import FERCLI
from tests.corpus import encoded, gradient
from tests.waiting import wait_for

if TYPE_CHECKING:
    from fercli.records import Row
    from tests.conftest import Run

GROWING = ("csv", "jsonl")
FORMATS = (*GROWING, "json", "parquet")
NONE = ("--detector", "none", "--backend", "onnx", "--workers", "1")
"""What begins quickly: here are a hundred runs."""
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five pictures, one of them broken, one with a name that CSV must protect, and a name twice."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("a.png", "b.png", "=c.png", "d,\n.png")):
        (folder / name).write_bytes(encoded(gradient(30 + number, 20), "png"))
    (folder / "broken.jpg").write_text("This is a text.")
    return folder


def command(photos: Path, out: Path, *options: str) -> list[str | Path]:
    names = sorted(path.name for path in photos.iterdir())
    return ["predict", *names, names[0], "--out", out, *NONE, *options]


def rows(out: Path) -> list[list[Row]]:
    return list(read_report(str(out)))


@pytest.mark.parametrize("kind", FORMATS)
class TestAnEndedRun:
    def test_goes_on_to_the_same_report(self, inside: Run, photos: Path, tmp_path: Path, kind: str) -> None:
        whole, out = tmp_path / f"whole.{kind}", tmp_path / f"out.{kind}"
        undisturbed = inside(*command(photos, whole), cwd=photos)
        growing = whole if kind in GROWING else tmp_path / f"{out.name}.unfinished"
        if kind not in GROWING:
            # What a run writes beside it is JSON Lines.
            inside(*command(photos, tmp_path / "lines.jsonl"), cwd=photos)
            growing = tmp_path / "lines.jsonl"
        written = growing.read_bytes()
        working = out if kind in GROWING else tmp_path / f"{out.name}.unfinished"
        for cut in (0, 1, len(written) // 3, len(written) // 2, len(written) - 1, len(written)):
            working.write_bytes(written[:cut])
            # Of a run that did not end, they hold for whatever it has written.
            told = settings_file(str(growing)).read_text("utf-8").splitlines()[0]
            settings_file(str(working)).write_text(f"{told}\n", "utf-8")
            resumed = inside(*command(photos, out, "--resume"), cwd=photos)
            assert rows(out) == rows(whole), cut
            assert resumed.returncode == undisturbed.returncode == 3
            assert resumed.stderr.replace(out.name, whole.name) == undisturbed.stderr
            if kind in GROWING:
                assert out.read_bytes() == written
            out.unlink()
        assert sorted(path.suffix for path in tmp_path.iterdir() if path.stem == "out") == []

    def test_that_was_killed_loses_nothing(
        self, inside: Run, photos: Path, tmp_path: Path, kind: str
    ) -> None:
        out = tmp_path / f"out.{kind}"
        working = out if kind in GROWING else tmp_path / f"out.{kind}.unfinished"
        names = sorted(path.name for path in photos.iterdir() if "\n" not in path.name)
        with running("predict", "-", "--out", str(out), *NONE, cwd=photos) as process:
            process.send("".join(f"{name}\n" for name in names[:3]).encode())
            wait_for(working, 3)
            process.process.kill()
        assert kind in GROWING or not out.exists()
        assert inside("predict", *names, "--out", out, *NONE, "--resume", cwd=photos).returncode == 3
        whole = tmp_path / f"whole.{kind}"
        inside("predict", *names, "--out", whole, *NONE, cwd=photos)
        assert rows(out) == rows(whole)
        assert not working.exists() or working == out

    def test_that_filled_the_disk_says_what_is_safe(
        self, inside: Run, photos: Path, tmp_path: Path, kind: str
    ) -> None:
        out, whole = tmp_path / f"out.{kind}", tmp_path / f"whole.{kind}"
        many = [*map(str, photos.iterdir())] * 9
        limited = shlex.join([str(FERCLI), "predict", *many, "--out", str(out), *NONE])
        bash = ["/bin/bash", "-c", f"ulimit -f 1; exec {limited}"]
        full = subprocess.run(bash, capture_output=True, check=False)
        said = full.stderr.decode()
        assert full.returncode == 6, said
        assert f"{out} cannot be written: File too large." in said
        assert "are whole. Make room there, and continue with --resume." in said
        assert inside("predict", *many, "--out", out, *NONE, "--resume").returncode == 3
        inside("predict", *many, "--out", whole, *NONE)
        assert rows(out) == rows(whole)

    def test_that_was_done_already_stays(
        self, inside: Run, photos: Path, tmp_path: Path, kind: str
    ) -> None:
        out = tmp_path / f"out.{kind}"
        inside(*command(photos, out), cwd=photos)
        before = rows(out)
        assert inside(*command(photos, out, "--resume"), cwd=photos).returncode == 3
        assert rows(out) == before

    def test_errors_are_tried_again(self, inside: Run, photos: Path, tmp_path: Path, kind: str) -> None:
        out = tmp_path / f"out.{kind}"
        assert inside("predict", photos, "--out", out, *NONE).returncode == 3
        (photos / "broken.jpg").write_bytes(encoded(gradient(20, 20), "png"))
        assert inside("predict", photos, "--out", out, *NONE, "--resume").returncode == 3
        assert inside("predict", photos, "--out", out, *NONE, "--retry-errors").returncode == 0
        assert len(rows(out)) == 5
        assert {row["status"] for photo in rows(out) for row in photo} == {"ok"}

    def test_two_into_one_report_are_refused(
        self, inside: Run, photos: Path, tmp_path: Path, kind: str
    ) -> None:
        out = tmp_path / f"out.{kind}"
        with running("predict", "-", "--out", str(out), *NONE, "--verbose", cwd=photos) as process:
            process.stderr.readline()  # it says what runs once the report is its own
            second = inside("predict", photos, "--out", out, *NONE)
            assert second.returncode == 6
            assert f"{out} is being written by another run." in second.stderr
            process.send(b"a.png\n")
            process.stdin.close()
            process.end()
        assert len(rows(out)) == 1
        assert inside("predict", photos, "--out", out, *NONE).returncode == 3


def test_ctrl_c_says_how_to_go_on(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    working = tmp_path / "out.json.unfinished"
    with running("predict", "-", "--out", str(out), *NONE, cwd=photos) as process:
        process.send(b"a.png\n")
        wait_for(working, 1)
        process.process.send_signal(signal.SIGINT)
        code, said = process.end()
    assert code == 130
    assert "add --resume to go on" in said


def test_what_is_no_report_is_not_gone_on_with(inside: Run, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("name,price\nbread,3\n")
    refused = inside("predict", photos, "--out", out, "--resume")
    assert refused.returncode == 2
    assert f"{out} exists and is not a report of fercli.\nRemove it first" in refused.stderr
    assert out.read_text() == "name,price\nbread,3\n"


def test_standard_output_cannot_be_gone_on_with(inside: Run, photos: Path) -> None:
    refused = inside("predict", photos, "--resume")
    assert refused.returncode == 2
    assert "--resume needs a report to go on with.\nName its file with --out." in refused.stderr


class TestShards:
    def test_together_they_are_the_whole(self, inside: Run, photos: Path, tmp_path: Path) -> None:
        parts = []
        for part in range(1, 4):
            out = tmp_path / f"{part}.jsonl"
            assert inside("predict", photos, "--out", out, *NONE, "--shard", f"{part}/3").returncode in (
                0,
                3,
            )
            parts.append(rows(out))
        whole = tmp_path / "whole.jsonl"
        inside("predict", photos, "--out", whole, *NONE)
        assert parts == [rows(whole)[start::3] for start in range(3)]

    @pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/2", " "])
    def test_nonsense_is_refused(self, inside: Run, photos: Path, shard: str) -> None:
        refused = inside("predict", photos, "--shard", shard)
        assert refused.returncode == 2
        assert f"--shard {shard} is not I/N, such as 1/4 to 4/4.\nCount the parts from 1." in refused.stderr

    @pytest.mark.usefixtures("photos")
    def test_the_documented_command_shares_the_work(self, inside: Run, tmp_path: Path) -> None:
        text = (DOCS / "resume.md").read_text("utf-8")
        (script,) = (block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if "xargs" in block)
        path = f"{FERCLI.parent}{os.pathsep}{os.environ['PATH']}"
        script = script.replace("--quiet", f"--quiet {shlex.join(NONE)}")
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.stderr == "5 photos of 4 reports; report.parquet.\n"
        inside("predict", "photos", "--out", "whole.jsonl", *NONE, cwd=tmp_path)
        assert rows(tmp_path / "report.parquet") == rows(tmp_path / "whole.jsonl")


class TestSettings:
    def test_other_ones_are_refused_before_anything_is_done(
        self, inside: Run, photos: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out.csv"
        inside("predict", photos, "--out", out, *NONE)
        before = out.read_bytes()
        refused = inside("predict", photos, "--out", out, *NONE, "--tta", "--resume")
        assert refused.returncode == 2
        assert refused.stderr == (
            f"fercli: {out} was started with other settings: --tta off, now on.\n"
            "Use the settings that it was started with, or name another report with --out.\n"
        )
        assert out.read_bytes() == before

    def test_a_report_without_them_is_gone_on_with(self, inside: Run, photos: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.csv"
        inside("predict", photos / "a.png", "--out", out, *NONE)
        settings_file(str(out)).unlink()
        resumed = inside("predict", photos, "--out", out, *NONE, "--tta", "--resume")
        assert resumed.returncode == 3
        assert resumed.stderr.startswith(f"It is not known with what settings {out} was begun; it goes on")
        assert settings_file(str(out)).exists()
