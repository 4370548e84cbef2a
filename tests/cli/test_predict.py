from __future__ import annotations

import csv
import io
import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import onnxruntime
import pytest

from fercli.bundle import DEFAULT_MODEL, ENSEMBLES, MODELS, ONNX
from fercli.records import COLUMNS, EXPRESSIONS
from tests.tolerances import PRINTED_PROBABILITY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run

FORMATS = ("csv", "json", "jsonl")
NUMBERS = ("x1", "y1", "x2", "y2", "score", "confidence", *EXPRESSIONS)
Rows = list[dict[str, Any]]


class Report(NamedTuple):
    """One format's report of the same photos."""

    returncode: int
    stderr: str
    rows: Rows


def read(text: str, kind: str) -> Rows:
    """A report's rows, of a CSV's cells what the columns promise them to be."""
    if kind == "json":
        rows: Rows = json.loads(text)
        return rows
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    cells = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return [{name: typed(name, cell) for name, cell in row.items()} for row in cells]


def typed(name: str, cell: str) -> str | float | None:
    if cell == "":
        return None
    if name == "face":
        return int(cell)
    return float(cell) if name in NUMBERS else cell


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """Photos of several faces, one and none, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "inside").mkdir()
    shutil.copy(samples / "group.jpg", folder / "inside" / "group.jpg")
    shutil.copy(samples / "vice-president-biden.jpg", folder / "b.jpg")
    shutil.copy(samples / "cat-chelsea-no-face.jpg", folder / "cat.jpg")
    (folder / "empty.jpg").touch()
    return folder


@pytest.fixture(scope="module")
def reports(run: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """By format; each made with other settings that must not matter."""
    place = tmp_path_factory.mktemp("reports")
    settings = {"csv": ("1", "1"), "json": ("3", "64"), "jsonl": ("2", "3")}
    made = {}
    for kind, (workers, batch_size) in settings.items():
        out = place / f"report.{kind}"
        done = run("predict", folder, "-o", out, "--workers", workers, "--batch-size", batch_size)
        assert done.stdout == b""
        made[kind] = Report(done.returncode, done.stderr, read(out.read_bytes().decode(), kind))
    return made


class TestReport:
    def test_every_format_has_the_same_columns_in_order(self, reports: dict[str, Report]) -> None:
        for report in reports.values():
            assert all(tuple(row) == COLUMNS for row in report.rows)

    def test_every_format_has_the_same_values(self, reports: dict[str, Report]) -> None:
        for report in reports.values():
            for row, other in zip(report.rows, reports["csv"].rows, strict=True):
                for name in COLUMNS:
                    if name in NUMBERS and row[name] is not None:
                        assert row[name] == pytest.approx(other[name], abs=PRINTED_PROBABILITY), name
                    else:
                        assert row[name] == other[name], name

    def test_rows_are_in_the_order_of_names_and_paths_as_they_were_given(
        self, reports: dict[str, Report], folder: Path
    ) -> None:
        rows = reports["json"].rows
        names = [row["path"].removeprefix(f"{folder}/") for row in rows]
        assert list(dict.fromkeys(names)) == ["b.jpg", "cat.jpg", "empty.jpg", "inside/group.jpg"]
        assert [row["status"] for row in rows[:3]] == ["ok", "no_face", "error"]
        assert {row["status"] for row in rows[3:]} == {"ok"}

    def test_faces_count_from_zero_the_largest_first(self, reports: dict[str, Report]) -> None:
        group = reports["json"].rows[3:]
        assert len(group) > 1
        assert [row["face"] for row in group] == list(range(len(group)))
        areas = [(row["x2"] - row["x1"]) * (row["y2"] - row["y1"]) for row in group]
        assert areas == sorted(areas, reverse=True)

    def test_a_face_has_every_value_and_they_agree(self, reports: dict[str, Report]) -> None:
        faces = [row for row in reports["jsonl"].rows if row["status"] == "ok"]
        for row in faces:
            probabilities = {name: row[name] for name in EXPRESSIONS}
            assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-3)
            assert row["confidence"] == max(probabilities.values()) == probabilities[row["expression"]]
            assert 0 <= row["x1"] < row["x2"]
            assert 0 <= row["y1"] < row["y2"]
            assert 0.9 <= row["score"] <= 1.0
            assert row["error"] is None

    def test_a_photo_without_a_face_and_one_that_failed_have_no_values(
        self, reports: dict[str, Report]
    ) -> None:
        none, failed = reports["jsonl"].rows[1:3]
        for row in (none, failed):
            assert all(row[name] is None for name in (*NUMBERS, "face", "expression"))
        assert none["error"] is None
        assert failed["error"] == "empty: The file is empty."

    def test_the_end_is_3_and_a_summary(self, reports: dict[str, Report]) -> None:
        faces = sum(row["status"] == "ok" for row in reports["csv"].rows)
        for report in reports.values():
            assert report.returncode == 3
            assert report.stderr.startswith(
                f"4 photos: {faces} faces, 1 photo without a face, 1 that could not be read; "
            )


class TestOptions:
    def test_a_format_asked_for_goes_before_the_name(
        self, inside: Run, folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "report.csv"
        assert inside("predict", folder / "cat.jpg", "-o", out, "--format", "jsonl").returncode == 0
        assert read(out.read_text(), "jsonl")[0]["status"] == "no_face"

    def test_the_whole_picture_is_a_face_without_a_detector(self, inside: Run, folder: Path) -> None:
        done = inside("predict", folder / "cat.jpg", "--detector", "none", "--format", "json")
        (row,) = read(done.stdout.decode(), "json")
        assert (row["x1"], row["y1"], row["score"], row["status"]) == (0.0, 0.0, 1.0, "ok")
        assert row["x2"] > 100

    def test_quiet_says_nothing_but_errors(self, run: Run, folder: Path) -> None:
        done = run("predict", folder / "cat.jpg", folder / "empty.jpg", "-q")
        assert (done.returncode, done.stderr) == (3, "")
        assert len(done.stdout.splitlines()) == 3
        failed = run("predict", folder / "cat.jpg", "-q", "--backend", "nothing")
        assert failed.returncode == 5
        assert failed.stderr.startswith("fercli: There is no backend nothing.\n")

    def test_verbose_says_what_runs_and_where(self, inside: Run, folder: Path) -> None:
        options = ("-v", "--backend", "onnx", "--workers", "2", "--min-face", "50")
        done = inside("predict", folder / "cat.jpg", folder / "cat.jpg", *options)
        said = done.stderr.splitlines()
        assert said[0].startswith(f"model: name {DEFAULT_MODEL}, folder ")
        assert f"version {onnxruntime.__version__}" in said[1]
        assert "device " in said[1]
        assert said[2].startswith("detector: detector mtcnn, ")
        assert "min_face 50" in said[2]
        assert said[3] == "workers: 2"
        assert len(done.stdout.splitlines()) == 3

    def test_strict_stops_at_the_first_photo_that_cannot_be_read(
        self, inside: Run, folder: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "report.json"
        cat, empty = folder / "cat.jpg", folder / "empty.jpg"
        done = inside("predict", cat, empty, cat, "--strict", "-o", out)
        assert done.returncode == 3
        assert done.stderr.startswith(f"fercli: {empty}: empty: The file is empty. (stopped by --strict)\n")
        assert [row["status"] for row in read(out.read_text(), "json")] == ["no_face", "error"]

    def test_include_and_exclude_choose_within_folders(self, inside: Run, folder: Path) -> None:
        options = ("--include", "c*", "--include", "e*", "--exclude", "empty*", "--no-recursive")
        done = inside("predict", folder, *options)
        assert [row["path"] for row in read(done.stdout.decode(), "csv")] == [f"{folder}/cat.jpg"]

    def test_a_model_may_be_a_folder(self, inside: Run, folder: Path, tmp_path: Path) -> None:
        model = shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "model")
        own = inside("predict", folder / "cat.jpg", "--detector", "none", "--model", model)
        shipped = inside("predict", folder / "cat.jpg", "--detector", "none")
        assert own.returncode == 0
        assert own.stdout == shipped.stdout

    def test_an_ensemble_is_the_mean_of_its_members(self, inside: Run, folder: Path) -> None:
        photo = (folder / "cat.jpg", "--detector", "none")
        members = [option for member in ENSEMBLES["large"] for option in ("--model", member)]
        assert (
            inside("predict", *photo, "--model", "large").stdout
            == inside("predict", *photo, *members).stdout
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "No photos are named."),
        (["a.jpg", "--nonsense"], "nonsense"),
        (["a.jpg", "-o", "report.xlsx"], "report.xlsx does not end in .csv, .json, .jsonl,"),
        (["a.jpg", "--format", "xlsx"], "xlsx"),
        (["a.jpg", "--min-score", "2"], "--min-score"),
        (["a.jpg", "--batch-size", "0"], "--batch-size"),
        (["a.jpg", "--batch-size", "4097"], "--batch-size"),
    ],
)
def test_wrong_usage_is_2(inside: Run, tmp_path: Path, options: list[str], said: str) -> None:
    done = inside("predict", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_photo_is_4_and_makes_no_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    for arguments in (["empty", "empty/*.jpg", "nowhere/**/*.png"], ["-"]):
        done = run("predict", *arguments, "-o", "report.csv", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (4, b"")
        said, remedy = done.stderr.splitlines()
        assert said == f"fercli: No photo in {', '.join(arguments)}."
        assert remedy.endswith(("such as 'photos/**/*.jpg'.", "such as 'photos/*.dat'."))
    assert not (tmp_path / "report.csv").exists()


@pytest.mark.parametrize(
    ("options", "said", "remedy"),
    [
        (["--backend", "onxn"], "There is no backend onxn.", "Did you mean onnx?"),
        (["--detector", "mtccn"], "There is no detector mtccn.", "Did you mean mtcnn?"),
        (["--model", "articel"], "There is no model articel.", "Did you mean article?"),
        (["--device", "gpu"], "There is no device gpu.", "Choose auto, cpu, cuda or cuda:N."),
    ],
)
def test_what_is_not_there_is_5_with_a_remedy(
    inside: Run, samples: Path, options: list[str], said: str, remedy: str
) -> None:
    done = inside("predict", samples, *options)
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.startswith(f"fercli: {said}\n{remedy}")


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this ONNX Runtime has CUDA"
)
def test_cuda_that_is_not_there_is_5_and_no_silent_cpu(inside: Run, samples: Path) -> None:
    done = inside("predict", samples, "--device", "cuda")
    assert (done.returncode, done.stdout) == (5, b"")
    assert "fercli[gpu]" in done.stderr


def test_a_model_that_is_not_whole_is_5(inside: Run, samples: Path, tmp_path: Path) -> None:
    model = shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "model")
    (model / ONNX).write_bytes((model / ONNX).read_bytes() + b"more")
    changed = inside("predict", samples, "--model", model)
    (model / ONNX).unlink()
    missing = inside("predict", samples, "--model", model)
    for done in (changed, missing):
        assert (done.returncode, done.stdout) == (5, b"")
        assert str(model / ONNX) in done.stderr
        assert done.stderr.endswith("make it again.\n")


def test_a_report_that_cannot_be_written_is_6(inside: Run, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for out in ("missing/report.json", "folder.csv", "/dev/full"):
        done = inside(
            "predict", samples / "cat-chelsea-no-face.jpg", "--format", "jsonl", "-o", out, cwd=tmp_path
        )
        assert (done.returncode, done.stdout) == (6, b"")
        assert done.stderr.startswith(f"fercli: {out} cannot be written: ")
        assert "--out" in done.stderr
