"""Photos for the library to read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.corpus import SAMPLES, encoded, gradient


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of several faces, one of none, a file that is no photo, and pictures without losses."""
    folder = tmp_path_factory.mktemp("photos")
    shutil.copy(SAMPLES / "group.jpg", folder / "a.jpg")
    shutil.copy(SAMPLES / "cat-chelsea-no-face.jpg", folder / "b.jpg")
    (folder / "c.jpg").write_text("This is a text.")
    (folder / "d.png").write_bytes(encoded(gradient(), "png"))
    return folder
