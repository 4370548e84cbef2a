from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `photos` in the current folder; a file's content is its name."""
    names = (
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
    for name in names:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
