from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from fercli.fer2013 import Pictures, Split, read_pictures
from tests import faulty_plugins as faulty
from tests.corpus import SAMPLES
from tests.servers import ACCESS, FaultyS3, Web, s3_server, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FERCLI = Path(sysconfig.get_path("scripts"), "fercli")
_TIMEOUT = 180
_SHARED = Path(__file__).parents[2] / "shared" / "fer2013"


class Result(NamedTuple):
    """How a run of the program ended."""

    returncode: int
    stdout: bytes
    stderr: str


class Run(Protocol):
    """Runs the installed console script; a traceback fails the test."""

    def __call__(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Result: ...


def run_fercli(
    *arguments: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    done = subprocess.run(
        [FERCLI, *arguments],
        input=stdin,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        check=False,
        timeout=_TIMEOUT,
    )
    stderr = done.stderr.decode()
    assert "Traceback" not in stderr, stderr
    return Result(done.returncode, done.stdout, stderr)


@pytest.fixture(scope="session")
def run() -> Run:
    return run_fercli


@pytest.fixture
def inside(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """As `run`, in the test's own process, which saves a start.

    It is for what gets no signal, reads no standard input, and needs no `sitecustomize` or plugins.
    """
    from fercli.cli.commands import app

    def run_inside(
        *arguments: str | Path,
        stdin: bytes = b"",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        assert not stdin
        with pytest.MonkeyPatch.context() as place:
            for name, value in (env or {}).items():
                place.setenv(name, value)
            if cwd is not None:
                place.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                app([str(argument) for argument in arguments], prog_name="fercli")
        out, err = capfdbinary.readouterr()
        stderr = err.decode()
        assert "Traceback" not in stderr, stderr
        return Result(int(ended.value.code or 0), out, stderr)

    return run_inside


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, and what the tests start would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[tuple[FaultyS3, str]]:
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(_s3_server: tuple[FaultyS3, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """A server of S3 on this machine, which the environment leads to; its only buckets are a test's own."""
    server, address = _s3_server
    for name, value in {**ACCESS, "AWS_ENDPOINT_URL": address}.items():
        monkeypatch.setenv(name, value)
    server.faults.clear()
    server.calls.clear()
    yield server
    server.faults.clear()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Web, str]]:
    """A web server on this machine, and its address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with web_server() as server:
        yield server


@pytest.fixture(scope="session")
def faulty_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that holds an installed distribution of plugins that misbehave."""
    folder = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(Path(faulty.__file__).parent, folder / "fercli_faulty")
    (folder / "fercli_faulty_import.py").write_text("raise RuntimeError('broken\\nin two lines')\n")
    (folder / "fercli_faulty_leaving.py").write_text("import sys\nsys.exit('left')\n")
    metadata = folder / "fercli_faulty-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fercli-faulty\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(faulty.ENTRY_POINTS)
    return folder


@pytest.fixture(scope="session")
def fer2013() -> Path:
    """The real data set's file."""
    folder = Path(os.environ.get("FERCLI_FER2013", _SHARED))
    for name in ("fer2013.csv.gz", "fer2013.csv"):
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"FER2013 is not in {folder}")


@pytest.fixture(scope="session")
def real_pictures(fer2013: Path) -> dict[Split, Pictures]:
    """All of the real data set: it takes long to read."""
    return read_pictures(fer2013, Split)
