from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fercli import __version__
from fercli.errors import UsageError
from fercli.records import COLUMNS, DECIMALS, EXPRESSIONS, Box, Face, Photo, Row
from fercli.reports import Format, open_report
from fercli.reports.html.blocks import PAGE_END, PAGE_START
from fercli.reports.reading import TornReportError, read_growing, read_report

FACE = Face(Box(1.25, 2.0, 30.01, 40.0), 0.5, None, (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1))
PHOTOS = [
    Photo("two.jpg", (FACE, FACE), 100, 100),
    Photo("two.jpg", (FACE,), 100, 100),
    Photo("none.jpg", (), 10, 10),
    Photo("none.jpg", (), 10, 10),
    Photo('na"me,\r\n.jpg', error="empty: The file is empty."),
]
GROWING = (Format.CSV, Format.JSONL)
LARGE = "1" + 400 * "0"
"""A whole number beyond every float."""

PIXELS = st.floats(0, 131_072)
SHARES = st.floats(0, 1)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def written(out: Path, kind: Format, photos: list[Photo]) -> Path:
    with open_report(str(out), kind) as writer:
        for photo in photos:
            writer.write(photo.rows())
    return out


def rows_of(photos: list[Photo]) -> list[list[Row]]:
    return [list(photo.rows()) for photo in photos]


