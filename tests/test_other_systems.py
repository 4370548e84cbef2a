"""What Windows and macOS lack is not needed: `predict` where those modules and names are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run

HIDES = """
import subprocess  # which needs some of them itself, and has its own for Windows
import os, signal, sys

for module in ("fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty", "pty"):
    sys.modules[module] = None
for name in (
    "sched_getaffinity", "sched_setaffinity", "fork", "forkpty", "getuid", "geteuid", "getgid", "getpgid",
    "setsid", "killpg", "mkfifo", "fchmod", "chown", "fchown", "pread", "pwrite", "posix_fadvise",
    "posix_fallocate", "sendfile", "statvfs", "fstatvfs", "memfd_create", "pidfd_open", "getloadavg",
    "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_TMPFILE", "O_NOCTTY",
    "pthread_sigmask", "pthread_kill", "SIGHUP", "SIGURG", "SIGUSR1", "SIGALRM", "SIGPIPE",
    "setitimer", "sigwait", "siginterrupt",
):
    for module in (os, signal):
        if hasattr(module, name):
            delattr(module, name)
for name in ("SIGHUP", "SIGURG", "SIGUSR1", "SIGALRM", "SIGPIPE"):
    signal.Signals._member_map_.pop(name)

class Folders:
    "Of a system that has neither /proc nor /dev."

    def __init__(self, function):
        self._function = function

    def __call__(self, path, *arguments, **options):
        if isinstance(path, (str, bytes)) or hasattr(path, "__fspath__"):
            text = os.fsdecode(path)
            if text.startswith(("/proc/", "/dev/fd", "/dev/std", "/sys/")):
                raise FileNotFoundError(2, "No such file or directory", text)
        return self._function(path, *arguments, **options)

import io
io.open = Folders(io.open)
os.open = Folders(os.open)
"""
"""What hides them, in this process and in those that it starts; Python imports it, as sitecustomize."""


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_predict_gives_the_same_rows(run: Run, samples: Path, tmp_path: Path, ending: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDES)
    photos = [
        samples / "astronaut-eileen-collins.jpg",
        samples / "cat-chelsea-no-face.jpg",
        tmp_path / "none",
    ]
    reports = []
    for name, environment in (("here", {}), ("there", {"PYTHONPATH": str(tmp_path)})):
        report = tmp_path / f"{name}.{ending}"
        done = run("predict", *photos, "-o", report, "-q", env=environment)
        assert (done.returncode, done.stderr) == (3, "")
        reports.append(report.read_bytes())
    assert reports[0] == reports[1]
    assert b"happy" in reports[0]


def test_runs_go_on_and_models_are_compared(run: Run, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDES)
    environment = {"PYTHONPATH": str(tmp_path)}
    photo = samples / "astronaut-eileen-collins.jpg"
    for options in ([], ["--resume"]):
        done = run("predict", photo, "-o", "report.csv", *options, cwd=tmp_path, env=environment)
        assert (done.returncode, "1 face" in done.stderr) == (0, True), done.stderr
    compared = run("compare", "models", "default", "--repeat", "1", "--format", "csv", env=environment)
    assert compared.returncode == 0, compared.stderr
    assert run("doctor", env=environment).returncode == 0
