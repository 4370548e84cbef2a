from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from fercli import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run


def test_a_healthy_place(run: Run) -> None:
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    first, computer, _, title, *rest = done.stdout.decode().splitlines()
    assert first == f"fercli {__version__} reads photos here."
    assert computer.startswith(f"Python {platform.python_version()}, ")
    assert title == "Works"
    works = dict(line.strip().split(": ") for line in rest[: rest.index("")])
    assert works["model default"].endswith("files whole")
    assert "onnx" in works["backends ready"].split(", ")
    assert works["detectors ready"] == "mtcnn, none"
    assert "\x1b" not in done.stdout.decode()


def test_every_plugin_that_misbehaves_is_a_line_and_its_remedy_is_whole(
    run: Run, faulty_plugins: Path
) -> None:
    done = run("doctor", env={"PYTHONPATH": str(faulty_plugins)})
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    works = dict(line.strip().split(": ") for line in lines if " ready: " in line)
    assert "raises-in-load" in works["backends ready"].split(", ")
    assert "two-halves" in works["detectors ready"].split(", ")
    missing = lines[lines.index("Not available") :]
    for line in (
        "  backend unavailable: the moon is not full",
        "  backend no-backend: it does not have the interface of a backend",
        "  backend raises-in-answer: it fails to answer (RuntimeError: no answer)",
        "  detector raises-in-import: it fails to load (RuntimeError: broken)",
    ):
        assert line in missing
    assert missing[missing.index("  backend unavailable: the moon is not full") + 1] == "    wait [a month]"


def test_without_onnx_runtime_it_says_how_to_get_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text(
        "raise ImportError('libgomp.so.1: cannot open shared object file')\n"
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    done = run("doctor", env=environment)
    assert done.returncode == 5
    text = done.stdout.decode()
    assert text.startswith(f"fercli {__version__} cannot read photos here.\n")
    fault = text[text.index("\nDoes not work\n") :]
    assert "libgomp.so.1" in fault
    assert "\n    pip install 'fercli[cpu]'" in fault
    predict = run("predict", tmp_path / "photo.jpg", env=environment)
    assert predict.returncode == 5
    assert "libgomp.so.1" in predict.stderr
    assert "pip install 'fercli[cpu]'" in predict.stderr
