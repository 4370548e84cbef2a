"""Bad input: a row or a clear message each, never a traceback, a hang or a lost row."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from fercli.errors import PhotoErrorKind
from tests.conftest import FERCLI
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


def test_no_decoder_has_a_word(done: Result) -> None:
    assert not re.search(r"libpng|Corrupt|TIFF_|WARN|ERROR", done.stderr)


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


def test_what_the_shell_has_opened_is_that_of_the_program_itself(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(encoded(gradient(), "png"))
    reading, writing = os.pipe()
    command = [str(FERCLI), "predict", "/dev/stdin", f"/dev/fd/{reading}", "--format", "jsonl", "--quiet"]
    with picture.open("rb") as file:
        done = subprocess.run(
            command, stdin=file, pass_fds=[reading], capture_output=True, check=False, timeout=120
        )
    os.close(reading)
    os.close(writing)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (3, b"")
    assert (first["path"], first["status"], first["error"]) == ("/dev/stdin", "no_face", None)
    assert second["error"].startswith("not-a-file: It is a pipe")


def test_names_like_options_come_after_two_dashes(inside: Run, folder: Path, cases: list[Case]) -> None:
    assert "-option.jpg" in {case.path for case in cases}
    done = inside("predict", "--format", "json", "--detector", "none", "--", "-option.jpg", cwd=folder)
    assert done.returncode == 0
    assert [row["path"] for row in json.loads(done.stdout)] == ["-option.jpg"]


def test_what_is_named_directly_gets_a_row_whatever_it_is(inside: Run, tmp_path: Path) -> None:
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
        "ftp://example.org/a.jpg",
    )
    done = inside("predict", *given, "--format", "jsonl", cwd=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [(row["path"], row["error"] and row["error"].partition(":")[0]) for row in rows] == [
        ("picture.without.suffix", None),
        ("missing.jpg", "missing"),
        ("x.jpg/inside.jpg", "not-an-image"),
        ("fifo", "not-a-file"),
        ("dangling", "missing"),
        ("ftp://example.org/a.jpg", "unsupported"),
    ]


def rows_of(done: Result) -> list[tuple[str, str | None]]:
    """The path and the error's kind of each row."""
    rows = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""), strict=True)
    return [(row["path"], row["error"].partition(":")[0] or None) for row in rows]


