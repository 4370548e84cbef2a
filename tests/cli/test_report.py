from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from fercli.records import Box, Face, Photo, Row
from fercli.reports import Format, open_report
from fercli.reports.reading import read_report
from tests.conftest import Run

FACE = Face(Box(1.25, 2.0, 30.01, 40.0), 0.5, None, (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1))
PARTS = [
    [Photo("a.jpg", (FACE, FACE), 100, 100), Photo("b.jpg", (), 10, 10)],
    [Photo("b2.jpg", (FACE,), 100, 100), Photo("c.jpg", error="empty: The file is empty.")],
    [Photo("d.jpg", (FACE,), 100, 100)],
]


def written(out: Path, photos: list[Photo]) -> Path:
    with open_report(str(out), Format(out.suffix[1:])) as writer:
        for photo in photos:
            writer.write(photo.rows())
    return out


def rows_of(photos: list[Photo]) -> list[list[Row]]:
    return [list(photo.rows()) for photo in photos]


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    names = ("1.csv", "2.parquet", "3.jsonl")
    return [written(tmp_path / name, photos) for name, photos in zip(names, PARTS, strict=True)]


class TestMerge:
    @pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet"])
    def test_all_photos_of_all_reports_in_order(
        self, inside: Run, tmp_path: Path, parts: list[Path], kind: str
    ) -> None:
        out = tmp_path / f"all.{kind}"
        done = inside("report", "merge", *parts, "--out", out)
        assert (done.returncode, done.stdout) == (0, b"")
        assert done.stderr == f"5 photos of 3 reports; {out}.\n"
        assert list(read_report(str(out))) == rows_of(list(chain(*PARTS)))

    def test_to_standard_output(self, inside: Run, tmp_path: Path, parts: list[Path]) -> None:
        done = inside("report", "merge", *parts, "--format", "parquet", "--quiet")
        assert (done.returncode, done.stderr) == (0, "")
        (tmp_path / "all.parquet").write_bytes(done.stdout)
        assert list(read_report(str(tmp_path / "all.parquet"))) == rows_of(list(chain(*PARTS)))

    def test_over_an_input_is_refused(self, inside: Run, tmp_path: Path, parts: list[Path]) -> None:
        (tmp_path / "link.csv").symlink_to(parts[0])
        before = parts[0].read_bytes()
        done = inside("report", "merge", *parts, "--out", tmp_path / "link.csv")
        assert done.returncode == 2
        assert done.stderr.startswith(
            f"fercli: {tmp_path / 'link.csv'} would be written over the report {parts[0]}.\n"
        )
        assert parts[0].read_bytes() == before

    def test_a_broken_report_changes_nothing(self, inside: Run, tmp_path: Path, parts: list[Path]) -> None:
        out = written(tmp_path / "all.csv", PARTS[2])
        before = out.read_bytes()
        parts[2].write_bytes(parts[2].read_bytes()[:-9])
        done = inside("report", "merge", *parts, "--out", out)
        assert done.returncode == 2
        assert done.stderr.startswith(f"fercli: {parts[2]} ends within line 1")
        assert out.read_bytes() == before
        assert {path.name for path in tmp_path.iterdir()} == {"all.csv", *(path.name for path in parts)}

    def test_other_rows_of_a_photo_change_nothing(
        self, inside: Run, tmp_path: Path, parts: list[Path]
    ) -> None:
        other = written(tmp_path / "other.json", [Photo("a.jpg", (), 100, 100)])
        done = inside("report", "merge", *parts, other, "--out", tmp_path / "all.csv")
        assert done.returncode == 2
        assert done.stderr == (
            f"fercli: {parts[0]} and {other} have different rows of the photo a.jpg.\n"
            "Leave one of them out, or write it again.\n"
        )
        assert not (tmp_path / "all.csv").exists()

    def test_a_missing_report(self, inside: Run, tmp_path: Path) -> None:
        done = inside("report", "merge", tmp_path / "missing.csv", "--out", tmp_path / "all.csv")
        assert done.returncode == 2
        assert done.stderr.startswith(f"fercli: {tmp_path / 'missing.csv'} cannot be read: No such file")
        assert list(tmp_path.iterdir()) == []

    def test_shards_become_the_whole(self, inside: Run, tmp_path: Path, samples: Path) -> None:
        shards = [tmp_path / f"{number}.csv" for number in (1, 2)]
        for number, shard in enumerate(shards, 1):
            assert inside("predict", samples, "--shard", f"{number}/2", "--out", shard).returncode == 0
        assert inside("predict", samples, "--out", tmp_path / "whole.csv").returncode == 0
        assert inside("report", "merge", *shards, "--out", tmp_path / "all.parquet").returncode == 0
        merged = list(read_report(str(tmp_path / "all.parquet")))
        assert merged == list(read_report(str(tmp_path / "whole.csv")))


def test_excel_reads_utf_8_and_so_does_fercli(inside: Run, tmp_path: Path) -> None:
    report, excel = tmp_path / "report.csv", tmp_path / "excel.csv"
    assert inside("predict", "Zoë.jpg", "-q", "--out", report).returncode == 3
    for _ in range(2):  # it replaces its own
        assert inside("report", "merge", report, "--out", excel, "--for-excel", "-q") == (0, b"", "")
    assert excel.read_bytes() == b"\xef\xbb\xbf" + report.read_bytes()
    assert inside("report", "merge", excel, "-q").stdout == report.read_bytes()
    assert inside("predict", "Zoë.jpg", "-q", "--resume", "--out", excel).returncode == 3


def test_the_mark_for_excel_is_for_csv_alone(inside: Run, tmp_path: Path) -> None:
    done = inside("report", "merge", tmp_path / "a.csv", "--out", tmp_path / "a.jsonl", "--for-excel")
    assert done.returncode == 2
    assert done.stderr.startswith("fercli: --for-excel is for CSV, not for jsonl.")
