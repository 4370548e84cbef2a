"""Bad input: a row or a clear message each, never a traceback, a hang or a lost row."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from fercli.errors import PhotoErrorKind
from tests.corpus import Case, build, encoded, gradient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Result, Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[Case]:
    return build(folder)


@pytest.fixture(scope="module")
def done(run: Run, folder: Path, cases: list[Case]) -> Result:
    assert cases
    return run("predict", folder, "--format", "jsonl")


def printed(path: str) -> str:
    r"""What stands in the report for a name: bytes that are not UTF-8 as \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def test_every_bad_file_is_a_row_with_its_kind_and_every_good_one_is_read(
    done: Result, folder: Path, cases: list[Case]
) -> None:
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    got = {
        row["path"].removeprefix(f"{folder}/"): row["error"] and row["error"].partition(": ")[0]
        for row in rows
    }
    assert got == {printed(case.path): case.kind for case in cases}
    assert len(rows) >= len(cases)


def test_rows_are_in_the_order_of_names(done: Result, folder: Path, cases: list[Case]) -> None:
    paths = [json.loads(line)["path"] for line in done.stdout.decode().splitlines()]
    assert list(dict.fromkeys(paths)) == [f"{folder}/{printed(case.path)}" for case in cases]


def test_every_reason_is_a_kind_and_a_sentence(done: Result) -> None:
    for line in done.stdout.decode().splitlines():
        error = json.loads(line)["error"]
        if error is not None:
            kind, _, sentence = error.partition(": ")
            assert kind in set(PhotoErrorKind) - {PhotoErrorKind.INTERNAL}
            assert sentence[0].isupper()
            assert sentence.endswith(".")
            assert "\n" not in sentence


def test_the_end_is_3_and_a_summary(done: Result, cases: list[Case]) -> None:
    bad = sum(case.kind is not None for case in cases)
    assert done.returncode == 3
    summary = done.stderr.splitlines()[-1]
    assert summary.startswith(f"{len(cases)} photos: ")
    assert summary.endswith(f" {bad} that could not be read.")


def test_odd_names_survive_csv(run: Run, folder: Path, cases: list[Case]) -> None:
    good = [case.path for case in cases if case.kind is None and "/" not in case.path]
    listed = b"\0".join(os.fsencode(path) for path in good)
    out = run("predict", "-0", "-", "--detector", "none", stdin=listed, cwd=folder)
    assert out.returncode == 0
    rows = list(csv.DictReader(io.StringIO(out.stdout.decode(), newline=""), strict=True))
    assert [row["path"] for row in rows] == [
        f"./{path}" if path[0] in "=+-@" else printed(path) for path in good
    ]
    for name in ("new\nline.jpg", "comma, quote\" and 'another'.jpg", "./=name.jpg", "./-option.jpg"):
        assert name in {row["path"] for row in rows}


def test_names_like_options_come_after_two_dashes(run: Run, folder: Path, cases: list[Case]) -> None:
    assert "-option.jpg" in {case.path for case in cases}
    done = run("predict", "--format", "json", "--detector", "none", "--", "-option.jpg", cwd=folder)
    assert done.returncode == 0
    assert [row["path"] for row in json.loads(done.stdout)] == ["-option.jpg"]


def test_what_is_named_directly_gets_a_row_whatever_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "picture.without.suffix").write_bytes(encoded(gradient(), "png"))
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.jpg" / "inside.jpg").write_text("This is a text.")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    given = (
        "picture.without.suffix",
        "missing.jpg",
        "x.jpg",
        "fifo",
        "dangling",
        "https://example.org/a.jpg",
    )
    done = run("predict", *given, "--format", "jsonl", cwd=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [(row["path"], row["error"] and row["error"].partition(":")[0]) for row in rows] == [
        ("picture.without.suffix", None),
        ("missing.jpg", "missing"),
        ("x.jpg/inside.jpg", "not-an-image"),
        ("fifo", "not-a-file"),
        ("dangling", "missing"),
        ("https://example.org/a.jpg", "unsupported"),
    ]


def test_every_name_can_be_shown_on_any_terminal(run: Run, tmp_path: Path) -> None:
    name = os.fsdecode("日本 ".encode() + b"\xff.csv")
    (tmp_path / "photo.jpg").touch()
    done = run("predict", "photo.jpg", "-o", name, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii:strict"})
    assert done.returncode == 3
    assert (tmp_path / name).stat().st_size > 0
    failed = run("predict", "photo.jpg", "--model", name, env={"PYTHONIOENCODING": "utf-8:strict"})
    assert failed.returncode == 5


def test_a_larger_picture_than_allowed_is_refused_and_the_limit_is_an_option(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(100, 100), "png"))
    done = run("predict", tmp_path, "--max-pixels", "9999", "--format", "json")
    assert done.returncode == 3
    assert json.loads(done.stdout)[0]["error"].startswith("too-large: It has 100 x 100 pixels")
    assert run("predict", tmp_path, "--max-pixels", "10000").returncode == 0