def predicted(run: Run, folder: Path, *arguments: str, stdin: bytes = b"") -> Result:
    quick = ("--detector", "none", "--backend", "onnx", "--workers", "1")
    return run("predict", *arguments, *quick, stdin=stdin, cwd=folder)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder as phones, browsers and cameras fill it, and one that is empty."""
    for name in ("a.jpg", "b.JFIF", "c.jpe", "d.dat"):
        (tmp_path / name).write_bytes(encoded(gradient(), "jpg"))
    (tmp_path / "raw.nef").write_bytes(b"MM\0*\0\0\0\x08")
    (tmp_path / "z.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.jpg").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_what_cannot_be_read_for_want_of_an_extra_has_its_row(
    run: Run, album: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    without = tmp_path_factory.mktemp("site-packages")
    (without / "sitecustomize.py").write_text("import sys\nsys.modules['pillow_heif'] = None\n")
    done = run("predict", ".", "--detector", "none", cwd=album, env={"PYTHONPATH": str(without)})
    assert done.returncode == 3
    assert rows_of(done) == [
        ("./a.jpg", None),
        ("./b.JFIF", None),
        ("./c.jpe", None),
        ("./raw.nef", "unsupported"),
        ("./z.heic", "unsupported"),
    ]
    errors = [line.rpartition(",")[2] for line in done.stdout.decode().splitlines()[-2:]]
    assert "Camera RAW is not read; save the picture as JPEG or PNG." in errors[0]
    assert "pip install 'fercli[heic]'." in errors[1]
    left_out, summary = done.stderr.splitlines()
    assert left_out == "Left out in folders: 2 with another suffix (.dat, .txt), 1 hidden."
    assert summary == "5 photos: 3 faces, 0 photos without a face, 2 that could not be read."


def test_what_gives_nothing_is_named_and_the_end_is_3(inside: Run, album: Path) -> None:
    done = predicted(inside, album, "a.jpg", "empty", "*.jpeg", "IMG[1].jpg", "-q")
    assert done.returncode == 3
    assert rows_of(done) == [("a.jpg", None), ("IMG[1].jpg", "missing")]
    assert done.stderr.splitlines() == ["fercli: empty holds no photo.", "fercli: No photo matches *.jpeg."]


def test_a_run_in_which_all_was_read_but_an_argument_gave_nothing_is_3_too(
    inside: Run, album: Path
) -> None:
    done = predicted(inside, album, "./*.jpe", "empty/")
    assert (done.returncode, rows_of(done)) == (3, [("./c.jpe", None)])
    said, summary = done.stderr.splitlines()
    assert said == "fercli: empty/ holds no photo."
    assert summary == "1 photo: 1 face, 0 photos without a face, 0 that could not be read."


def test_patterns_and_include_take_what_they_name(inside: Run, album: Path) -> None:
    for arguments, path in (
        (["*.dat"], "d.dat"),
        ([".", "--include", "*.dat"], "./d.dat"),
        ([f"file://{album}/%64.dat"], f"file://{album}/%64.dat"),
    ):
        done = predicted(inside, album, *arguments)
        assert (done.returncode, rows_of(done)) == (0, [(path, None)])


def test_no_photo_tells_what_was_left_out(inside: Run, album: Path) -> None:
    done = predicted(inside, album, ".", "--include", "*.png", "--exclude", "*.txt")
    assert (done.returncode, done.stdout) == (4, b"")
    said, remedy = done.stderr.splitlines()
    assert said == "fercli: No photo in '.'."
    assert remedy.startswith("Left out in folders: 1 hidden, 1 excluded, 6 not included. Give photos, ")


def test_a_part_without_a_photo_is_not_a_folder_without_one(inside: Run, album: Path) -> None:
    done = predicted(inside, album, "a.jpg", "--shard", "2/3")
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr.splitlines()[0] == "fercli: --shard 2/3 has no photo: there is 1 photo in all."


def test_a_list_from_powershell_is_read(run: Run, album: Path) -> None:
    listed = 'a.jpg\r\n"c.jpe" \r\n\r\n'.encode("utf-16")
    done = predicted(run, album, "-", stdin=listed)
    assert (done.returncode, rows_of(done)) == (0, [("a.jpg", None), ("c.jpe", None)])


@pytest.mark.parametrize(
    ("options", "listed", "said", "remedy"),
    [
        ([], b"./a.jpg\0./c.jpe\0", "The paths on standard input are separated by NUL", "Add -0, "),
        (
            ["-0"],
            b"a.jpg\nc.jpe\n",
            "The paths on standard input are separated by newlines",
            "Leave out -0.",
        ),
        (
            [],
            encoded(gradient(), "png"),
            "Standard input holds a picture or other binary",
            "Give a photo's path",
        ),
    ],
)
def test_what_is_not_such_a_list_is_wrong_usage(
    run: Run, album: Path, options: list[str], listed: bytes, said: str, remedy: str
) -> None:
    done = predicted(run, album, "-", *options, "-o", "report.csv", stdin=listed)
    assert (done.returncode, done.stdout) == (2, b"")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"fercli: {said}")
    assert second.startswith(remedy)
    assert not (album / "report.csv").exists()


def test_every_name_can_be_shown_on_any_terminal(run: Run, tmp_path: Path) -> None:
    name = os.fsdecode("日本 ".encode() + b"\xff.csv")
    (tmp_path / "photo.jpg").touch()
    done = run("predict", "photo.jpg", "-o", name, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii:strict"})
    assert done.returncode == 3
    assert (tmp_path / name).stat().st_size > 0
    failed = run("predict", "photo.jpg", "--model", name, env={"PYTHONIOENCODING": "utf-8:strict"})
    assert failed.returncode == 5


def test_a_larger_picture_than_allowed_is_refused_and_the_limit_is_an_option(
    inside: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(100, 100), "png"))
    done = inside("predict", tmp_path, "--max-pixels", "9999", "--format", "json")
    assert done.returncode == 3
    assert json.loads(done.stdout)[0]["error"].startswith("too-large: It has 100 x 100 pixels")
    assert inside("predict", tmp_path, "--max-pixels", "10000").returncode == 0