def fault(path: Path, kind: Format | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        list(read_report(str(path), kind))
    assert str(path) in caught.value.message
    assert caught.value.remedy
    return caught.value.message.removeprefix(f"{path} ")


@pytest.mark.parametrize("kind", list(Format))
class TestReading:
    def test_what_was_written_is_read(self, tmp_path: Path, kind: Format) -> None:
        path = written(tmp_path / f"r.{kind}", kind, PHOTOS)
        read = list(read_report(str(path)))
        assert read == rows_of(PHOTOS)
        for row, expected in zip(chain(*read), chain(*rows_of(PHOTOS)), strict=True):
            assert [type(value) for value in row.values()] == [type(value) for value in expected.values()]

    def test_no_photo_at_all(self, tmp_path: Path, kind: Format) -> None:
        assert list(read_report(str(written(tmp_path / "r", kind, [])), kind)) == []

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
    @given(names=st.lists(NAMES, max_size=3))
    def test_any_name(self, tmp_path: Path, kind: Format, names: list[str]) -> None:
        path = written(tmp_path / "r", kind, [Photo(f"./{name}", (FACE,), 9, 9) for name in names])
        assert [rows[0]["path"] for rows in read_report(str(path), kind)] == [f"./{n}" for n in names]

    def test_a_missing_file_and_a_folder(self, tmp_path: Path, kind: Format) -> None:
        assert fault(tmp_path / "missing", kind) == "cannot be read: No such file or directory."
        assert fault(tmp_path, kind).startswith("cannot be read: ")

    def test_a_file_that_is_no_report(self, tmp_path: Path, kind: Format) -> None:
        (tmp_path / "r").write_bytes(b"\x89PNG\r\n\x1a\nnothing,of,this\n")
        assert fault(tmp_path / "r", kind).startswith("is not a report of fercli: ")

    def test_a_file_cut_short_is_an_error(self, tmp_path: Path, kind: Format) -> None:
        whole = written(tmp_path / "r", kind, PHOTOS).read_bytes()
        for end in range(1, len(whole.rstrip()), 1 + len(whole) // 4000):  # a page is long
            if kind in GROWING and whole[end - 1 : end] == b"\n" and whole[end - 2 : end] != b"\r\n":
                continue
            (tmp_path / "r").write_bytes(whole[:end])
            with pytest.raises(UsageError):
                list(read_report(str(tmp_path / "r"), kind))


class TestCsv:
    def test_a_protected_name_stays_protected(self, tmp_path: Path) -> None:
        path = written(tmp_path / "r.csv", Format.CSV, [Photo("=1+1.jpg")])
        assert [rows[0]["path"] for rows in read_report(str(path))] == ["./=1+1.jpg"]

    def test_what_spreadsheets_and_pandas_make_of_it(self, tmp_path: Path) -> None:
        path = written(tmp_path / "r.csv", Format.CSV, PHOTOS[:1])
        lines = path.read_text().splitlines()
        lines = [f"note,{lines[0]}", *(f"mine,{line}" for line in lines[1:])]
        lines = [line.replace("two.jpg,1,", "two.jpg,1.0,") for line in lines]
        path.write_bytes(b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode())
        assert list(read_report(str(path))) == rows_of(PHOTOS[:1])

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("score,", "points,", "line 1 has no column score."),
            ("30.01", "wide", "line 2 has 'wide' as its x2."),
            ("30.01", "nan", "line 2 has nan as its x2."),
            ("30.01,", "", "line 2 has 17 cells, not 18."),
            ("30.01", "", "line 2 has no x2, but the status ok."),
            ("two.jpg,0,ok", ",0,ok", "line 2 has None as its path."),
            ("two.jpg,0,ok", "two.jpg,0,good", "line 2 has 'good' as its status."),
            ("two.jpg,0,ok", "two.jpg,-1,ok", "line 2 has -1.0 as its face."),
            ("two.jpg,0,ok", "two.jpg,0.5,ok", "line 2 has 0.5 as its face."),
            ("two.jpg,0,ok", "two.jpg,0,no_face", "line 2 has a face, but the status no_face."),
            ("happy,0.4", "glad,0.4", "line 2 has 'glad' as its expression."),
            ("two.jpg,1", '"two.jpg"x,1', "line 3 is not CSV"),
        ],
    )
    def test_a_fault_is_named_with_its_line(self, tmp_path: Path, old: str, new: str, said: str) -> None:
        path = written(tmp_path / "r.csv", Format.CSV, PHOTOS)
        text = path.read_bytes()
        assert old.encode() in text
        path.write_bytes(text.replace(old.encode(), new.encode(), 1))
        assert fault(path).startswith(f"is not a report of fercli: {said}")

    @pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs")])
    def test_what_is_between_columns_is_named(self, tmp_path: Path, mark: str, name: str) -> None:
        path = written(tmp_path / "r.csv", Format.CSV, PHOTOS)
        path.write_text(path.read_text().replace(",", mark))
        said = f"line 1 has no column path: there are {name} between its columns, not commas."
        assert fault(path) == f"is not a report of fercli: {said}"

    def test_an_empty_file_is_called_so(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").touch()
        assert fault(tmp_path / "r.csv") == "is empty."

    def test_a_name_that_is_not_utf_8(self, tmp_path: Path) -> None:
        path = written(tmp_path / "r.csv", Format.CSV, PHOTOS)
        path.write_bytes(path.read_bytes().replace(b"none", b"n\xffne", 1))
        assert fault(path) == "is not a report of fercli: line 5 is not UTF-8."


class TestJson:
    @pytest.mark.parametrize("kind", [Format.JSON, Format.JSONL])
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ('"score"', '"points"', "has no score."),
            ("30.01", '"30.01"', "has '30.01' as its x2."),
            ("30.01", "true", "has True as its x2."),
            ("30.01", "NaN", "has nan as its x2."),
            ("30.01", "[1]", "has [1] as its x2."),
            ("30.01", LARGE, f"has {LARGE} as its x2."),
            ('"face": 1', f'"face": {LARGE}', f"has {LARGE} as its face."),
            ('"two.jpg"', "7", "has 7 as its path."),
            ('"two.jpg"', '"\\ud800"', "has '\\ud800' as its path."),
        ],
    )
    def test_a_fault_is_named(self, tmp_path: Path, kind: Format, old: str, new: str, said: str) -> None:
        path = written(tmp_path / "r", kind, PHOTOS)
        path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
        place = f"{'row' if kind is Format.JSON else 'line'} {2 if 'face' in old else 1}"
        assert fault(path, kind) == f"is not a report of fercli: {place} {said}"

    def test_whole_numbers_are_decimals_where_these_belong(self, tmp_path: Path) -> None:
        path = written(tmp_path / "r.jsonl", Format.JSONL, PHOTOS[:1])
        path.write_text(path.read_text().replace('"y1": 2.0', '"y1": 2'))
        assert all(isinstance(row["y1"], float) for rows in read_report(str(path)) for row in rows)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("{}", "its JSON is not an array"),
            ("[1]", "row 1 is not"),
            ("[" * 100_000, "it is not JSON"),  # deeper than Python can follow
        ],
    )
    def test_other_json(self, tmp_path: Path, content: str, said: str) -> None:
        (tmp_path / "r.json").write_text(content)
        assert said in fault(tmp_path / "r.json")


