"""A folder of parts: written whole, gone on with, complete at the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fercli.errors import ReportError, UsageError
from fercli.records import EXPRESSIONS, Box, Face, Photo
from fercli.reports import Format
from fercli.reports.parts import FORMATS, SUCCESS, Parts, begin_parts, claimed_folder
from fercli.reports.reading import read_report, read_settings
from fercli.reports.settings import Settings

SETTINGS = Settings("1.2.3", (), "b", "r", "cpu", "float32", "mtcnn", "40", "0.9", False)
FACE = Face(Box(0.0, 0.0, 9.0, 9.0), 0.5, probabilities=(1.0, *(0.0 for _ in EXPRESSIONS[1:])))
PATHS = ["a.jpg", "=b, \n.jpg", "c.jpg", "c.jpg", "\udcff.jpg"]
PHOTOS = [
    Photo("a.jpg", (FACE, FACE), 9, 9),
    Photo("=b, \n.jpg", (), 9, 9),
    Photo("c.jpg", (FACE,), 9, 9),
    Photo("c.jpg", error="missing: There is no such file."),
    Photo("\\xff.jpg", (FACE,), 9, 9),
]
TALLY = {"ok": 3, "faces": 4, "no_face": 1, "error": 1}


@pytest.mark.parametrize("kind", FORMATS)
class TestAPart:
    def test_counts_what_it_holds_when_it_is_written_and_when_it_is_there(
        self, tmp_path: Path, kind: Format
    ) -> None:
        parts = begin_parts(f"{tmp_path}/", kind, SETTINGS)
        assert parts.tally(3, PATHS) is None
        assert parts.write(3, PATHS, PHOTOS) == TALLY
        assert parts.tally(3, PATHS) == TALLY
        assert [path.name for path in tmp_path.iterdir()] == [f"part-00000003.{kind}"]
        rows = [row for photo in read_report(parts.path(3)) for row in photo]
        assert len(rows) == 6

    @pytest.mark.parametrize(
        "others",
        [PATHS[:-1], [*PATHS, "d.jpg"], [PATHS[1], PATHS[0], *PATHS[2:]], ["x.jpg", *PATHS[1:]], []],
    )
    def test_of_other_photos_is_refused(self, tmp_path: Path, kind: Format, others: list[str]) -> None:
        parts = begin_parts(f"{tmp_path}/", kind, SETTINGS)
        parts.write(0, PATHS, PHOTOS)
        with pytest.raises(UsageError, match="holds other photos"):
            parts.tally(0, others)


def test_a_part_that_cannot_be_finished_is_not_there(tmp_path: Path) -> None:
    parts = begin_parts(f"{tmp_path}/", Format.JSONL, SETTINGS)
    with pytest.raises(RuntimeError, match="came back for"):
        parts.write(0, PATHS, reversed(PHOTOS))
    with pytest.raises(ValueError, match="longer"):
        parts.write(0, PATHS, PHOTOS[:-1])
    assert list(tmp_path.iterdir()) == []


def test_parquet_parts_know_their_settings(tmp_path: Path) -> None:
    parts = begin_parts(f"{tmp_path}/", Format.PARQUET, SETTINGS)
    parts.write(0, PATHS, PHOTOS)
    assert read_settings(parts.path(0)) == SETTINGS


def written(folder: Path, count: int) -> Parts:
    parts = begin_parts(f"{folder}/", Format.JSONL, SETTINGS)
    for number in range(count):
        parts.write(number, PATHS, PHOTOS)
    return parts


def test_is_complete_with_every_part_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    parts = written(folder, 3)
    (folder / ".part-00000002.jsonl.x1y2.partial").mkdir()  # of what was killed
    with pytest.raises(UsageError, match=r"part-00000002\.jsonl belongs to no photo"):
        parts.complete(2, Counter(TALLY))
    with pytest.raises(ReportError, match=r"lacks 1 part, such as part-00000003\.jsonl"):
        parts.complete(4, Counter(TALLY))
    assert not (folder / SUCCESS).exists()
    parts.complete(3, Counter(TALLY))
    assert json.loads((folder / SUCCESS).read_text()) == {"parts": 3} | TALLY
    assert len(list(folder.iterdir())) == 4
    begin_parts(f"{folder}/", Format.JSONL, SETTINGS)
    assert not (folder / SUCCESS).exists()


def test_the_folder_takes_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    with claimed_folder(f"{folder}/", resume=False):
        written(folder, 1)
        with pytest.raises(ReportError), claimed_folder(f"{folder}/", resume=True):
            pass  # another run writes there
    with pytest.raises(UsageError, match="already holds parts"), claimed_folder(f"{folder}/", resume=False):
        pass
    with claimed_folder(f"{folder}/", resume=True):
        pass
    with pytest.raises(UsageError, match="another format"):
        begin_parts(f"{folder}/", Format.CSV, SETTINGS)
    with pytest.raises(UsageError, match="started with other settings: --tta off, now on"):
        begin_parts(f"{folder}/", Format.JSONL, replace(SETTINGS, tta=True))
    (folder / "notes.txt").touch()
    with (
        pytest.raises(UsageError, match="is not a folder of parts"),
        claimed_folder(f"{folder}/", resume=True),
    ):
        pass
