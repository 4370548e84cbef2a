from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from fercli.records import COLUMNS
from tests.conftest import FERCLI
from tests.corpus import encoded, gradient
from tests.processes import ended_with_the_test
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Run

HEADER = ",".join(COLUMNS).encode() + b"\n"
FULL = Path("/dev/full")
_LONG = 120
"""Seconds after which a run that hangs is ended, and its test fails."""


class Running:
    """The program while it runs, on pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.stdin = _pipe(process.stdin)
        self.stdout = _pipe(process.stdout)
        self.stderr = _pipe(process.stderr)

    def send(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def end(self) -> tuple[int, str]:
        """The exit code and what was said, without closing standard input."""
        said = self.stderr.read().decode()
        assert "Traceback" not in said, said
        assert "Fatal" not in said, said
        return self.process.wait(), said


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[Running]:
    process = subprocess.Popen(
        [FERCLI, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd
    )
    with ended_with_the_test(process, _LONG):
        yield Running(process)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c d.png"):
        (tmp_path / name).write_bytes(encoded(gradient(), "png"))
    return tmp_path


def test_find_print0_into_json_lines(samples: Path) -> None:
    fercli = f"{shlex.quote(str(FERCLI))} predict -0 - --out - --format jsonl"
    done = subprocess.run(
        ["/bin/sh", "-c", f"find . -name '*.jpg' -print0 | {fercli}"],
        cwd=samples,
        capture_output=True,
        check=True,
        timeout=_LONG,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["path"] for row in rows} == {f"./{path.name}" for path in samples.glob("*.jpg")}
    assert {row["status"] for row in rows} == {"ok", "no_face"}


def test_paths_by_line(run: Run, folder: Path) -> None:
    done = run("predict", "-", "--format", "jsonl", stdin=b"b.png\nc d.png\n\na.png", cwd=folder)
    assert done.returncode == 0
    assert [json.loads(line)["path"] for line in done.stdout.splitlines()] == ["b.png", "c d.png", "a.png"]


def test_a_row_appears_before_the_next_path_is_sent(folder: Path) -> None:
    with running("predict", "-", cwd=folder) as fercli:
        for number, name in enumerate((b"a.png", b"missing.png", b"b.png")):
            fercli.send(name + b"\n")
            if number == 0:
                assert fercli.stdout.readline() == HEADER
            assert fercli.stdout.readline().startswith(name + b",")
        fercli.stdin.close()
        assert fercli.stdout.read() == b""
        assert fercli.end()[0] == 3


def test_a_closed_pipe_ends_the_run_quietly(folder: Path) -> None:
    with running("predict", "-", "--format", "jsonl", cwd=folder) as fercli:
        fercli.send(b"a.png\n")
        assert json.loads(fercli.stdout.readline())["path"] == "a.png"
        fercli.stdout.close()
        fercli.send(b"b.png\n")
        assert fercli.end() == (141, "")


def test_an_interruption_leaves_whole_rows_and_130(folder: Path) -> None:
    with running("predict", "-", "-o", "report.csv", cwd=folder) as fercli:
        fercli.send(b"a.png\nb.png\n")
        report = wait_for(folder / "report.csv", 3)
        fercli.process.send_signal(signal.SIGINT)
        code, said = fercli.end()
    assert code == 130
    assert said.startswith("fercli: interrupted after ")
    assert said.endswith("; add --resume to go on.\n")
    assert (folder / "report.csv").read_bytes() == report
    assert [line.split(b",")[0] for line in report.splitlines()] == [b"path", b"a.png", b"b.png"]


def test_an_interruption_on_a_pipe_leaves_whole_rows_and_130(folder: Path) -> None:
    with running("predict", "-", "--format", "jsonl", cwd=folder) as fercli:
        fercli.send(b"a.png\n")
        assert json.loads(fercli.stdout.readline())["path"] == "a.png"
        fercli.process.send_signal(signal.SIGINT)
        assert fercli.stdout.read() == b""
        assert fercli.end()[0] == 130


def test_an_interrupted_json_report_does_not_appear(folder: Path) -> None:
    (folder / "report.json").write_text("[]\n")  # an older report
    with running("predict", "-", "-o", "report.json", cwd=folder) as fercli:
        fercli.send(b"a.png\n")
        wait_for(folder / "report.json.unfinished", 1)
        fercli.process.send_signal(signal.SIGINT)
        code, said = fercli.end()
    assert code == 130
    assert said.endswith("; add --resume to go on.\n")
    assert (folder / "report.json").read_text() == "[]\n"


def test_strict_ends_while_standard_input_is_open(folder: Path) -> None:
    with running("predict", "-", "--strict", cwd=folder) as fercli:
        fercli.send(b"missing.png\n")
        assert fercli.stdout.read().startswith(HEADER + b"missing.png,")
        assert fercli.end()[0] == 3


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_a_full_standard_output_is_6(folder: Path) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [FERCLI, "predict", "a.png"], stdout=full, stderr=subprocess.PIPE, cwd=folder, check=False
        )
    assert done.returncode == 6
    assert done.stderr.startswith(b"fercli: standard output cannot be written: No space left on device.\n")


@pytest.mark.parametrize(
    ("redirection", "code", "out", "said"),
    [
        ("predict a.png >&-", 6, b"", b"fercli: Standard output is closed.\nName a file with --out.\n"),
        ("predict a.png -o report.csv -q >&-", 0, b"", b""),
        ("predict a.png 2>&-", 0, HEADER + b"a.png,,no_face" + b"," * 15 + b"\n", b""),
        ("predict - <&-", 2, b"", b"fercli: Standard input is closed.\n"),
    ],
)
def test_a_stream_that_is_closed_from_the_start(
    folder: Path, redirection: str, code: int, out: bytes, said: bytes
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.quote(str(FERCLI))} {redirection}"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=_LONG,
    )
    assert (done.returncode, done.stdout) == (code, out)
    assert done.stderr.startswith(said)
    assert done.stderr.count(b"\n") <= 2


@pytest.mark.parametrize("command", [["models", "list"], ["models", "verify"], ["doctor"]])
def test_a_closed_pipe_ends_every_command_quietly(command: list[str], folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [FERCLI, *command], stdout=writing, stderr=subprocess.PIPE, cwd=folder, check=False, timeout=_LONG
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


class TestPlugins:
    def test_what_a_plugin_prints_stays_out_of_the_data(
        self, run: Run, faulty_plugins: Path, folder: Path
    ) -> None:
        environment = {"PYTHONPATH": str(faulty_plugins)}
        options = ("--detector", "two-halves", "--format", "jsonl")
        done = run("predict", ".", *options, cwd=folder, env=environment)
        rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
        assert [(row["path"], row["face"], row["score"]) for row in rows] == [
            (f"./{name}", *face) for name in ("a.png", "b.png", "c d.png") for face in ((0, 0.75), (1, 0.5))
        ]
        assert (rows[0]["x1"], rows[0]["y1"], rows[1]["y2"]) == (0.0, 0.0, 48.0)
        assert done.stderr.count("POLLUTION on detecting") == 3
        assert done.stderr.count("POLLUTION past Python") == 3

    def test_with_a_report_in_a_file_it_stays_there_too(
        self, run: Run, faulty_plugins: Path, folder: Path
    ) -> None:
        environment = {"PYTHONPATH": str(faulty_plugins)}
        options = ("--detector", "two-halves", "-o", "report.json")
        done = run("predict", "a.png", *options, cwd=folder, env=environment)
        assert len(json.loads((folder / "report.json").read_text())) == 2
        assert b"on loading" not in done.stdout
        assert "POLLUTION on loading" in done.stderr

    def test_a_detector_that_raises_is_a_row(self, run: Run, faulty_plugins: Path, folder: Path) -> None:
        environment = {"PYTHONPATH": str(faulty_plugins)}
        options = ("--detector", "raises-in-detect", "--format", "json")
        done = run("predict", "a.png", "b.png", *options, cwd=folder, env=environment)
        assert done.returncode == 3
        assert [row["error"] for row in json.loads(done.stdout)] == [
            "internal: The detector raises-in-detect fails: ZeroDivisionError: nothing."
        ] * 2

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (
                ["--backend", "raises-in-load"],
                "fails: RuntimeError: it would not load.",
            ),
            (["--backend", "raises-in-call"], "fails: RuntimeError: it would not run."),
            (["--backend", "wrong-shape"], "gives no finite logits of shape (1, 7)."),
            (
                ["--backend", "unavailable"],
                "The backend unavailable cannot run here: the moon is not full.",
            ),
            (
                ["--detector", "raises-in-import"],
                "The detector raises-in-import cannot run here: it fails to load (RuntimeError: broken).",
            ),
        ],
    )
    def test_one_that_does_not_work_is_5(
        self, run: Run, faulty_plugins: Path, folder: Path, options: list[str], said: str
    ) -> None:
        environment = {"PYTHONPATH": str(faulty_plugins)}
        done = run("predict", "a.png", "--detector", "none", *options, cwd=folder, env=environment)
        assert (done.returncode, done.stdout) == (5, b"")
        kind, name = options
        assert done.stderr.startswith(f"fercli: The {kind.removeprefix('--')} {name}")
        assert said in done.stderr.splitlines()[0]

    def test_a_broken_one_that_nobody_asked_for_does_no_harm(
        self, run: Run, faulty_plugins: Path, folder: Path
    ) -> None:
        done = run("predict", "a.png", "-q", cwd=folder, env={"PYTHONPATH": str(faulty_plugins)})
        assert (done.returncode, done.stderr) == (0, "")
