"""`fercli predict --out FOLDER/`: a folder of parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fercli.reports.parts import PHOTOS_A_PART
from tests.corpus import encoded, gradient

if TYPE_CHECKING:
    from tests.conftest import Run

NONE = ("--detector", "none", "--backend", "onnx")


@pytest.fixture
def in_photos(tmp_path: Path) -> Path:
    """Where `photos` has as many pictures as make two parts, and one that cannot be read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    data = encoded(gradient(20, 20), "png")
    for number in range(PHOTOS_A_PART + 3):
        (folder / f"{number:03}.png").write_bytes(data)
    (folder / "broken.jpg").write_text("This is a text.")
    return tmp_path


def test_parts_merged_are_the_report(inside: Run, in_photos: Path) -> None:
    done = inside("predict", "photos", "--out", "parts/", *NONE, cwd=in_photos)
    assert done.returncode == 3
    assert (
        done.stderr == "260 photos: 259 faces, 0 photos without a face, 1 that could not be read; parts/.\n"
    )
    assert done.stdout == b""
    names = sorted(path.name for path in (in_photos / "parts").iterdir())
    assert names == ["_SUCCESS", "part-00000000.jsonl", "part-00000001.jsonl"]
    success = json.loads((in_photos / "parts" / "_SUCCESS").read_text())
    assert success == {"parts": 2, "ok": 259, "faces": 259, "error": 1}
    inside("predict", "photos", "--out", "whole.jsonl", *NONE, cwd=in_photos)
    whole = (in_photos / "whole.jsonl").read_bytes()
    assert b"".join((in_photos / "parts" / name).read_bytes() for name in names[1:]) == whole
    inside(
        "report", "merge", *(f"parts/{name}" for name in names[1:]), "--out", "merged.jsonl", cwd=in_photos
    )
    assert (in_photos / "merged.jsonl").read_bytes() == whole

    (in_photos / "parts" / names[1]).unlink()
    (in_photos / "parts" / "_SUCCESS").unlink()
    refused = inside("predict", "photos", "--out", "parts/", *NONE, cwd=in_photos)
    assert refused.returncode == 2
    assert "Continue with --resume" in refused.stderr
    again = inside("predict", "photos", "--out", "parts/", "--resume", *NONE, cwd=in_photos)
    assert (again.returncode, again.stderr) == (3, done.stderr)
    assert b"".join((in_photos / "parts" / name).read_bytes() for name in names[1:]) == whole


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--annotate", "copies"], "--annotate needs one report"),
        (["--crops", "faces"], "--crops needs one report"),
        (["--strict"], "--strict needs one report"),
        (["--retry-errors"], "--retry-errors needs one report"),
        (["--format", "html"], "Parts are not written as html"),
        (["--out", "s3://bucket/parts/"], "s3://bucket/parts/ is not a place for a report"),
        (["--engine", "rays"], "There is no engine rays"),
        (["--ray-address", "auto"], "A Ray cluster is named, but the engine is local"),
    ],
)
def test_what_makes_no_sense_is_refused(
    inside: Run, tmp_path: Path, options: list[str], words: str
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(20, 20), "png"))
    done = inside("predict", "a.png", "--out", "parts/", *NONE, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert list(tmp_path.glob("parts/*")) == []
