"""No command writes over what it reads, or over a photo, a data set, a model, a run or anything else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from fercli.bundle import MODELS
from fercli.cli.commands import app
from fercli.errors import UsageError
from fercli.fer2013.conversion import convert
from fercli.locking import locked
from fercli.records import COLUMNS, Box, Face, Photo
from fercli.reports import Format, open_report, refuse_place
from fercli.reports.reading import read_report
from fercli.reports.running import open_running
from tests.conftest import Run
from tests.corpus import encoded, gradient
from tests.fer2013.made_up import RECIPE, write

PHOTO = Photo("a.jpg", (Face(Box(1, 2, 3, 4), 0.5, None, (0.1,) * 6 + (0.4,)),), 10, 10)


CASES: dict[str, tuple[str, ...]] = {
    # predict
    "a report onto its photo": ("predict p.jpg -o p.jpg --format csv", "p.jpg", "photo p.jpg"),
    "made at the end, onto its photo": ("predict p.jpg -o p.jpg --format json", "photo p.jpg"),
    "through a link": ("predict p.jpg -o soft.csv", "soft.csv", "photo p.jpg"),
    "through a hard link": ("predict p.jpg -o hard.csv", "hard.csv", "photo p.jpg"),
    "by another spelling": ("predict p.jpg -o ./photos/../p.jpg --format jsonl", "photo p.jpg"),
    "onto an empty photo": ("predict empty.jpg -o empty.jpg --format csv", "photo empty.jpg"),
    "onto a photo of a folder": ("predict photos -o photos/q.png --format csv", "photos/q.png"),
    "onto a picture that is not read": ("predict photos -o p.jpg --format parquet", "p.jpg"),
    "going on with a photo": ("predict p.jpg -o p.jpg --format csv --resume", "photo p.jpg"),
    "onto a model's weights": ("predict p.jpg -o model/model.onnx --format csv", "model/model.onnx"),
    "onto model.json": ("predict p.jpg -o model/model.json", "model/model.json"),
    "onto a data set": ("predict p.jpg -o d.csv", "d.csv"),
    "onto a table of the user's": ("predict p.jpg -o table.csv", "table.csv"),
    "onto JSON of the user's": ("predict p.jpg -o object.json", "object.json"),
    "onto an array of the user's": ("predict p.jpg -o array.json", "array.json"),
    "onto a text": ("predict p.jpg -o notes.txt --format csv", "notes.txt"),
    # report merge
    "a merge into its input": ("report merge r.csv s.csv -o s.csv", "s.csv", "report s.csv"),
    "a merge through a hard link": ("report merge r.csv -o other.csv", "other.csv", "report r.csv"),
    "a merge into a photo": ("report merge r.csv -o p.jpg --format csv", "p.jpg"),
    # explain
    "an explanation onto its photo": ("explain p.png -o p.png", "p.png", "photo p.png"),
    "onto its photo through a link": ("explain p.png -o soft.png", "soft.png", "photo p.png"),
    "onto its photo through a hard link": ("explain p.png -o hard.png", "hard.png", "photo p.png"),
    "onto another picture": ("explain p.jpg -o p.png", "p.png"),
    "under a name that is no .png": ("explain p.png -o x.jpg", "x.jpg does not end in .png"),
    "without a suffix": ("explain p.png -o x", "x does not end in .png"),
    "filters onto the photo": ("explain p.png -o x.png --filters p.png", "photo p.png"),
    "filters onto another picture": ("explain p.jpg -o x.png --filters p.png", "p.png"),
    "filters onto the explanation": ("explain p.png -o x.png --filters ./x.png", "--out x.png"),
    "filters under another name": ("explain p.png -o x.png --filters x.svg", "x.svg"),
    # export
    "an export onto the model's own file": (
        "export model --to onnx -o model/model.onnx",
        "model/model.onnx",
        "model's file",
    ),
    "of 8 bits onto the model's own file": (
        "export model --to onnx-int8 -o model/model.onnx",
        "model/model.onnx",
    ),
    "onto the model's own file, by a link": (
        "export model --to onnx -o soft.onnx",
        "soft.onnx",
        "model/model.onnx",
    ),
    "onto another model's file": (
        "export default --to onnx -o model/model.onnx",
        "model/model.onnx",
        "belongs to the model in",
    ),
    "onto a run's checkpoint": (
        "export default --to torchscript -o run/checkpoint.pt",
        "run/checkpoint.pt",
    ),
    "onto another program's model": ("export default --to keras -o their.keras", "their.keras"),
    "a SavedModel onto the model": ("export model --to savedmodel -o model", "the model model"),
    "onto another program's SavedModel": (
        "export default --to savedmodel -o their",
        "their/saved_model.pb",
    ),
    "onto the data it is calibrated by": (
        "export model --to onnx-int8 --data d.csv -o d.onnx",
        "d.onnx",
        "data set d.csv",
    ),
    # data
    "a data set onto itself": ("data convert d.csv d.csv", "data set d.csv"),
    "by a link": ("data convert d.csv soft-d.csv", "soft-d.csv", "data set d.csv"),
    "a data set onto a model": ("data convert d.csv model", "model"),
    "a data set into itself": (
        "data convert photos photos/happy/new.csv",
        "photos/happy/new.csv",
        "data set photos",
    ),
    "a contact sheet onto the data": (
        "data inspect d.csv --contact-sheet d.png",
        "d.png",
        "data set d.csv",
    ),
    "a contact sheet onto a picture": ("data inspect d.csv --contact-sheet p.png", "p.png"),
    "a contact sheet that is no .png": ("data inspect d.csv --contact-sheet s.jpg", "s.jpg"),
    "a contact sheet into the data": (
        "data inspect photos --contact-sheet photos/s.png",
        "photos/s.png",
        "data set photos",
    ),
    # train
    "a forgotten --resume": ("train tiny.toml --data d.csv -o run", "run holds a run already", "--resume"),
    "a forgotten --resume, by a link": ("train tiny.toml --data d.csv -o soft", "soft holds a run"),
    "a forgotten --resume of the article's experiments": (
        "ablation --data d.csv -o many",
        "many holds a run already",
        "--resume",
    ),
    "into a model's folder": ("train tiny.toml --data d.csv -o model", "model holds other things"),
    "into a folder of other things": (
        "train tiny.toml --data d.csv -o photos",
        "photos holds other things: happy and more",
    ),
    "into the data set": ("train tiny.toml --data photos -o photos/run", "photos/run", "data set photos"),
    "going on beside what is no model": (
        "train tiny.toml --data d.csv -o begun --resume",
        "begun/model exists and is not a model",
    ),
    # evaluate
    "an evaluation onto JSON of the user's": ("evaluate model --data d.csv -o json", "json/private.json"),
    "charts onto a picture": ("evaluate model --data d.csv -o charts", "charts/private.curves.png"),
}
"""What must not be written, each with what its refusal names."""

CASES |= {
    f"a URL: {command}": (f"{command} s3://bucket/there{suffix}", f"s3://bucket/there{suffix}", "is a URL")
    for command, suffix in {
        "predict p.jpg -o x.csv --annotate": "",
        "predict p.jpg -o x.csv --crops": "",
        "explain p.png -o": ".png",
        "explain p.png -o x.png --filters": ".png",
        "export model --to onnx -o": ".onnx",
        "export model --to savedmodel -o": "",
        "data convert d.csv": "",
        "data inspect d.csv --contact-sheet": ".png",
        "data crop photos --labels d.csv -o": "",
        "train tiny.toml --data d.csv -o": "",
        "ablation --data d.csv -o": "",
        "evaluate model --data d.csv -o": "",
    }.items()
} | {
    "a report of a store that is read": ("report merge s3://bucket/r.csv -o x.csv", "not on this computer"),
}
"""URLs where a file or folder of this computer is meant."""

TEXTS = {
    "empty.jpg": "",
    "table.csv": "name,face\na,1\n",
    "object.json": '{"a": 1}',
    "array.json": "[1, 2]",
    "notes.txt": "path to nowhere",
    "their.keras": "PK",
    "their/saved_model.pb": "layers",
    "run/checkpoint.pt": "PK archive/data.pkl",
    "many/01/checkpoint.pt": "PK archive/data.pkl",
    "begun/checkpoint.pt": "PK archive/data.pkl",
    "begun/model/thesis.txt": "mine",
    "json/private.json": "{}",
    "charts/private.curves.png": "mine",
}
SOFT_LINKS = {
    "soft.csv": "p.jpg", "soft.png": "p.png", "soft.onnx": "model/model.onnx", "soft": "run",
    "soft-d.csv": "d.csv", "d.onnx": "d.csv", "d.png": "d.csv",
}  # fmt: skip
HARD_LINKS = {"hard.csv": "p.jpg", "hard.png": "p.png", "other.csv": "r.csv"}


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo in two formats, a folder of photos, a data set, a model, a run, two reports."""
    folder = tmp_path_factory.mktemp("things")
    (folder / "p.png").write_bytes(encoded(gradient(), "png"))
    (folder / "p.jpg").write_bytes(encoded(gradient(), "jpg"))
    (folder / "photos" / "happy").mkdir(parents=True)
    shutil.copy(folder / "p.png", folder / "photos" / "q.png")
    write(folder / "d.csv")
    (folder / "tiny.toml").write_text(RECIPE)
    shutil.copytree(MODELS / "article", folder / "model")
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in ("r.csv", "s.csv"):
        with open_report(str(folder / name), Format.CSV) as writer:
            writer.write(PHOTO.rows())
    return folder


