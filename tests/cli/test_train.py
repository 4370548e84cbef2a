import csv
import io
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner, Result

from fercli.bundle import load_bundle
from fercli.cli import app
from fercli.records import EXPRESSIONS
from tests.conftest import FERCLI, Run
from tests.training.fer2013 import BAD, ONE_THREAD, RECIPE, write

PHOTO = Path(__file__).parents[2] / "samples" / "photos" / "astronaut-eileen-collins.jpg"


class Inputs(NamedTuple):
    data: str
    recipe: str


def train(*arguments: str) -> Result:
    """Runs the command in this process."""
    return CliRunner().invoke(app, ["train", *arguments])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "tiny.toml").write_text(RECIPE)
    return Inputs(str(write(folder / "fer2013.csv.gz")), str(folder / "tiny.toml"))


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, and what they start inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def epochs(folder: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_from_data_to_a_model_that_reads_a_photo(run: Run, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "tiny"
    done = run(
        "train", inputs.recipe, "--data", inputs.data, "-o", out, "--set", "epochs=2", env=ONE_THREAD
    )
    assert (done.returncode, done.stdout) == (0, b"")
    lines = done.stderr.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["1/2", "2/2"]
    assert all("loss" in line and "accuracy" in line and "pictures/s" in line for line in lines[:2])
    assert "was best on PublicTest" in lines[2]
    assert lines[3:] == [f"The model is in {out / 'model'}."]
    assert {path.name for path in out.iterdir()} == {"checkpoint.pt", "metrics.jsonl", "model"}
    assert epochs(out) == [1, 2]
    assert load_bundle(str(out / "model")).name == "tiny"

    read = run("predict", "--model", out / "model", PHOTO)
    assert read.returncode == 0, read.stderr
    (row,) = csv.DictReader(io.StringIO(read.stdout.decode()))
    assert row["status"] == "ok"
    assert sum(float(row[name]) for name in EXPRESSIONS) == pytest.approx(1, abs=1e-3)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_says_resume_and_resume_finishes(run: Run, inputs: Inputs, tmp_path: Path) -> None:
    command = ["train", inputs.recipe, "--data", inputs.data, "--out", str(tmp_path)]
    process = subprocess.Popen(
        [FERCLI, *command, "--set", "epochs=100000"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | ONE_THREAD,
    )
    assert process.stderr is not None
    # An epoch's line comes before its checkpoint: after the second one, the first is on the disk.
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"add --resume to go on from the last whole epoch in {tmp_path}." in said
    assert "Traceback" not in said
    assert not (tmp_path / "model").exists()
    whole = len(epochs(tmp_path))
    assert whole >= 1

    done = run(*command, "--resume", "--set", f"epochs={whole + 1}", env=ONE_THREAD)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"epoch {whole + 1}/{whole + 1} ")
    assert epochs(tmp_path) == list(range(1, whole + 2))
    assert load_bundle(str(tmp_path / "model")).name == "tiny"


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_named_in_one_sentence(name: str, inputs: Inputs, tmp_path: Path) -> None:
    make, message = BAD[name]
    path = make(tmp_path)
    result = train(inputs.recipe, "--data", str(path), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    said, remedy = result.stderr.splitlines()
    assert said.startswith(f"fercli: {tmp_path}")
    assert message in said
    assert said.endswith(".")
    assert remedy.startswith("Give the challenge's own fer2013.csv")
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


def test_the_program_itself_shows_no_traceback(run: Run, inputs: Inputs, tmp_path: Path) -> None:
    done = run("train", inputs.recipe, "--data", str(BAD["label 7"][0](tmp_path)), "--out", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, b"")
    assert (
        done.stderr.splitlines()[0]
        == f"fercli: {tmp_path / 'bad.csv'}, row 1: the label is '7', not 0 to 6."
    )


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--set", "epoch=2"], 2, "there is no recipe key epoch.\nDid you mean epochs?"),
        (["--set", "epochs=0"], 2, "The recipe's epochs is 0; it must be at least 1."),
        (["--resume"], 2, "holds no checkpoint to resume from.\nLeave out --resume."),
        (["--set", "learning_rate=1e30"], 1, "in epoch 1, step 2; there is no checkpoint yet."),
    ],
)
def test_a_mistake_is_a_message_and_a_remedy(
    arguments: list[str], exit_code: int, message: str, inputs: Inputs, tmp_path: Path
) -> None:
    result = train(inputs.recipe, "--data", inputs.data, "--out", str(tmp_path / "out"), *arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert result.stdout == ""


def test_an_unknown_recipe_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    result = train("artikle", "--data", inputs.data, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert result.stderr.startswith("fercli: There is no recipe artikle.\nChoose one of article")


def test_an_unknown_architecture_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(RECIPE.replace('"article"', '"transformer"'))
    result = train(str(path), "--data", inputs.data, "--out", str(tmp_path / "out"))
    assert result.exit_code == 5
    assert "no architecture 'transformer'" in result.stderr


def test_a_folder_that_cannot_be_made_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = train(inputs.recipe, "--data", inputs.data, "--out", str(tmp_path / "file"))
    assert result.exit_code == 6
    assert (
        result.stderr
        == f"fercli: {tmp_path / 'file'} cannot be made: File exists.\nChoose another --out.\n"
    )


@pytest.mark.parametrize("missing", ["--data", "--out"])
def test_data_and_out_must_be_given(missing: str, inputs: Inputs, tmp_path: Path) -> None:
    given = {"--data": inputs.data, "--out": str(tmp_path / "out")}
    del given[missing]
    result = train(inputs.recipe, *(word for pair in given.items() for word in pair))
    assert result.exit_code == 2
    assert missing in result.stderr
