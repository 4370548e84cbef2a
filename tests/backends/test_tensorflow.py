from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run


def test_it_says_nothing_and_leaves_nothing_behind(run: Run, samples: Path, tmp_path: Path) -> None:
    photo = samples / "cat-chelsea-no-face.jpg"
    done = run(
        "predict",
        photo,
        "--detector",
        "none",
        "-q",
        "--backend",
        "tensorflow",
        env={"TMPDIR": str(tmp_path), "KERAS_BACKEND": "torch"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
