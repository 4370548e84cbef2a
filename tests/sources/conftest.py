from __future__ import annotations

from pathlib import Path

import pytest

TREE = (
    "photos/b.jpg",
    "photos/a.PNG",
    "photos/notes.txt",
    "photos/.hidden.jpg",
    "photos/.hidden/a.jpg",
    "photos/c/deep/z.jpeg",
    "photos/c/a.webp",
    "photos/c.tif",
    "photos/x.jpg/inside.gif",
    "more/d.bmp",
)
"""Files as `tree` has them: photos, and what is none."""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a folder `photos` in it; a file's content is its path from here."""
    for name in TREE:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
