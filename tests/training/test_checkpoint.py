import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fercli.errors import ReportError, UsageError
from fercli_training.checkpoint import FILE, load_checkpoint, save_checkpoint

STATE = {"architecture": {"name": "article"}, "epoch": 3, "network": {"weight": torch.arange(5.0)}}

_FULL_DISK = """\
import resource, signal, sys
from pathlib import Path
import torch
from fercli.errors import ReportError
from fercli_training.checkpoint import save_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    save_checkpoint(Path(sys.argv[1]), {"architecture": {}, "network": {"weight": torch.zeros(500_000)}})
except ReportError as error:
    print(error.message, error.remedy)
"""


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, STATE)
    save_checkpoint(tmp_path, STATE | {"epoch": 4})
    state = load_checkpoint(tmp_path)
    assert state["epoch"] == 4
    assert torch.equal(state["network"]["weight"], torch.arange(5.0))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_no_checkpoint_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no checkpoint to resume from") as caught:
        load_checkpoint(tmp_path)
    assert caught.value.remedy == "Leave out --resume."


def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cannot be written: No such file or directory\.$"):
        save_checkpoint(tmp_path / "gone", STATE)


@pytest.mark.parametrize("limit", [1000, 1_000_000])
def test_a_full_disk_leaves_the_last_good_checkpoint(limit: int, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, STATE)
    before = (tmp_path / FILE).read_bytes()
    # A measurement of coverage would write its own file in the process that may write none.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path), str(limit)], env=environment,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{tmp_path / FILE} cannot be written: " in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def _cut_off(path: Path) -> None:
    save_checkpoint(path.parent, STATE)
    path.write_bytes(path.read_bytes()[:-200])


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("hello world"),
    "zeros": lambda path: path.write_bytes(bytes(1000)),
    "a zip's beginning": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(range(256))),
    "cut off": _cut_off,
    "a list": lambda path: torch.save([1, 2], path),
    "a tensor": lambda path: torch.save(torch.zeros(3), path),
    "another dictionary": lambda path: torch.save({"weights": torch.zeros(3)}, path),
    "a plain pickle": lambda path: path.write_bytes(pickle.dumps([1, 2])),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_or_foreign_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    BROKEN[name](tmp_path / FILE)
    with pytest.raises(UsageError) as caught:
        load_checkpoint(tmp_path)
    assert (
        caught.value.message == f"{tmp_path / FILE} is broken, or is not a checkpoint of fercli."
    )  # none of torch's advice to load it all the same


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_code_in_a_checkpoint_is_never_run(how: str, protocol: int, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    state = {"architecture": {"name": "article"}, "network": Trap(trap)}
    if how == "pickle":
        (tmp_path / FILE).write_bytes(pickle.dumps(state, protocol))
    else:
        torch.save(state, tmp_path / FILE, pickle_protocol=protocol)
    with pytest.raises(UsageError, match="is not a checkpoint of fercli"):
        load_checkpoint(tmp_path)
    assert not trap.exists()
    Trap(trap).__reduce__()[0](*Trap(trap).__reduce__()[1])
    assert trap.exists()  # the trap does work
