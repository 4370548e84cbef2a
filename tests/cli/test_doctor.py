from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from fercli import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run


def lines(output: bytes) -> list[str]:
    """The table's lines, whatever it is drawn with, its columns a blank apart."""
    text = output.decode()
    return [" ".join(line.replace("│", " ").split()) for line in text.splitlines()]


def test_a_healthy_place(run: Run) -> None:
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    table = lines(done.stdout)
    assert f"fercli {__version__}" in table[0]
    assert any(line.startswith(f"python {platform.python_version()} ") for line in table)
    for line in ("backend onnx ready", "detector mtcnn ready", "detector none ready"):
        assert line in table
    assert any(line.startswith("model default ") and line.endswith("files whole") for line in table)
    assert "\x1b" not in done.stdout.decode()


def test_every_plugin_that_misbehaves_is_a_line_and_its_remedy_is_whole(
    run: Run, faulty_plugins: Path
) -> None:
    done = run("doctor", env={"PYTHONPATH": str(faulty_plugins)})
    assert done.returncode == 0
    table = lines(done.stdout)
    for line in (
        "backend unavailable not available: the moon is not full wait [a month]",
        "backend no-backend not available: it does not have the interface of a backend",
        "backend raises-in-answer not available: it fails to answer (RuntimeError: no answer)",
        "detector raises-in-import not available: it fails to load (RuntimeError: broken)",
        "backend raises-in-load ready",
        "detector two-halves ready",
    ):
        assert line in table


def test_without_onnx_runtime_it_says_how_to_get_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text(
        "raise ImportError('libgomp.so.1: cannot open shared object file')\n"
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    done = run("doctor", env=environment)
    assert done.returncode == 5
    table = "\n".join(lines(done.stdout))
    assert "libgomp.so.1" in table
    assert "pip install 'fercli[cpu]'" in table
    predict = run("predict", tmp_path / "photo.jpg", env=environment)
    assert predict.returncode == 5
    assert "libgomp.so.1" in predict.stderr
    assert "pip install 'fercli[cpu]'" in predict.stderr
