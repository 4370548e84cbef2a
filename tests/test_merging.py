from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fercli.errors import UsageError
from fercli.records import Box, Face, Photo, Row
from fercli.reports import Format, open_report
from fercli.reports.merging import Merged, merge_reports
from fercli.reports.settings import Settings, keep_settings
from tests.test_settings import USUAL

FACE = Face(Box(1.25, 2.0, 30.01, 40.0), 0.5, None, (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1))
NEAR = Face(Box(1.29, 2.0, 30.01, 40.0), 0.5, None, (0.0502, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1))
FAR = replace(FACE, box=Box(2.25, 2.0, 30.01, 40.0))
SAD = replace(FACE, probabilities=(0.05, 0.1, 0.15, 0.1, 0.4, 0.1, 0.1))


def photo(name: str, *faces: Face) -> Photo:
    return Photo(name, faces, 100, 100)


def written(out: Path, photos: list[Photo], told: Settings | None = None) -> str:
    with open_report(str(out), Format(out.suffix[1:]), settings=told) as writer:
        for one in photos:
            writer.write(one.rows())
    if out.suffix != ".parquet":
        keep_settings(str(out), told)
    return str(out)


def rows_of(photos: list[Photo]) -> list[list[Row]]:
    return [list(one.rows()) for one in photos]


def taken(merged: Merged) -> list[list[Row]]:
    return [rows for _, rows in merged.photos]


A, B, C = photo("a", FACE, FACE), photo("b"), Photo("=c", error="empty: The file is empty.")


@pytest.mark.parametrize("second", ["csv", "json", "jsonl", "parquet"])
class TestOverlaps:
    def test_equal_ones_are_taken_once(self, tmp_path: Path, second: str) -> None:
        one = written(tmp_path / "1.csv", [A, B, C])
        other = written(tmp_path / f"2.{second}", [C, photo("d"), A])
        merged = taken(merge_reports([one, other]))
        assert [rows[0]["path"] for rows in merged] == ["a", "b", "./=c", "d"]
        assert merged[0] == rows_of([A])[0]

    def test_what_another_processor_changes_is_equal(self, tmp_path: Path, second: str) -> None:
        one = written(tmp_path / "1.csv", [photo("a", FACE)])
        other = written(tmp_path / f"2.{second}", [photo("a", NEAR)])
        assert taken(merge_reports([one, other])) == rows_of([photo("a", FACE)])

    @pytest.mark.parametrize(
        "changed", [photo("a"), photo("a", FAR), photo("a", SAD), photo("a", FACE, FACE)]
    )
    def test_others_are_refused(self, tmp_path: Path, second: str, changed: Photo) -> None:
        one = written(tmp_path / "1.csv", [B, photo("a", FACE)])
        other = written(tmp_path / f"2.{second}", [changed])
        with pytest.raises(UsageError) as caught:
            taken(merge_reports([one, other]))
        assert caught.value.message == f"{one} and {other} have different rows of the photo a."

    def test_a_photo_that_was_given_twice_stays_so(self, tmp_path: Path, second: str) -> None:
        one = written(tmp_path / "1.csv", [A, B, A])
        other = written(tmp_path / f"2.{second}", [A, A, A])
        assert taken(merge_reports([one, other])) == rows_of([A, B, A, A])

    def test_a_report_given_twice_is_taken_once(self, tmp_path: Path, second: str) -> None:
        one = written(tmp_path / f"1.{second}", [A, B])
        assert taken(merge_reports([one, one])) == rows_of([A, B])


class TestSettings:
    def test_all_shards_give_the_order_of_the_whole(self, tmp_path: Path) -> None:
        photos = [photo(f"{number}", FACE) for number in range(10)]
        shards = [
            written(tmp_path / f"{part}.{kind}", photos[part - 1 :: 3], replace(USUAL, shard=f"{part}/3"))
            for part, kind in ((1, "csv"), (2, "parquet"), (3, "json"))
        ]
        merged = merge_reports(shards[::-1])
        assert taken(merged) == rows_of(photos)
        assert merged.settings == USUAL
        some = merge_reports(shards[:2])
        assert taken(some) == [*taken(merge_reports(shards[:1])), *taken(merge_reports(shards[1:2]))]
        assert some.settings == replace(USUAL, shard="")

    def test_other_ones_are_named(self, tmp_path: Path) -> None:
        one = written(tmp_path / "1.csv", [A], USUAL)
        other = written(tmp_path / "2.parquet", [B], replace(USUAL, min_face="60", tta=True))
        merged = merge_reports([one, other])
        assert merged.settings is None
        assert merged.differences == [
            f"{one} and {other} were written with other settings: --min-face 40 and 60; --tta off and on."
        ]

    def test_of_a_report_that_has_none_nothing_is_said(self, tmp_path: Path) -> None:
        merged = merge_reports([written(tmp_path / "1.csv", [A], USUAL), written(tmp_path / "2.csv", [B])])
        assert (merged.settings, merged.differences) == (None, [])


LIMITED = """
import resource, sys
from fercli.reports.merging import merge_reports
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
for _ in merge_reports(sys.argv[1:]).photos:
    pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are those of POSIX")
def test_a_full_temporary_folder_is_named(tmp_path: Path) -> None:
    long = 1000 * "x"
    report = written(tmp_path / "1.jsonl", [photo(f"{number}{long}", FACE) for number in range(4000)])
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, report], capture_output=True, text=True, check=False
    )
    assert "ReportError: The temporary folder cannot hold what was read of the reports: " in run.stderr


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=4))
def test_each_photo_is_there_as_often_as_where_most_often(tmp_path: Path, names: list[list[str]]) -> None:
    reports = [
        written(tmp_path / f"{number}.jsonl", [photo(name, FACE) for name in part])
        for number, part in enumerate(names)
    ]
    merged = [str(rows[0]["path"]) for rows in taken(merge_reports(reports))]
    for name in "abcdef":
        assert merged.count(name) == max(part.count(name) for part in names)
