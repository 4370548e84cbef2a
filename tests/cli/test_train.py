import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner, Result

from fercli.bundle import load_bundle
from fercli.cli.commands import app
from fercli.records import EXPRESSIONS
from tests.conftest import FERCLI, Run
from tests.fer2013.made_up import BAD, ONE_THREAD, RECIPE, one_thread, write

PHOTO = Path(__file__).parents[2] / "samples" / "photos" / "astronaut-eileen-collins.jpg"


class Inputs(NamedTuple):
    data: str
    recipe: str


def train(*arguments: str) -> Result:
    """Runs the command in this process."""
    return CliRunner().invoke(app, ["train", *arguments])


def train_on(run: Run, devices: int, *arguments: str) -> str:
    """Trains on some devices, in this process if there is one; what was said."""
    if devices == 1:
        result = train(*arguments, "--devices", "1")
        assert result.exit_code == 0, result.stderr
        return result.stderr
    done = run("train", *arguments, "--devices", str(devices), env=ONE_THREAD)
    assert done.returncode == 0, done.stderr
    return done.stderr


def ablation(*arguments: str) -> Result:
    """Runs the command in this process."""
    return CliRunner().invoke(app, ["ablation", *arguments])


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "tiny.toml").write_text(RECIPE)
    return Inputs(str(write(folder / "fer2013.csv.gz")), str(folder / "tiny.toml"))


