import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fercli.bundle import load_bundle
from fercli.cli import app
from fercli.intervals import wilson_interval
from fercli.plugins import find_backend
from fercli.records import EXPRESSIONS
from tests.training.fer2013 import BAD, COUNTS, pictures, write


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


def figures(*arguments: str) -> dict[str, Any]:
    result = evaluate(*arguments, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    read: dict[str, Any] = json.loads(result.stdout)
    return read


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write(tmp_path_factory.mktemp("data") / "fer2013.csv"))


@pytest.mark.parametrize(
    ("arguments", "split"),
    [([], "PrivateTest"), (["--split", "private"], "PrivateTest"), (["--split", "public"], "PublicTest")],
)
def test_json_holds_what_the_model_answers(arguments: list[str], split: str, data: str) -> None:
    read = figures("default", "--data", data, *arguments)
    bundle = load_bundle("default")
    pixels, labels = pictures(split)
    batch = pixels[:, np.newaxis].astype(np.float32) / np.float32(255)
    answers = find_backend("onnx").load(bundle, "cpu", 1)(batch).argmax(axis=1)
    expected = np.zeros((7, 7), int)
    np.add.at(expected, (labels, answers), 1)
    right = int((answers == labels).sum())
    assert (read["model"], read["split"], read["pictures"]) == (bundle.name, split, COUNTS[split])
    assert read["confusion"] == expected.tolist()
    assert read["accuracy"] == right / len(labels)
    assert read["interval"] == list(wilson_interval(right, len(labels)))
    assert list(read["expressions"]) == list(EXPRESSIONS)
    assert {row["support"] for row in read["expressions"].values()} == {len(labels) // 7}
    assert read["backend"]["runtime"] == "OpenVINO"


def test_the_batch_size_changes_nothing(data: str) -> None:
    assert figures("default", "--data", data, "--batch-size", "5") == figures("default", "--data", data)


def test_a_table_is_printed_for_people(data: str) -> None:
    result = evaluate("default", "--data", data)
    read = figures("default", "--data", data)
    low, high = read["interval"]
    assert (result.exit_code, result.stderr) == (0, "")
    title, *lines = result.stdout.splitlines()
    name = load_bundle("default").name
    assert title.strip() == (
        f"{name} on PrivateTest: accuracy {read['accuracy']:.4f} (95%: {low:.4f} to {high:.4f}),"
        " 42 pictures"
    )
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    for row, (expression, shares), counts in zip(
        rows, read["expressions"].items(), read["confusion"], strict=True
    ):
        assert row == [
            expression, *(f"{shares[key]:.3f}" for key in ("precision", "recall", "f1")),
            str(shares["support"]), *map(str, counts),
        ]  # fmt: skip


@pytest.mark.parametrize("split", ["public", "private"])
def test_out_gets_the_same_as_a_file(split: str, data: str, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    read = figures("default", "--data", data, "--split", split, "--out", str(out))
    assert [path.name for path in out.iterdir()] == [f"{split}.json"]
    assert json.loads((out / f"{split}.json").read_text("utf-8")) == read


def test_an_out_that_cannot_be_written_is_a_report_error(data: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = evaluate("default", "--data", data, "--out", str(tmp_path / "file"))
    assert result.exit_code == 6
    assert "cannot be written" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["artcle"], "There is no model artcle."),
        (["/nowhere"], "There is no model /nowhere."),
        (["default", "--backend", "onix"], "There is no backend onix.\nDid you mean onnx?"),
        (["default", "--device", "tpu"], "There is no device tpu."),
    ],
)
def test_what_is_not_there_is_5(arguments: list[str], message: str, data: str) -> None:
    result = evaluate(*arguments, "--data", data)
    assert result.exit_code == 5
    assert result.stderr.startswith(f"fercli: {message}")
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["missing", "pixel 256", "no rows of a split"])
def test_bad_data_is_2(name: str, tmp_path: Path) -> None:
    make, message = BAD[name]
    result = evaluate("default", "--data", str(make(tmp_path)))
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("option", [["--split", "training"], ["--format", "xml"], ["--batch-size", "0"]])
def test_an_unknown_choice_is_2(option: list[str], data: str) -> None:
    result = evaluate("default", "--data", data, *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr
