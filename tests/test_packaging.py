"""What is installed from a wheel, and what a source distribution holds."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "fercli": ROOT / "fercli",
    "fercli_onnx": ROOT / "backends" / "fercli_onnx",
    "fercli_openvino": ROOT / "backends" / "fercli_openvino",
    "fercli_tensorflow": ROOT / "backends" / "fercli_tensorflow",
    "fercli_torch": ROOT / "backends" / "fercli_torch",
    "fercli_training": ROOT / "training" / "fercli_training",
}
LARGEST = 40_000_000
"""Bytes that the wheel may have."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("sdist")
    path = Path(next(SdistBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def sources(folder: Path) -> set[str]:
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == set().union(*map(sources, PACKAGES.values()))


def test_the_wheel_is_small_and_holds_weights_once(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST
    with zipfile.ZipFile(wheel) as archive:
        checksums = [one.CRC for one in archive.infolist() if one.file_size > 1_000_000]
    assert len(checksums) == len(set(checksums))


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folder = next(
            PurePosixPath(name).parent for name in archive.namelist() if name.endswith("/METADATA")
        )
        metadata = archive.read(f"{folder}/METADATA").decode()
        assert "fercli = fercli.cli:main" in archive.read(f"{folder}/entry_points.txt").decode()
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert "License-Expression: MIT" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata


def test_the_source_distribution_is_all_that_building_and_testing_need(sdist: set[str]) -> None:
    needed = {
        "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "constraints.txt",
        "mkdocs.yml", "docs/reference.md", "benchmarks/README.md", "tools/complete_model.py", ".ci/run",
        "tests/conftest.py", "tests/pictures/arithmetic.jpg", "samples/photos/group.jpg",
    }  # fmt: skip
    assert needed <= sdist
    held = {f"{folder.relative_to(ROOT).as_posix()}" for folder in PACKAGES.values()}
    assert all(any(name.startswith(f"{folder}/") for name in sdist) for folder in held)
    folders = ("tests", "docs", "tools", "samples", "benchmarks")
    assert set().union(*(sources(ROOT / folder) for folder in folders)) <= sdist


def test_the_source_distribution_holds_no_caches_and_no_environment(sdist: set[str]) -> None:
    parts = {part for name in sdist for part in PurePosixPath(name).parts}
    assert not parts & {
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".git",
        "dist",
        "site",
    }
    assert not [part for part in parts if part.startswith(".venv")]
