"""Memory, threads and the like that run out: named as such, wherever it happens."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

from fercli.cli.commands import app
from fercli.errors import MemoryShortageError, ShortageError, UnavailableError, shortage
from tests.conftest import FERCLI
from tests.corpus import SAMPLES

FACE = str(SAMPLES / "astronaut-eileen-collins.jpg")
MEMORY = "fercli: There is not enough memory.\n"
THREADS = "fercli: The system does not let this program start more threads or processes.\n"


def in_a_program(code: str) -> BaseException:
    """What a program with 1 GiB of address space raises, made anew here from its name and words."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); {code}"
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=False)
    return RuntimeError(done.stderr.strip().splitlines()[-1])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libtorch_python.so: failed to map segment from shared object"),
        RuntimeError("Exception from src/inference/src/cpp/core.cpp:110:\nstd::bad_alloc"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:126] DefaultCPUAllocator: not enough memory: you tried"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ],
    ids=str,
)
def test_want_of_memory_is_known(error: BaseException) -> None:
    assert isinstance(shortage(error), MemoryShortageError)


@pytest.mark.parametrize(
    "code",
    [
        "import cv2, numpy; cv2.integral(numpy.zeros((1 << 15, 1 << 14), numpy.uint8))",
        "import cv2, numpy; numpy.zeros((1 << 15, 1 << 15), numpy.int32).copy()",
        "import torch; torch.ones(1 << 30)",
    ],
    ids=["opencv", "numpy", "torch"],
)
def test_libraries_words_for_want_of_memory_are_known(code: str) -> None:
    assert isinstance(shortage(in_a_program(code)), MemoryShortageError)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("can't start new thread"), "more threads"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "more threads"),
        (OSError(errno.EMFILE, "Too many open files"), "more files"),
        (OSError(errno.ENOSPC, "No space left on device"), "no room left"),
    ],
    ids=str,
)
def test_other_wants_are_known(error: BaseException, message: str) -> None:
    lacking = shortage(error)
    assert isinstance(lacking, ShortageError)
    assert message in lacking.message
    assert lacking.remedy


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        OSError(errno.ENOENT, "No such file"),
        ImportError("No module named x"),
        UnavailableError("There is no model 'out of memory'."),
    ],
    ids=str,
)
def test_nothing_else_is_taken_for_a_want(error: BaseException) -> None:
    assert shortage(error) is None


@pytest.mark.parametrize("megabytes", [150, 200, 300])
def test_a_process_with_little_memory_says_so(megabytes: int) -> None:
    limited = f'ulimit -v {megabytes << 10} && exec "$@"'
    command = ["bash", "-c", limited, "bash", str(FERCLI), "predict", FACE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(MEMORY)
    assert "--workers" in done.stderr


def test_no_thread_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    result = CliRunner().invoke(app, ["predict", FACE])
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith(THREADS)


def test_no_process_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def few(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        if len(started) == 2:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        started.append(start(*arguments, **options))  # type: ignore[call-overload] # passed on
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", few)
    result = CliRunner().invoke(app, ["predict", FACE, FACE, FACE, "--workers", "3"])
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith(THREADS)
    assert [process.poll() for process in started] == [-9, -9]  # none is left