@pytest.fixture
def here(things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, with links, as the folder that commands run in."""
    shutil.copytree(things, tmp_path, dirs_exist_ok=True)
    for name, target in SOFT_LINKS.items():
        (tmp_path / name).symlink_to(target)
    for name, target in HARD_LINKS.items():
        os.link(tmp_path / target, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def fercli(command: str) -> Result:
    """Runs a command in this process."""
    return CliRunner().invoke(app, command.split())


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_its_own_is_refused_and_named(name: str, here: Path) -> None:
    command, *named = CASES[name]
    before = contents(here)
    result = fercli(command)
    assert result.exit_code == 2, result.output
    said, remedy = result.stderr.splitlines()
    assert said.startswith("fercli: ")
    for word in named:
        assert word in result.stderr
    assert remedy.endswith(".")
    assert result.stdout == ""
    assert contents(here) == before


@pytest.mark.parametrize("nowhere", ["loop/in", "x" * 300])
@pytest.mark.parametrize(
    "command",
    [
        "predict p.jpg -o @.csv",
        "predict p.jpg -o @/",
        "predict p.jpg -o x.csv --annotate @",
        "predict p.jpg -o x.csv --crops @",
        "explain p.png -o @.png",
        "export model --to onnx -o @.onnx",
        "data convert d.csv @",
        "data inspect d.csv --contact-sheet @.png",
        "data crop photos -o @",
        "train tiny.toml --data d.csv -o @",
        "evaluate model --data d.csv -o @",
        "report r.csv -o @.html",
        "report merge r.csv -o @.json",
    ],
)
def test_a_place_that_cannot_be_looked_at_is_no_place_to_write_to(
    command: str, nowhere: str, here: Path
) -> None:
    """As in a folder that only its owner may look into; root may look into all of them."""
    (here / "loop").symlink_to("loop")
    before = contents(here)
    result = fercli(command.replace("@", nowhere))
    assert result.exit_code == 6, result.output
    said, remedy = result.stderr.splitlines()
    assert said.startswith("fercli: ")
    assert nowhere in said
    assert "cannot be written: " in said
    assert "FERCLI_DEBUG" not in remedy
    assert contents(here) == before


@pytest.mark.parametrize("nowhere", ["loop/in", "x" * 300])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("report @.csv", 2),
        ("report merge @.json", 2),
        ("train @.toml --data d.csv -o x", 2),
        ("models show @", 5),
        ("data crop @ -o x", 2),
        ("data crop photos --labels @.csv -o x", 2),
    ],
)
def test_a_place_that_cannot_be_looked_at_cannot_be_read(
    command: str, code: int, nowhere: str, here: Path
) -> None:
    (here / "loop").symlink_to("loop")
    result = fercli(command.replace("@", nowhere))
    assert result.exit_code == code, result.output
    assert nowhere in result.stderr
    for word in ("FERCLI_DEBUG", "Errno"):
        assert word not in result.stderr


@contextmanager
def redirected(number: int, path: Path, mode: str) -> Iterator[None]:
    """As the shell does it."""
    kept = os.dup(number)
    with path.open(mode) as file:
        os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def test_the_list_on_standard_input_is_not_written_over(here: Path) -> None:
    (here / "list.csv").touch()  # another program has yet to fill it
    with redirected(0, here / "list.csv", "rb"):
        result = fercli("predict - -o list.csv")
    assert result.exit_code == 2
    assert "list.csv would be written over the list on standard input." in result.stderr


@pytest.mark.parametrize("out", ["-", "/dev/stdout", "/dev/fd/1", "out.csv"])
def test_a_photo_that_standard_output_leads_to_is_not_written_to(out: str, here: Path) -> None:
    (here / "out.csv").symlink_to("/dev/stdout")
    before = contents(here)
    with redirected(1, here / "p.jpg", "ab"):
        result = fercli(f"predict p.jpg -o {out}")
    assert result.exit_code == 2
    assert "would be written over the photo p.jpg." in result.stderr
    assert contents(here) == before


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_a_log_that_is_appended_to_keeps_what_it_had(kind: str, here: Path) -> None:
    (here / "log").write_bytes(b"before\n")
    with redirected(1, here / "log", "ab"):
        result = fercli(f"report merge r.csv s.csv -o /dev/stdout --format {kind} -q")
    assert (result.exit_code, result.stderr) == (0, "")
    kept = (here / "log").read_bytes()
    assert kept.startswith(b"before\n")
    (here / f"rest.{kind}").write_bytes(kept.removeprefix(b"before\n"))
    assert len(list(read_report(f"rest.{kind}"))) == 1  # both have the same photo


def test_a_descriptor_s_report_is_a_csv_as_that_on_standard_output(here: Path) -> None:
    (here / "log").write_bytes(b"before\n")
    with redirected(1, here / "log", "ab"):
        assert fercli("predict p.jpg --detector none -q -o /dev/stdout").exit_code == 0
    before, header, row = (here / "log").read_text().splitlines()
    assert (before, header) == ("before", ",".join(COLUMNS))
    assert row.startswith("p.jpg,0,ok,")


@pytest.mark.parametrize("out", ["-", "/dev/stdout"])
def test_an_explanation_goes_to_standard_output(out: str, here: Path) -> None:
    with redirected(1, here / "page", "wb"):
        result = fercli(f"explain p.jpg --detector none --model article -o {out}")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    page = cv2.imread(str(here / "page"))
    assert page is not None
    assert min(page.shape[:2]) > 500


def written(path: Path, kind: Format, *inputs: tuple[str, str]) -> list[object]:
    """Writes a report of one photo where nothing refuses it; gives the photos that the file then has."""
    refuse_place(str(path), inputs)
    with open_report(str(path), kind) as writer:
        writer.write(PHOTO.rows())
    return [row["path"] for rows in read_report(str(path), kind) for row in rows]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"p", ",".join(COLUMNS).encode(), b'{"pa', b'[\n{"path"', b"[]\n", b"[\n", b'{"path": "a", "f',
        b'\xef\xbb\xbfpath,face,status\n', b'"path";"face";"status"\n', b'[\n  {\n    "path": "a.jpg"',
    ],
)  # fmt: skip
def test_a_report_whatever_became_of_it_is_replaced(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    assert written(tmp_path / "r.csv", Format.CSV) == ["a.jpg"]


@pytest.mark.parametrize("kind", list(Format))
@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.parquet"])
def test_a_report_is_replaced_by_one_of_any_format(kind: Format, name: str, tmp_path: Path) -> None:
    for each in (kind, Format.CSV):
        assert written(tmp_path / name, each) == ["a.jpg"]


@pytest.mark.usefixtures("here")
def test_a_report_may_lie_among_the_photos_and_be_written_again() -> None:
    for _ in range(2):
        assert written(Path("photos/report.csv"), Format.CSV, ("photo", "photos")) == ["a.jpg"]


@pytest.mark.parametrize("content", ["my notes", '{"path_": 1}\n', "path\na.jpg\n"])
def test_a_file_of_the_user_s_with_the_journal_s_name_survives(content: str, tmp_path: Path) -> None:
    own = tmp_path / "r.json.unfinished"
    own.write_text(content)
    with pytest.raises(UsageError, match=r"r\.json\.unfinished exists and is not a report of fercli"):  # noqa: SIM117
        with open_running(str(tmp_path / "r.json"), Format.JSON, None):
            pass
    assert own.read_text() == content


@pytest.mark.usefixtures("here")
def test_a_run_and_a_merge_do_not_write_one_report_at_once() -> None:
    with locked("all.csv"):
        result = fercli("report merge r.csv s.csv -o all.csv")
    assert result.exit_code == 6
    assert result.stderr.startswith("fercli: all.csv is being written by another run.\n")
    assert fercli("report merge r.csv s.csv -o all.csv").exit_code == 0
    assert len(list(read_report("all.csv"))) == 1  # both have the same photo


def test_two_runs_do_not_train_in_one_folder(here: Path) -> None:
    (here / "new").mkdir()
    with locked("new"):
        result = fercli("train tiny.toml --data d.csv -o new")
        assert result.exit_code == 6
        assert result.stderr.startswith("fercli: new is being written by another run.\n")


def test_a_folder_of_a_run_that_came_to_nothing_is_begun_in_anew(here: Path) -> None:
    """With what such a run leaves, a log that the shell has just opened, the recipe and the data."""
    (here / "new" / "tensorboard").mkdir(parents=True)
    (here / "new" / "tensorboard" / "events").write_text("x")
    (here / "new" / ".gitignore").write_text("*")
    for name in ("metrics.jsonl", "log.txt"):
        (here / "new" / name).touch()
    shutil.move("tiny.toml", "new")
    shutil.move("d.csv", "new")
    result = fercli("train new/tiny.toml --data new/d.csv -o new --set epochs=0")
    assert "The recipe's epochs is 0" in result.stderr  # and nothing of the folder


@pytest.mark.parametrize("options", ["--resume", "--set batch_size=0"])
def test_a_run_that_is_not_begun_leaves_no_folder(options: str, here: Path) -> None:
    assert fercli(f"train tiny.toml --data d.csv -o new/run {options}").exit_code == 2
    assert not (here / "new" / "run").exists()


def test_a_data_set_that_appears_while_another_is_converted_stays(here: Path) -> None:
    def appear(_: str) -> None:
        (here / "new.csv").write_text("mine")

    with pytest.raises(UsageError, match=r"new\.csv exists already"):
        convert(here / "d.csv", here / "new.csv", appear)
    assert (here / "new.csv").read_text() == "mine"


@pytest.mark.usefixtures("here")
def test_a_drawing_of_fercli_is_drawn_again() -> None:
    for _ in range(2):
        assert fercli("data inspect d.csv --contact-sheet s.png --format json").exit_code == 0
    assert json.loads(fercli("data inspect d.csv --contact-sheet s.png --format json").stdout)
    assert b"Software\0fercli " in Path("s.png").read_bytes()[:200]


def test_a_report_that_is_protected_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(), "png"))
    assert run("predict", "a.png", "-q", "-o", "report.csv", cwd=tmp_path).returncode == 0
    (tmp_path / "report.csv").chmod(0o444)
    before = sorted(tmp_path.iterdir())
    for command in (["predict", "a.png"], ["report", "merge", "report.jsonl"]):
        done = run(*command, "-o", "report.csv", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (6, b"")
        assert done.stderr.startswith("fercli: report.csv cannot be written: Permission denied.\n")
    assert sorted(tmp_path.iterdir()) == before