def epochs(folder: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_from_data_to_a_model_that_reads_a_photo(run: Run, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "tiny"
    done = run(
        "train", inputs.recipe, "--data", inputs.data, "-o", out, "--set", "epochs=2", env=ONE_THREAD
    )
    assert (done.returncode, done.stdout) == (0, b"")
    told, *lines = done.stderr.splitlines()
    assert told.startswith("tiny: Computes in float32 on the CPU, not compiled (compiling is not known ")
    assert [line.split()[:3] for line in lines[:2]] == [
        ["tiny:", "epoch", "1/2"],
        ["tiny:", "epoch", "2/2"],
    ]
    assert all("loss" in line and "accuracy" in line and "pictures/s" in line for line in lines[:2])
    assert re.fullmatch(r"best epoch \([12]\): 0\.\d{4} on PublicTest\.", lines[2])
    assert lines[3:] == [f"The model is in {out / 'model'}."]
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.pt", "metrics.jsonl", "model", "snapshots", "tensorboard"
    }  # fmt: skip
    assert epochs(out) == [1, 2]
    assert load_bundle(str(out / "model")).name == "tiny"

    read = run("predict", "--model", out / "model", PHOTO)
    assert read.returncode == 0, read.stderr
    (row,) = csv.DictReader(io.StringIO(read.stdout.decode()))
    assert row["status"] == "ok"
    assert sum(float(row[name]) for name in EXPRESSIONS) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_says_resume_and_resume_finishes(
    inputs: Inputs, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    command = [inputs.recipe, "--data", inputs.data, "--out", str(tmp_path)]
    process = subprocess.Popen(
        [FERCLI, "train", *command, "--set", "epochs=100000"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | ONE_THREAD,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("tiny: epoch 2/"):
            break
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code
    assert f"add --resume to continue the run in {tmp_path}." in said
    assert "Traceback" not in said
    assert not (tmp_path / "model").exists()
    whole = len(epochs(tmp_path))
    assert whole >= 1

    done = train(*command, "--resume", "--set", f"epochs={whole + 1}")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines()[1].startswith(f"tiny: epoch {whole + 1}/{whole + 1} ")
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
    data = str(BAD["label 7"][0](tmp_path))
    done = run("train", inputs.recipe, "--data", data, "--out", tmp_path / "out")
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
    said = [line for line in result.stderr.splitlines() if not line.startswith("tiny: Computes in ")]
    assert len(said) <= 2
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--set", "votes=0.5"],
            "mixes FER+ votes into the labels, and there are none.\nGive them with --ferplus",
        ),
        (["--set", "teacher=0.5"], "wants teachers, and there are none.\nGive models with --teacher"),
        (["--teacher", "default"], "makes no use of --teacher.\nSay how much with --set teacher=0.5"),
        (["--ferplus", "votes.csv"], "makes no use of --ferplus.\nSay how much with --set votes=0.5"),
    ],
)
def test_what_a_recipe_wants_and_what_it_gets_must_fit(
    arguments: list[str], message: str, inputs: Inputs, tmp_path: Path
) -> None:
    result = train(inputs.recipe, "--data", inputs.data, "--out", str(tmp_path / "out"), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_teacher_changes_what_is_learned(inputs: Inputs, tmp_path: Path) -> None:
    for name, arguments in {
        "alone": [],
        "taught": ["--teacher", "default", "--set", "teacher=0.5", "--set", "teacher_temperature=2"],
    }.items():
        result = train(
            inputs.recipe,
            "--data",
            inputs.data,
            "--out",
            str(tmp_path / name),
            "--set",
            "epochs=1",
            *arguments,
        )
        assert result.exit_code == 0, result.stderr
    losses = [
        json.loads((tmp_path / name / "metrics.jsonl").read_text())["loss"] for name in ("alone", "taught")
    ]
    assert losses[0] != losses[1]
    assert "make 50%" in (tmp_path / "taught" / "model" / "MODEL_CARD.md").read_text("utf-8")


def test_a_run_starts_from_a_model_and_goes_on_as_it_began(inputs: Inputs, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    common = [inputs.recipe, "--data", inputs.data, "--set", "learning_rate=0.001", "--out"]
    assert train(*common, str(first), "--set", "epochs=1").exit_code == 0
    frozen = ("--set", "frozen_statistics=true")
    for epochs, start in (("1", ("--init", str(first))), ("2", ("--resume",))):  # which knows the start
        result = train(*common, str(second), "--set", f"epochs={epochs}", *frozen, *start)
        assert result.exit_code == 0, result.stderr
        origin = load_bundle(str(second)).description["provenance"]["origin"]
        assert origin == {"model": "tiny", "sha256": load_bundle(str(first)).sha256}

    made = shutil.copytree(second / "model", tmp_path / "made")
    other = train(*common, str(second), "--resume", "--init", str(made))
    assert other.exit_code == 2
    assert f"The run in {second} began from tiny (sha256 {origin['sha256']}), not from tiny" in other.stderr
    assert other.stderr.splitlines()[-1] == "Leave out --init, or choose another --out."


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--init", "default"],
            2,
            "its network is 'residual', the recipe's 'article'.\nStart from a model of",
        ),
        (["--init", "defualt"], 5, "There is no model defualt.\nThe models that ship are"),
        (
            ["--init", "article"],
            2,
            "its convolutions is [64, 64, 128], the recipe's [6, 8]; its dense is [512, 512], the",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_the_data_are_read(
    arguments: list[str], code: int, message: str, inputs: Inputs, tmp_path: Path
) -> None:
    result = train(inputs.recipe, "--data", "gone.csv", "--out", str(tmp_path / "out"), *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_ensemble_that_is_better_is_kept_beside(inputs: Inputs, tmp_path: Path) -> None:
    """Snapshots of a rate that is far too high: no single one of them is as good as their mean."""
    result = train(
        inputs.recipe, "--data", inputs.data, "--out", str(tmp_path), "--set", "snapshots=3",
        "--set", "epochs=6", "--set", "average_decay=0", "--set", "learning_rate_floor=0.02",
        "--set", "seed=6",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    names = [line.split(" (")[0] for line in result.stderr.splitlines() if "on PublicTest." in line]
    assert sorted(names) == ["best epoch", "mean of the predictions", "mean of the weights"]
    kept = sorted(path.name for path in (tmp_path / "ensemble").glob("*"))
    if names[0] == "mean of the predictions":
        assert kept == ["4", "5", "6"]
        assert f"fercli predict --model {tmp_path / 'ensemble' / '4'} --model" in result.stderr
    else:
        assert kept == []
        assert f"The model is in {tmp_path / 'model'}." in result.stderr


def test_two_processes_make_the_steps_of_one_with_twice_the_batch(
    run: Run, inputs: Inputs, tmp_path: Path
) -> None:
    """Without what differs by its nature: normalisation over a batch, and what is random in a picture."""
    losses = []
    for devices, batch in ((1, 14), (2, 7)):
        out = tmp_path / str(devices)
        plain = [
            f"{name}=0" for name in ("architecture.dropout", "rotation", "shift", "scale", "average_decay")
        ]
        changes = [
            *plain, "architecture.normalisation=none", "architecture.dense_normalisation=none", "epochs=3",
            "class_weights={}", f"batch_size={batch}",
        ]  # fmt: skip
        said = train_on(
            run, devices, inputs.recipe, "--data", inputs.data, "--out", str(out),
            *(part for change in changes for part in ("--set", change)),
        )  # fmt: skip
        assert (out / "model" / "model.json").is_file()
        assert said.count("epoch 3/3") == 1
        losses.append(
            [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]
        )
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_each_process_varies_its_pictures_in_a_way_of_its_own(
    run: Run, inputs: Inputs, tmp_path: Path
) -> None:
    """Where every picture is the same, two processes differ from one by their random numbers alone."""
    picture = " ".join(str(number % 251) for number in range(48 * 48))
    losses = []
    for devices, count in ((1, 4), (2, 8)):
        rows = [
            {"emotion": str(label), "pixels": picture, "Usage": usage}
            for usage, labels in (("Training", [3] * count), ("PublicTest", range(7)), ("PrivateTest", [0]))
            for label in labels
        ]
        out = tmp_path / str(devices)
        changes = [
            "architecture.dropout=0", "architecture.normalisation=none", "architecture.convolutions=[2]",
            "architecture.dense_normalisation=none", "architecture.dense=[2]", "epochs=1", "batch_size=4",
            "class_weights={}", "shift=0", "scale=0", "rotation=45",
        ]  # fmt: skip
        data = str(write(tmp_path / "same.csv", rows))
        train_on(
            run, devices, inputs.recipe, "--data", data, "--out", str(out),
            *(part for change in changes for part in ("--set", change)),
        )  # fmt: skip
        losses.append(json.loads((out / "metrics.jsonl").read_text())["loss"])
    assert losses[0] != pytest.approx(losses[1], rel=1e-6)


def test_the_ablation_prints_its_table_beside_the_articles(inputs: Inputs, tmp_path: Path) -> None:
    small = [
        "architecture.convolutions=[2]", "architecture.kernel=1", "architecture.dense=[2]", "epochs=1",
        "batch_size=56",
    ]  # fmt: skip
    changes = [part for change in small for part in ("--set", change)]
    result = ablation("--data", inputs.data, "--out", str(tmp_path), *changes)
    assert result.exit_code == 0, result.stderr
    for name, article in (("plain", "57 to 59"), ("dropout 0.6", "61+"), ("disgust x 10", "67 to 68")):
        (row,) = [line for line in result.stdout.splitlines() if f" {name} " in line]
        assert article in row
    results = json.loads((tmp_path / "ablation.json").read_text())
    assert len(results) == 14
    assert (tmp_path / "ablation.png").stat().st_size > 10_000
    again = ablation("--data", inputs.data, "--out", str(tmp_path), "--resume", *changes)
    assert again.exit_code == 0
    assert again.stdout == result.stdout
    assert again.stderr == ""  # nothing was left to train


@pytest.mark.parametrize(
    "arguments", [["--devices", "2"], ["--teacher", "default"], ["--ferplus", "x.csv"]]
)
def test_the_ablation_takes_nothing_that_the_article_had_not(
    arguments: list[str], inputs: Inputs, tmp_path: Path
) -> None:
    result = ablation("--data", inputs.data, "--out", str(tmp_path), *arguments)
    assert result.exit_code == 2
    assert f"No such option: {arguments[0]}" in result.stderr


def test_the_ablation_as_a_recipe_names_its_command(inputs: Inputs, tmp_path: Path) -> None:
    result = train("ablation", "--data", inputs.data, "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "fercli: ablation is not a recipe, but a command of its own.",
        f"Use: fercli ablation --data {inputs.data} --out {tmp_path}",
    ]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_recipe_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    result = train("artikle", "--data", inputs.data, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "fercli: There is no recipe artikle.\nDid you mean article? Choose one of article"
    )


def test_an_unknown_architecture_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(RECIPE.replace('"article"', '"transformer"'))
    result = train(str(path), "--data", inputs.data, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert f"{path}: This version does not know the architecture 'transformer'." in result.stderr


def test_a_folder_that_cannot_be_made_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = train(inputs.recipe, "--data", inputs.data, "--out", str(tmp_path / "file"))
    assert result.exit_code == 6
    assert (
        result.stderr
        == f"fercli: {tmp_path / 'file'} cannot be written: File exists.\nChoose another --out.\n"
    )


@pytest.mark.parametrize("missing", ["--data", "--out"])
def test_data_and_out_must_be_given(missing: str, inputs: Inputs, tmp_path: Path) -> None:
    given = {"--data": inputs.data, "--out": str(tmp_path / "out")}
    del given[missing]
    result = train(inputs.recipe, *(word for pair in given.items() for word in pair))
    assert result.exit_code == 2
    assert missing in result.stderr
