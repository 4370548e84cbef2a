"""What a command leaves, sends or prints beyond what was asked for: nothing, whatever runtime it loads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import FERCLI
from tests.corpus import SAMPLES
from tests.fer2013.made_up import ONE_THREAD, RECIPE, write

PHOTOS = tuple(str(SAMPLES / name) for name in ("astronaut-eileen-collins.jpg", "cat-chelsea-no-face.jpg"))
FACE = PHOTOS[0]
PREDICT = ("predict", *PHOTOS, "--workers", "2", "-q", "-o", "asked/report.csv", "--backend")
EXPORT = ("export", "default", "--to")
COMPARE = ("--repeat", "1", "--format", "json")


class Command(NamedTuple):
    """A command, run in a folder that holds `given/`, to write into `asked/`, and what it says."""

    arguments: tuple[str, ...]
    said: str = ""
    temporary: bool = False
    """Whether it may use the temporary folder meanwhile, as TensorFlow and matplotlib cannot help."""


EXPORTED = r"asked/m[.a-z]*: .*\n"
COMMANDS = {
    "predict-openvino": Command((*PREDICT, "openvino")),
    "predict-onnx": Command((*PREDICT, "onnx")),
    "predict-torch": Command((*PREDICT, "torch")),
    "predict-tensorflow": Command((*PREDICT, "tensorflow"), temporary=True),
    "evaluate": Command(
        ("evaluate", "default", "--data", "given/fer2013.csv", "--out", "asked", "--format", "json"),
        said=r"(.*asked/.*\n)*",
        temporary=True,
    ),
    "compare-backends": Command(
        ("compare", "backends", FACE, "--batch-sizes", "1", *COMPARE), temporary=True
    ),
    "compare-models": Command(("compare", "models", "article", "default", "--photos", FACE, *COMPARE)),
    "compare-detectors": Command(("compare", "detectors", *PHOTOS, *COMPARE)),
    "export-onnx": Command((*EXPORT, "onnx", "-o", "asked/m.onnx"), EXPORTED),
    "export-onnx-int8": Command((*EXPORT, "onnx-int8", "-o", "asked/m.onnx"), EXPORTED),
    "export-torchscript": Command((*EXPORT, "torchscript", "-o", "asked/m.pt"), EXPORTED),
    "export-keras": Command((*EXPORT, "keras", "-o", "asked/m.keras"), EXPORTED, temporary=True),
    "export-savedmodel": Command((*EXPORT, "savedmodel", "-o", "asked/m"), EXPORTED, temporary=True),
    "explain": Command(("explain", FACE, "-o", "asked/face.png"), temporary=True),
    "train": Command(
        ("train", "given/tiny.toml", "--data", "given/fer2013.csv", "-o", "asked/run", "--set", "epochs=1"),
        said=r"tiny: .*\ntiny: epoch 1/1 .*\n.*PublicTest\.\nThe model is in asked/run/model\.\n",
        temporary=True,
    ),
    "data-inspect": Command(("data", "inspect", "given/fer2013.csv")),
    "data-crop": Command(
        ("data", "crop", "given/happy", "-o", "asked/faces", "--split", "1,0,0"),
        said=r"asked/faces: Training 1, .*\nWhose face it is, is not known of 1 picture.*\n",
    ),
    "doctor": Command(("doctor",)),
    "models": Command(("models", "verify", "default")),
    "help": Command(("--help",)),
}  # fmt: skip


class Place(NamedTuple):
    """Where a command runs: a folder of its own, with a home and a temporary folder that are empty."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of a user who has set nothing, with the program's tests' own needs."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "COVERAGE_PROCESS_CONFIG")
            if name in os.environ
        }
        # Python's own cache of what it compiles is no file of a command's.
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        return kept | ONE_THREAD | own | {"PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, command: Command, *before: str, **environment: str) -> None:
        done = subprocess.run(
            [*before, FERCLI, *command.arguments],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(command.said, done.stderr), done.stderr
        assert not [*(self.folder / "home").iterdir(), *(self.folder / "tmp").iterdir()]
        assert {path.name for path in self.folder.iterdir()} <= {"home", "tmp", "given", "asked", "calls"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("home", "tmp", "given", "asked"):
        (tmp_path / name).mkdir()
    write(tmp_path / "given" / "fer2013.csv")
    (tmp_path / "given" / "tiny.toml").write_text(RECIPE)
    (tmp_path / "given" / "happy").mkdir()
    shutil.copy(FACE, tmp_path / "given" / "happy")
    return Place(tmp_path)


_CALLS = (
    "open,openat,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "truncate,socket,connect,sendto,sendmsg,sendmmsg"
)
_STRACE = (
    "strace",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-e",
    "signal=none",
    "-e",
    f"trace={_CALLS}",
    "-o",
    "calls",
)
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^(?!open)")


_LOCAL = re.compile(
    r"socket\(AF_UNIX|connect\(.*AF_UNIX.*/(nscd/socket|uuidd/request)"  # the C library asks this machine
    r"|socket\(AF_INET, SOCK_DGRAM, IPPROTO_IP\)"  # onnx names a file after the network card's address
    r"|send(?!.*AF_INET)"
)


def _traceable() -> bool:
    """Whether strace is installed, and may trace here."""
    if shutil.which("strace") is None:
        return False
    trial = [*_STRACE[:-1], os.devnull, "true"]
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


WATCH = "strace" if _traceable() else "folders"
"""How the commands are watched here: each call of the system, or what their folders hold afterwards."""


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{WATCH}") for name in COMMANDS])
def test_nothing_is_written_sent_or_said_that_was_not_asked_for(name: str, place: Place) -> None:
    command = COMMANDS[name]
    if WATCH == "folders":
        place.run(command)
        return
    place.run(command, *_STRACE)
    allowed = [place.folder / "asked", *([place.folder / "tmp"] if command.temporary else [])]
    for call in _calls(place.folder / "calls"):
        assert not call.startswith(("socket", "connect", "send")) or _LOCAL.match(call), call
        assert not _WRITES.search(call) or _LOCAL.match(call) or _harmless(call, place.folder, allowed), (
            call
        )


def _calls(trace: Path) -> list[str]:
    """The calls that succeeded or may have, without the numbers of their processes."""
    lines = [line.partition(" ")[2].strip() for line in trace.read_text(errors="replace").splitlines()]
    return [line for line in lines if line.partition("(")[0] in _CALLS.split(",") and " = -1 E" not in line]


def _harmless(call: str, folder: Path, allowed: list[Path]) -> bool:
    paths = re.findall(r'"([^"]*)"', call)
    return all(
        _is_no_file(path) or any((folder / path).is_relative_to(place) for place in allowed)
        for path in paths
    )


_NO_FILES = re.compile(
    f"{os.devnull}.*"  # and what Keras tries to write below it
    r"|/dev/tty"
    r"|/proc/self/task/\d+/comm"  # a thread's name, which the C library sets this way
    r"|/dev/shm/sem\.[\w-]+"  # a semaphore of Python's, in memory, whose name goes at once
)


def _is_no_file(path: str) -> bool:
    return _NO_FILES.fullmatch(path) is not None


@pytest.mark.parametrize(
    ("name", "home"),
    [("predict-openvino", "/proc"), ("predict-tensorflow", "/nowhere"), ("train", "/proc")],
)
def test_a_home_that_cannot_be_written_is_no_matter(name: str, home: str, place: Place) -> None:
    place.run(COMMANDS[name], HOME=home)


_WITHOUT_SYS = (
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs none /sys && exec "$@"',
    "sh",
)


def _can_hide_sys() -> bool:
    """Whether this is Linux, and lets its users make file systems of their own."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_WITHOUT_SYS, "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not _can_hide_sys(), reason="Nothing can be mounted here.")
@pytest.mark.parametrize("name", ["predict-openvino", "predict-onnx", "predict-torch"])
def test_a_container_without_sys_is_no_matter(name: str, place: Place) -> None:
    place.run(COMMANDS[name], *_WITHOUT_SYS)
