"""Signals that ask for the end: at any moment, from whoever sends them, to every command."""

from __future__ import annotations

import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from select import select
from typing import IO, TYPE_CHECKING

import pytest

from fercli.records import COLUMNS
from tests.conftest import FERCLI
from tests.corpus import encoded, gradient
from tests.processes import ended_with_the_test
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.conftest import Run

_LONG = 60
"""Seconds after which a program that hangs is ended, and its test fails."""

ENDINGS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def started(
    *command: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    new_session: bool = False,
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A program that is ended with the test, whatever happens."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=new_session,
    )
    return ended_with_the_test(process, _LONG)


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def said(process: subprocess.Popen[bytes], code: int) -> str:
    """What was said until the end, which has the code."""
    text = pipe(process.stderr).read().decode()
    assert process.wait() == code, text
    assert "Traceback" not in text
    assert "Error" not in text
    return text


def read_until(stream: IO[bytes], words: bytes) -> bytes:
    """The lines up to the one that holds the words."""
    lines = b""
    while words not in lines:
        line = stream.readline()
        assert line, lines
        lines += line
    return lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encoded(gradient(), "png"))
    return tmp_path


@contextmanager
def working(folder: Path, report: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`predict` on a list that goes on, once it has written a photo's row."""
    rows = folder / (report if report.endswith(".csv") else f"{report}.unfinished")
    with started(FERCLI, "predict", "-", "-o", report, *options, cwd=folder) as process:
        pipe(process.stdin).write(b"a.png\n")
        pipe(process.stdin).flush()
        wait_until(lambda: process.poll() is not None or (rows.exists() and b"a.png" in rows.read_bytes()))
        assert process.poll() is None
        yield process


@pytest.mark.parametrize(
    ("report", "number", "code"),
    [*(("report.csv", *ending) for ending in ENDINGS), ("report.json", signal.SIGTERM, 143)],
)
def test_the_rows_are_whole_and_the_run_can_go_on(
    run: Run, folder: Path, report: str, number: signal.Signals, code: int
) -> None:
    (folder / report).touch()
    with working(folder, report) as process:
        process.send_signal(number)
        text = said(process, code)
    assert text.startswith("fercli: interrupted after ")
    assert text.endswith("; add --resume to go on.\n")
    growing = "report.json.unfinished" if report == "report.json" else report
    known = {f".{growing}.fercli-run"}
    assert {path.name for path in folder.iterdir()} == {"a.png", "b.png", report, growing} | known
    done = run("predict", "a.png", "b.png", "-o", report, "--resume", "-q", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / report).read_text().count("no_face") == 2
    assert {path.name for path in folder.iterdir()} == {"a.png", "b.png", report, f".{report}.fercli-run"}


def descendants(process: int) -> list[int]:
    """The processes that a process has started, and that these have."""
    found: list[int] = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def assert_gone(processes: list[int]) -> None:
    """Once they have ended, which is waited for."""
    for process in processes:
        try:
            descriptor = os.pidfd_open(process)
        except ProcessLookupError:
            continue
        assert select([descriptor], [], [], _LONG)[0], process
        os.close(descriptor)


@pytest.mark.parametrize(("number", "code"), ENDINGS)
def test_worker_processes_end_too(
    faulty_plugins: Path, folder: Path, number: signal.Signals, code: int
) -> None:
    options = ("--detector", "waits", "--workers", "2", "--format", "jsonl")
    environment = {"PYTHONPATH": str(faulty_plugins)}
    with started(FERCLI, "predict", "a.png", "b.png", *options, cwd=folder, env=environment) as process:
        read_until(pipe(process.stderr), b"WAITING")
        workers = descendants(process.pid)
        assert len(workers) == 2
        process.send_signal(number)
        said(process, code)
        assert_gone(workers)


WAITING = {
    "predict": "predict a.png --detector none --backend waits",
    "explain": "explain a.png -o out.png --detector waits",
    "evaluate": "evaluate default --data d.csv --backend waits",
    "compare backends": "compare backends --backends waits",
    "compare models": "compare models default --photos a.png --detector waits",
    "compare detectors": "compare detectors a.png --detectors waits",
    "doctor": "doctor",
}
"""Commands in which a plugin says that it waits, and does."""


@pytest.mark.parametrize("command", WAITING)
def test_every_command_that_waits_for_a_plugin_ends(
    faulty_plugins: Path, folder: Path, command: str
) -> None:
    before = {path.name for path in folder.iterdir()}
    environment = {"PYTHONPATH": str(faulty_plugins), "FERCLI_WAITS": command}
    with started(FERCLI, *WAITING[command].split(), cwd=folder, env=environment) as process:
        read_until(pipe(process.stderr), b"WAITING")
        children = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert pipe(process.stdout).read() == b""
        said(process, 143)
        assert_gone(children)
    assert {path.name for path in folder.iterdir()} == before


READING = {
    "data inspect": "data inspect pipe.csv",
    "data convert": "data convert pipe.csv converted.csv",
    "evaluate": "evaluate default --data pipe.csv",
    "train": "train article --data pipe.csv --out run",
    "compare models": "compare models default --data pipe.csv",
    "report merge": "report merge pipe.csv -o merged.csv",
}
"""Commands that read a file, which is a pipe here from which nothing comes."""


@pytest.mark.parametrize("command", READING)
def test_every_command_that_waits_for_data_ends(folder: Path, command: str) -> None:
    os.mkfifo(folder / "pipe.csv")
    before = {path.name for path in folder.iterdir()}
    with started(FERCLI, *READING[command].split(), cwd=folder) as process:
        with released(folder / "pipe.csv", process):
            writing = os.open(folder / "pipe.csv", os.O_WRONLY)  # waits for who reads
        process.send_signal(signal.SIGTERM)
        assert said(process, 143) == ""
        os.close(writing)
    assert {path.name for path in folder.iterdir()} == before


@contextmanager
def released(fifo: Path, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Lets whoever waits for a reader go on where the process that should have read has ended."""

    def release() -> None:
        process.wait()
        with suppress(FileNotFoundError):
            os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))

    threading.Thread(target=release, daemon=True).start()
    yield


@pytest.mark.parametrize(("number", "code"), ENDINGS)
def test_process_1_ends_as_any_other(folder: Path, number: signal.Signals, code: int) -> None:
    """As in a container, where the system drops a signal that has no handler."""
    space = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    if not shutil.which("unshare") or subprocess.run([*space, "true"], check=False).returncode:
        pytest.skip("no process may be made the first of its own space here")
    with started(*space, FERCLI, "predict", "-", "--format", "jsonl", cwd=folder) as process:
        pipe(process.stdin).write(b"a.png\n")
        pipe(process.stdin).flush()
        assert b"a.png" in pipe(process.stdout).readline()
        (first, *workers) = descendants(process.pid)
        os.kill(first, number)
        assert said(process, code).startswith("fercli: interrupted after ")
        assert_gone([first, *workers])


SHOW, HIDE = b"\x1b[?25h", b"\x1b[?25l"


class Terminal:
    """A pseudo-terminal: our side, which shows what is written to the other, and the name of that."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.name = os.ttyname(self.theirs)

    def shown(self, words: bytes = b"") -> bytes:
        """What it shows, until it has shown the words, or without any to its end."""
        text = b""
        with suppress(OSError):  # how Linux says that the other side has closed
            while not words or words not in text:
                text += os.read(self.ours, 1 << 16)
        return text


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    for side in (made.ours, made.theirs):
        with suppress(OSError):
            os.close(side)


@pytest.mark.parametrize(("number", "code"), ENDINGS)
def test_the_cursor_comes_back(terminal: Terminal, folder: Path, number: signal.Signals, code: int) -> None:
    command = (FERCLI, "predict", "-", "-o", "report.csv")
    with started(*command, cwd=folder, stderr=terminal.theirs, env={"TERM": "xterm"}) as process:
        os.close(terminal.theirs)
        pipe(process.stdin).write(b"a.png\n")
        pipe(process.stdin).flush()
        assert HIDE in terminal.shown(b"1 photo")
        process.send_signal(number)
        shown = terminal.shown()
        assert process.wait() == code
    assert b"fercli: interrupted after " in shown
    assert shown.rindex(SHOW) > shown.rfind(HIDE)
    assert b"Traceback" not in shown


def test_a_terminal_that_closes_ends_the_program(terminal: Terminal, folder: Path) -> None:
    os.mkfifo(folder / "paths")
    shell = f'exec <paths >report.csv 2<>{terminal.name}; exec "$@"'
    command = ("/bin/sh", "-c", shell, "sh", FERCLI, "predict", "-")
    environment = {"TERM": "xterm"}
    with (
        started(*command, cwd=folder, env=environment, new_session=True) as process,
        (folder / "paths").open("wb", buffering=0) as paths,
    ):
        paths.write(b"a.png\n")
        assert HIDE in terminal.shown(b"1 photo")
        workers = descendants(process.pid)
        assert workers
        os.close(terminal.ours)
        assert process.wait() == 129
        assert_gone(workers)
    assert (folder / "report.csv").read_text().splitlines() == [
        ",".join(COLUMNS),
        "a.png,,no_face" + "," * 15,
    ]


@pytest.mark.parametrize("times", [2, 10])
@pytest.mark.parametrize("report", ["report.csv", "report.json"])
def test_pressed_again_and_again_it_still_ends_in_order(folder: Path, report: str, times: int) -> None:
    with working(folder, report) as process:
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        text = said(process, 130)
    assert text.startswith("fercli: interrupted after ")
    assert not [path.name for path in folder.iterdir() if path.name.endswith((".partial", ".lock"))]


def test_an_ending_that_hangs_is_ended_by_another_signal(faulty_plugins: Path, folder: Path) -> None:
    environment = {"PYTHONPATH": str(faulty_plugins)}
    options = ("--detector", "none", "--backend", "waits-at-the-end", "--format", "jsonl")
    with started(FERCLI, "predict", "-", *options, cwd=folder, env=environment) as process:
        read_until(pipe(process.stderr), b"WAITING")
        while process.returncode is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert said(process, 143) == ""


@pytest.mark.parametrize("how", ["nohup", "env --ignore-signal=HUP"])
def test_what_is_ignored_on_the_program_s_behalf_stays_ignored(folder: Path, how: str) -> None:
    command = [*how.split(), str(FERCLI), "predict", "-", "--format", "jsonl"]
    with started(*command, cwd=folder) as process:
        for name in (b"a.png", b"b.png"):
            pipe(process.stdin).write(name + b"\n")
            pipe(process.stdin).flush()
            assert name in pipe(process.stdout).readline()
            process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert "fercli: interrupted after " in said(process, 143)


RAISES = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["FERCLI_AT"]:
            signal.raise_signal(int(os.environ["FERCLI_SIGNAL"]))

if "-c" not in sys.orig_argv:  # as workers are started
    sys.meta_path.insert(0, Finder())
"""
"""Signals the run when it is about to import a module; Python itself imports this, as sitecustomize."""


@pytest.mark.parametrize(
    "module",
    [
        "fercli.cli.ending", "fercli.errors", "fercli.cli.commands", "typer", "fercli.cli.train",
        "fercli.devices", "numpy", "cv2", "openvino", "fercli.classifiers",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("number", "code"), ENDINGS[:2])
def test_in_the_first_moments_it_ends_without_a_word(
    run: Run, folder: Path, module: str, number: signal.Signals, code: int
) -> None:
    (folder / "sitecustomize.py").write_text(RAISES)
    environment = {"PYTHONPATH": str(folder), "FERCLI_AT": module, "FERCLI_SIGNAL": str(int(number))}
    done = run("predict", "a.png", "-o", "report.csv", cwd=folder, env=environment)
    assert done == (code, b"", "")
    assert not (folder / "report.csv").exists()


@pytest.mark.parametrize("seed", range(6))
def test_at_a_random_moment_it_ends_without_a_traceback(folder: Path, seed: int) -> None:
    """The moments are counted in modules that have been imported, of which Python tells."""
    chosen = random.Random(seed)  # noqa: S311 - no secret
    number, code = chosen.choice(ENDINGS)
    program = "from fercli.cli import main; main()"
    command = (sys.executable, "-X", "importtime", "-c", program, "predict", "-")
    with started(*command, cwd=folder) as process:
        read_until(pipe(process.stderr), b"fercli.errors")  # by now signals are caught
        for _ in range(chosen.randrange(200)):
            assert pipe(process.stderr).readline()
        process.send_signal(number)
        text = said(process, code)
    words = [line for line in text.splitlines() if not line.startswith("import time:")]
    assert not words or words[0].startswith("fercli: interrupted after 0 photos")
    assert len(words) <= 1
