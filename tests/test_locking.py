from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from fercli.errors import ExitCode, ReportError
from fercli.locking import locked

_HOLDER = """
import sys
from fercli.locking import locked
if sys.argv[2:]:
    sys.modules["fcntl"] = None
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["system", "by name"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The system's locks, and a file system or a system without any."""
    if request.param == "by name":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    return str(request.param)


def refusal(path: Path) -> ReportError:
    with pytest.raises(ReportError) as caught, locked(path):
        pytest.fail("it was not locked")
    assert caught.value.exit_code is ExitCode.REPORT
    assert caught.value.message == f"{path} is being written by another run."
    return caught.value


@pytest.mark.usefixtures("way")
class TestLocked:
    @pytest.mark.parametrize("there", [False, True])
    def test_a_second_writer_is_refused_until_the_first_is_done(self, tmp_path: Path, there: bool) -> None:
        path = tmp_path / "report.csv"
        if there:
            path.write_text("earlier")
        with locked(path):
            refusal(path)
            with locked(tmp_path / "another.csv"):
                pass
        with locked(path):
            pass
        assert [child.name for child in tmp_path.iterdir()] == (["report.csv"] if there else [])
        assert not there or path.read_text() == "earlier"

    def test_a_link_is_the_same_report(self, tmp_path: Path) -> None:
        (tmp_path / "link.csv").symlink_to("report.csv")
        with locked(tmp_path / "report.csv"):
            refusal(tmp_path / "link.csv")
            refusal(tmp_path / ".." / tmp_path.name / "report.csv")

    def test_a_folder_is_locked_inside(self, tmp_path: Path) -> None:
        with locked(tmp_path):
            refusal(tmp_path)
            assert all(path.parent == tmp_path for path in tmp_path.iterdir())
        assert list(tmp_path.iterdir()) == []

    def test_a_file_of_the_user_with_a_lock_s_name_survives(self, tmp_path: Path) -> None:
        (tmp_path / "report.csv.lock").write_text("mine")
        with locked(tmp_path / "report.csv"):
            pass
        assert (tmp_path / "report.csv.lock").read_text() == "mine"

    def test_a_failure_unlocks(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), locked(tmp_path / "x"):
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []
        with locked(tmp_path / "x"):
            pass

    def test_a_folder_that_is_not_there_is_said_so(self, tmp_path: Path) -> None:
        with pytest.raises(ReportError, match=r"x cannot be written: No such file or directory\."):  # noqa: SIM117
            with locked(tmp_path / "gone" / "x"):
                pass


@pytest.mark.parametrize("way", [[], ["by name"]])
def test_a_holder_that_was_killed_holds_no_more(tmp_path: Path, way: list[str]) -> None:
    path = tmp_path / "report.csv"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, path, *way], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.MonkeyPatch.context() as patch:
            if way:
                patch.setitem(sys.modules, "fcntl", None)
            assert f"Wait for process {holder.pid} on {platform.node()}" in refusal(path).remedy
        holder.kill()
    with pytest.MonkeyPatch.context() as patch:
        if way:
            patch.setitem(sys.modules, "fcntl", None)
        with locked(path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_name_of_the_same_file_is_the_same_report(tmp_path: Path) -> None:
    (tmp_path / "report.csv").touch()
    os.link(tmp_path / "report.csv", tmp_path / "again.csv")
    with locked(tmp_path / "report.csv"):
        refusal(tmp_path / "again.csv")


def test_in_a_folder_that_may_not_be_written_to_the_file_itself_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "report.csv", os.open

    def refusing(name: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(ReportError, match="Read-only file system"), locked(path):
        pass
    path.write_text("earlier")
    with locked(path):
        refusal(path)
    assert path.read_text() == "earlier"


@pytest.mark.parametrize(
    "holder", ["process 7 on another-machine", f"process {os.getppid()} on {platform.node()}", "", "torn"]
)
def test_a_holder_of_whom_nothing_is_known_is_believed_and_its_file_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: str
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    lock = tmp_path / ".report.csv.fercli-lock-holder"
    lock.write_text(holder)
    remedy = refusal(tmp_path / "report.csv").remedy
    assert remedy.endswith(f"If that run is gone, remove {lock}.")
    assert remedy.startswith(f"Wait for {holder or 'that'}")
    assert lock.read_text() == holder
