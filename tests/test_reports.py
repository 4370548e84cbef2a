from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fercli.errors import ExitCode, ReportError, UsageError
from fercli.records import COLUMNS, EXPRESSIONS, Box, Face, Photo
from fercli.reports import Format, choose_format, open_report

PROBABILITIES = (0.05, 0.1, 0.15, 0.4, 0.1, 0.1, 0.1)
FACE = Face(Box(1.25, 2.0, 30.0, 40.0), 0.5, None, PROBABILITIES)
PHOTOS = [
    Photo("two.jpg", (FACE, FACE), 100, 100),
    Photo("none.jpg", (), 10, 10),
    Photo("bad.jpg", error="empty: The file is empty."),
]
ROWS = [row for photo in PHOTOS for row in photo.rows()]
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def write(out: str | int, kind: Format, photos: list[Photo]) -> None:
    with open_report(out, kind) as writer:
        for photo in photos:
            writer.write(photo.rows())


def report(out: Path, kind: Format, photos: list[Photo]) -> str:
    write(str(out), kind, photos)
    return out.read_bytes().decode()


def interrupt(out: Path, kind: Format) -> None:
    with open_report(str(out), kind) as writer:
        writer.write(PHOTOS[0].rows())
        raise KeyboardInterrupt


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def failure(out: Path, kind: Format) -> ReportError:
    with pytest.raises(ReportError) as caught:
        write(str(out), kind, PHOTOS)
    assert caught.value.exit_code == ExitCode.REPORT
    assert str(out) in caught.value.message
    assert ".partial" not in caught.value.message
    assert caught.value.remedy
    return caught.value


class TestFormat:
    @pytest.mark.parametrize(
        ("out", "asked", "chosen"),
        [
            ("report.csv", None, Format.CSV),
            ("a.b/report.JSON", None, Format.JSON),
            ("report.jsonl", None, Format.JSONL),
            ("-", None, Format.CSV),
            ("-", Format.JSON, Format.JSON),
            ("report.csv", Format.JSONL, Format.JSONL),
            ("report", Format.CSV, Format.CSV),
        ],
    )
    def test_it_is_the_one_asked_for_or_the_name_s(
        self, out: str, asked: Format | None, chosen: Format
    ) -> None:
        assert choose_format(out, asked) is chosen

    @pytest.mark.parametrize("out", ["report", "report.xlsx", "csv", ".csv", "report.csv.gz", "report."])
    def test_a_name_that_says_none_is_refused(self, out: str) -> None:
        with pytest.raises(UsageError) as caught:
            choose_format(out, None)
        assert caught.value.message == f"{out} does not end in .csv, .json, .jsonl, .parquet, .html."
        assert "--format" in caught.value.remedy


class TestContent:
    def test_csv(self, tmp_path: Path) -> None:
        text = report(tmp_path / "r.csv", Format.CSV, PHOTOS)
        assert text.splitlines()[0] == ",".join(COLUMNS)
        expected = [{k: "" if v is None else str(v) for k, v in row.items()} for row in ROWS]
        assert read_csv(text) == expected

    def test_json_lines(self, tmp_path: Path) -> None:
        text = report(tmp_path / "r.jsonl", Format.JSONL, PHOTOS)
        rows = [json.loads(line) for line in text.splitlines()]
        assert rows == ROWS
        assert all(tuple(row) == COLUMNS for row in rows)

    def test_json(self, tmp_path: Path) -> None:
        rows = json.loads(report(tmp_path / "r.json", Format.JSON, PHOTOS))
        assert rows == ROWS
        assert all(tuple(row) == COLUMNS for row in rows)

    def test_no_photo_at_all(self, tmp_path: Path) -> None:
        assert report(tmp_path / "r.csv", Format.CSV, []) == ",".join(COLUMNS) + "\n"
        assert report(tmp_path / "r.jsonl", Format.JSONL, []) == ""
        assert json.loads(report(tmp_path / "r.json", Format.JSON, [])) == []

    def test_numbers_are_numbers(self, tmp_path: Path) -> None:
        first = json.loads(report(tmp_path / "r.json", Format.JSON, PHOTOS))[0]
        assert isinstance(first["face"], int)
        assert all(isinstance(first[name], float) for name in ("x1", "y1", "score", *EXPRESSIONS))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.lists(NAMES, max_size=3))
    def test_any_name_can_be_read_again(self, tmp_path: Path, names: list[str]) -> None:
        photos = [Photo(name) for name in names]
        rows = read_csv(report(tmp_path / "r.csv", Format.CSV, photos))
        assert [row["path"].removeprefix("./") for row in rows] == [n.removeprefix("./") for n in names]
        lines = report(tmp_path / "r.jsonl", Format.JSONL, photos).split("\n")
        assert [json.loads(line)["path"] for line in lines[:-1]] == names
        assert [
            row["path"] for row in json.loads(report(tmp_path / "r.json", Format.JSON, photos))
        ] == names

    @pytest.mark.parametrize(
        "name", ["a\rb.jpg", "\r.jpg", "a\nb.jpg", "a\r\nb.jpg", 'a",b.jpg', " a,.jpg"]
    )
    def test_a_name_that_csv_must_quote(self, tmp_path: Path, name: str) -> None:
        (row,) = read_csv(report(tmp_path / "r.csv", Format.CSV, [Photo(name)]))
        assert row["path"].removeprefix("./") == name

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_no_csv_path_is_a_formula(self, tmp_path: Path, start: str) -> None:
        name = f"{start}1+1.jpg"
        (row,) = read_csv(report(tmp_path / "r.csv", Format.CSV, [Photo(name)]))
        assert row["path"] == f"./{name}"
        (line,) = report(tmp_path / "r.jsonl", Format.JSONL, [Photo(name)]).splitlines()
        assert json.loads(line)["path"] == name

    def test_negative_numbers_stay_numbers(self, tmp_path: Path) -> None:
        face = Face(Box(0, 0, 1, 1), -0.5, None, PROBABILITIES)
        (row,) = read_csv(report(tmp_path / "r.csv", Format.CSV, [Photo("a", (face,), 1, 1)]))
        assert row["score"] == "-0.5"


class TestGrowing:
    @pytest.mark.parametrize("kind", [Format.CSV, Format.JSONL])
    def test_the_rows_of_a_photo_are_there_once_it_is_written(self, tmp_path: Path, kind: Format) -> None:
        out = tmp_path / "report"
        header = 1 if kind is Format.CSV else 0
        with open_report(str(out), kind) as writer:
            writer.write(PHOTOS[0].rows())
            assert out.read_bytes().count(b"\n") == header + 2
            writer.write(PHOTOS[1].rows())
            assert out.read_bytes().count(b"\n") == header + 3
            assert out.read_bytes().endswith(b"\n")

    @pytest.mark.parametrize("kind", [Format.CSV, Format.JSONL])
    def test_what_was_written_stays_after_an_interruption(self, tmp_path: Path, kind: Format) -> None:
        out = tmp_path / "report"
        with pytest.raises(KeyboardInterrupt):
            interrupt(out, kind)
        assert out.read_bytes().count(b"two.jpg") == 2


class TestAppearing:
    def test_the_name_is_taken_at_the_end(self, tmp_path: Path) -> None:
        out = tmp_path / "report.json"
        with open_report(str(out), Format.JSON) as writer:
            writer.write(PHOTOS[0].rows())
            assert not out.exists()
        assert len(json.loads(out.read_text())) == 2
        assert os.listdir(tmp_path) == ["report.json"]  # noqa: PTH208 - names are all that matters

    def test_an_interruption_leaves_what_was_there(self, tmp_path: Path) -> None:
        out = tmp_path / "report.json"
        out.write_text("an older report")
        with pytest.raises(KeyboardInterrupt):
            interrupt(out, Format.JSON)
        assert out.read_text() == "an older report"
        assert os.listdir(tmp_path) == ["report.json"]  # noqa: PTH208 - names are all that matters

    def test_a_link_goes_on_leading_to_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        target, link = tmp_path / "elsewhere" / "report.json", tmp_path / "latest.json"
        link.symlink_to(target)
        for _ in range(2):
            report(link, Format.JSON, PHOTOS)
            assert link.is_symlink()
            assert len(json.loads(target.read_text())) == len(ROWS)

    def test_a_fifo_is_written_to_and_not_replaced(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo.json"
        os.mkfifo(fifo)
        received: list[str] = []
        reader = threading.Thread(target=lambda: received.append(fifo.read_text()))
        reader.start()
        with open_report(str(fifo), Format.JSON) as writer:
            writer.write(PHOTOS[0].rows())
        reader.join()
        assert fifo.is_fifo()
        assert len(json.loads(received[0])) == 2


@pytest.mark.parametrize("kind", list(Format))
class TestFailure:
    def test_a_missing_folder(self, tmp_path: Path, kind: Format) -> None:
        out = tmp_path / "missing" / "report"
        assert failure(out, kind).message == f"{out} cannot be written: No such file or directory."

    def test_a_folder(self, tmp_path: Path, kind: Format) -> None:
        assert failure(tmp_path, kind).message == f"{tmp_path} cannot be written: Is a directory."
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_the_folder_s_place(self, tmp_path: Path, kind: Format) -> None:
        (tmp_path / "file").touch()
        failure(tmp_path / "file" / "report", kind)

    def test_a_name_too_long(self, tmp_path: Path, kind: Format) -> None:
        failure(tmp_path / ("x" * 5000), kind)

    def test_a_link_to_itself(self, tmp_path: Path, kind: Format) -> None:
        (tmp_path / "link").symlink_to("link")
        failure(tmp_path / "link", kind)

    @pytest.mark.skipif(
        not Path("/dev/full").exists(), reason="only Linux has a device that is always full"
    )
    def test_a_full_disk(self, kind: Format) -> None:
        assert failure(Path("/dev/full"), kind).message.endswith(": No space left on device.")
        assert Path("/dev/full").is_char_device()

    def test_a_closed_pipe_is_left_to_the_caller(self, kind: Format) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            write(writing, kind, PHOTOS)
        os.close(writing)


def test_a_descriptor_stays_open(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb", buffering=0) as file:
        with open_report(file.fileno(), Format.JSONL) as writer:
            writer.write(PHOTOS[1].rows())
        file.write(b"more\n")
    assert (tmp_path / "out").read_bytes().endswith(b"}\nmore\n")


_POLLUTER = """
import os
from fercli.reports import claimed_standard_output
print("before")
with claimed_standard_output() as data:
    print("from Python")
    os.write(1, b"past Python\\n")
    os.write(data, b"data\\n")
print("after")
"""


def test_standard_output_is_for_data_alone() -> None:
    done = subprocess.run([sys.executable, "-c", _POLLUTER], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["before", "data", "after"]
    assert set(done.stderr.splitlines()) == {"from Python", "past Python"}