@pytest.mark.parametrize("kind", [Format.JSON, Format.JSONL, Format.HTML])
def test_lists_inside_lists_without_end_are_no_report(tmp_path: Path, kind: Format) -> None:
    content = b"[" * 100_000 + b"\n"
    if kind is Format.HTML:
        content = b"".join(
            [PAGE_START, b'<script type="application/json" class="rows">', content, PAGE_END]
        )
    (tmp_path / "r").write_bytes(content)
    assert fault(tmp_path / "r", kind).startswith("is not a report of fercli: ")


class TestTorn:
    @pytest.mark.parametrize("kind", GROWING)
    def test_all_before_the_torn_line_is_given_with_its_end(self, tmp_path: Path, kind: Format) -> None:
        whole = written(tmp_path / "r", kind, PHOTOS).read_bytes()
        ends = [end for _, end in read_growing(str(tmp_path / "r"), kind)]
        assert ends[-1] == len(whole)
        header = whole.index(b"\n") + 1 if kind is Format.CSV else 0
        for cut in range(ends[0] + 1, len(whole)):
            (tmp_path / "r").write_bytes(whole[:cut])
            taken = []
            try:
                for rows, end in read_growing(str(tmp_path / "r"), kind):
                    taken.append((rows, end))
            except TornReportError:
                torn = True
            else:
                torn = False
            assert torn != whole[:cut].endswith(b"\n") or whole[:cut].endswith(b"\r\n")
            # The last photo of all that are given may want rows; those before it are whole.
            expected = list(zip(rows_of(PHOTOS), ends, strict=True))
            assert taken[:-1] == expected[: max(0, len(taken) - 1)]
            assert header < taken[-1][1] <= cut if taken else cut < ends[1]

    def test_an_empty_file_is_a_torn_csv(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").touch()
        with pytest.raises(TornReportError):
            list(read_report(str(tmp_path / "r.csv")))


class TestParquet:
    def test_types(self, tmp_path: Path) -> None:
        schema = pq.read_schema(written(tmp_path / "r.parquet", Format.PARQUET, PHOTOS))
        assert tuple(schema.names) == COLUMNS
        assert schema.metadata[b"fercli_version"] == __version__.encode()
        assert schema.field("path").type == pa.string()
        assert schema.field("face").type == pa.int32()
        assert pa.types.is_dictionary(schema.field("status").type)
        assert all(schema.field(name).type == pa.float32() for name in ("x1", "score", *EXPRESSIONS))
        assert [field.name for field in schema if not field.nullable] == ["path", "status"]

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
    @given(numbers=st.lists(st.tuples(PIXELS, SHARES), min_size=1))
    def test_decimals_are_those_of_every_other_format(
        self, tmp_path: Path, numbers: list[tuple[float, float]]
    ) -> None:
        faces = [Face(Box(x, x / 2, x, x), p, None, (p, 1 - p, 0, 0, 0, 0, 0)) for x, p in numbers]
        photos = [Photo("p", tuple(faces), 131_072, 131_072)]
        assert list(read_report(str(written(tmp_path / "r.parquet", Format.PARQUET, photos)))) == rows_of(
            photos
        )

    @pytest.mark.parametrize("reader", ["pandas", "duckdb", "polars"])
    def test_others_read_it(self, tmp_path: Path, reader: str) -> None:
        path = written(tmp_path / "r.parquet", Format.PARQUET, PHOTOS * 5000)
        assert pq.ParquetFile(path).num_row_groups > 1
        columns, types = TABLES[reader](path)
        expected = [row for rows in rows_of(PHOTOS) for row in rows] * 5000
        for name in COLUMNS:
            values = [row[name] for row in expected]
            if name in DECIMALS:
                assert columns[name] == [None if value is None else np.float32(value) for value in values]
            else:
                assert columns[name] == values
        chosen = {"pandas": "category", "duckdb": "VARCHAR", "polars": "Categorical"}[reader]
        assert types["status"] == types["expression"] == chosen
        assert {types[name].lower() for name in DECIMALS} <= {"float32", "float"}

    def test_groups_are_bounded_and_split_no_photo(self, tmp_path: Path) -> None:
        path = written(tmp_path / "r.parquet", Format.PARQUET, [Photo("p", (FACE,) * 7, 9, 9)] * 6000)
        file = pq.ParquetFile(path)
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        assert sum(sizes) == 42_000
        assert max(sizes) < 17_000
        assert all(size % 7 == 0 for size in sizes)
        assert len(list(read_report(str(path)))) == 6000

    def test_it_can_be_piped_and_an_interrupted_one_is_none(self, tmp_path: Path) -> None:
        done = subprocess.run([sys.executable, "-c", _PIPED], capture_output=True, check=True)
        (tmp_path / "r.parquet").write_bytes(done.stdout)
        assert len(list(read_report(str(tmp_path / "r.parquet")))) == 20_000
        done = subprocess.run([sys.executable, "-c", _PIPED, "stop"], capture_output=True, check=False)
        assert done.stderr == b"interrupted\n"
        (tmp_path / "r.parquet").write_bytes(done.stdout)
        assert fault(tmp_path / "r.parquet").startswith("is not a report of fercli: it is not Parquet")

    def test_another_table(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"path": ["a.jpg"]}), tmp_path / "r.parquet")
        assert fault(tmp_path / "r.parquet") == "is not a report of fercli: its table has no column face."

    def test_without_pyarrow_the_extra_is_named(self, tmp_path: Path) -> None:
        code = f"import sys; sys.modules['pyarrow'] = None\n{_WITHOUT}"
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "r.parquet")],
            capture_output=True,
            text=True,
            check=True,
        )
        said = json.loads(done.stdout)
        assert "pyarrow" in said[0]
        assert "fercli[parquet]" in said[1]
        assert list(tmp_path.iterdir()) == []


