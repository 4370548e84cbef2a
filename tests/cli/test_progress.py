"""What a person at a terminal sees while a run goes on; the terminal is a pseudo-terminal."""

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fercli.cli.training import training_progress
from fercli_training.progress import Progress
from tests.conftest import FERCLI
from tests.fer2013.made_up import ONE_THREAD, RECIPE, write

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def at_a_terminal(*arguments: str | Path) -> str:
    """Runs the program with standard error on a terminal, and gives what was shown there."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(ours, shown))
    reader.start()
    environment = {**os.environ, **ONE_THREAD, "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run(
        [FERCLI, *arguments],
        stderr=theirs,
        stdout=subprocess.PIPE,
        env=environment,
        timeout=180,
        check=False,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    text = _ESCAPES.sub("", b"".join(shown).decode())
    assert (done.returncode, done.stdout) == (0, b""), text
    return text


def _drain(terminal: int, shown: list[bytes]) -> None:
    try:
        while chunk := os.read(terminal, 1 << 16):
            shown.append(chunk)
    except OSError:  # how Linux says that the other side has closed
        return


def test_predict_counts_photos_and_faces(samples: Path, tmp_path: Path) -> None:
    text = at_a_terminal("predict", samples, "--out", tmp_path / "report.csv")
    assert "10 photos" in text
    assert "11 faces, 0 failures" in text


def test_training_says_nothing_where_standard_error_is_closed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with training_progress() as report:
        report(Progress("tiny", 1, 1, 1, 1, loss=1.0, accuracy=0.5, rate=1.0, public_accuracy=0.5))
    assert capfd.readouterr() == ("", "")


def test_quiet_shows_nothing(samples: Path, tmp_path: Path) -> None:
    assert at_a_terminal("predict", samples / "group.jpg", "-q", "--out", tmp_path / "report.csv") == ""


def test_train_shows_loss_accuracy_rate_and_time_left(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    data = write(tmp_path / "fer2013.csv")
    text = at_a_terminal(
        "train", tmp_path / "tiny.toml", "--data", data, "--out", tmp_path / "run", "--set", "epochs=2"
    )
    assert re.search(
        r"epoch 2/2 loss \d\.\d+ accuracy \d\.\d+ best on PublicTest \d\.\d+, \d+ pictures/s", text
    )
    assert re.search(r"\d:\d\d:\d\d", text)
