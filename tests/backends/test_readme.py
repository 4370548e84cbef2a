"""The examples of backends/README.md, installed from outside the tree into an environment of their own."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.tolerances import PRINTED_PROBABILITY

README = Path(__file__).parents[2] / "backends" / "README.md"
MODULES = ("fercli_opencv", "fercli_openvino_ir")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a new environment that holds the examples and, for the rest, what the tests have."""
    folder = tmp_path_factory.mktemp("stranger")
    text = README.read_text("utf-8")
    projects, programs = (
        re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for language in ("toml", "python")
    )
    for module, project, program in zip(MODULES, projects, programs, strict=True):
        (folder / module).mkdir()
        (folder / module / "pyproject.toml").write_text(project, "utf-8")
        (folder / module / f"{module}.py").write_text(program, "utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    libraries = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    ours = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    Path(libraries.stdout.strip(), "ours.pth").write_text(ours)
    subprocess.run(
        [
            *(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"),
            *(folder / module for module in MODULES),
        ],
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    return python


def fercli(python: Path, *arguments: str | Path) -> str:
    program = "import sys; from fercli.cli import main; sys.argv[0] = 'fercli'; main()"
    done = subprocess.run([python, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_doctor_lists_them(environment: Path) -> None:
    shown = fercli(environment, "doctor")
    assert re.search(r"backends ready: .*\bopencv\b", shown)
    assert re.search(r"exporters ready: .*\bopenvino-ir\b", shown)


def test_it_reads_the_samples_as_the_others_do(environment: Path, samples: Path) -> None:
    theirs, ours = (
        list(csv.DictReader(fercli(environment, "predict", samples, "--backend", name).splitlines()))
        for name in ("opencv", "onnx")
    )
    assert len(theirs) == 13
    for their, our in zip(theirs, ours, strict=True):
        assert their["expression"] == our["expression"]
        assert float(their["confidence"] or 0) == pytest.approx(
            float(our["confidence"] or 0), abs=PRINTED_PROBABILITY
        )


def test_it_is_compared_with_the_others(environment: Path) -> None:
    options = ("--backends", "onnx,opencv", "--repeat", "1", "--batch-sizes", "8", "--format", "csv")
    rows = list(csv.DictReader(fercli(environment, "compare", "backends", *options).splitlines()))
    assert [row["backend"] for row in rows] == ["onnx", "opencv"]
    assert rows[1]["runtime"] == "OpenCV"


def test_it_exports_a_model_and_replaces_its_own_export(environment: Path, tmp_path: Path) -> None:
    out = tmp_path / "folder"
    for _ in range(2):
        assert fercli(environment, "export", "default", "--to", "openvino-ir", "--out", out) == ""
        assert sorted(path.name for path in out.iterdir()) == ["model.bin", "model.xml"]
        (out / "model.bin").write_bytes(b"of an earlier one")