_Table = tuple[dict[str, list[Any]], dict[str, str]]
"""Columns of values, None where there is none, and the names of their types."""


def by_pandas(path: Path) -> _Table:
    table = pd.read_parquet(path)
    columns = {name: [None if pd.isna(value) else value for value in table[name]] for name in table.columns}
    return columns, {name: str(kind) for name, kind in table.dtypes.items()}


def by_duckdb(path: Path) -> _Table:
    table = duckdb.read_parquet(str(path))
    rows = zip(*table.fetchall(), strict=True)
    return dict(zip(table.columns, map(list, rows), strict=True)), dict(
        zip(table.columns, map(str, table.types), strict=True)
    )


def by_polars(path: Path) -> _Table:
    table = pl.read_parquet(path)
    return table.to_dict(as_series=False), {name: str(kind) for name, kind in table.schema.items()}


TABLES = {"pandas": by_pandas, "duckdb": by_duckdb, "polars": by_polars}

_PIPED = """
import sys
from fercli.records import Photo
from fercli.reports import Format, claimed_standard_output, open_report
try:
    with claimed_standard_output() as out, open_report(out, Format.PARQUET) as writer:
        for number in range(20_000):
            writer.write(Photo(f"{number}.jpg").rows())
        if len(sys.argv) > 1:
            raise KeyboardInterrupt
except KeyboardInterrupt:
    sys.exit("interrupted")
"""

_WITHOUT = """
import json
from fercli.errors import UnavailableError
from fercli.reports import Format, open_report
try:
    with open_report(sys.argv[1], Format.PARQUET):
        pass
except UnavailableError as error:
    print(json.dumps([error.message, error.remedy]))
"""


def test_the_remedy_for_a_name_without_a_format_names_no_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        list(read_report(str(tmp_path / "report.txt")))
    assert "does not end in .csv" in caught.value.message
    assert "--" not in caught.value.remedy
    with pytest.raises(UsageError, match="it is a folder") as caught:
        list(read_report(str(tmp_path)))
    assert "part-*" in caught.value.remedy
