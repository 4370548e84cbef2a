import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from fercli.bundle import load_bundle
from fercli.cli.commands import app
from fercli.evaluation.results import headline_metrics
from fercli.intervals import wilson_interval
from fercli.plugins import find_backend
from fercli.prediction import Predictor
from fercli.records import EXPRESSIONS
from tests.fer2013.made_up import BAD, COUNTS, pictures, rows, write

CHARTS = ("confusion.png", "curves.png", "reliability.png")


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


def printed(*arguments: str) -> Any:
    result = evaluate(*arguments, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def figures(*arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = printed(*arguments)
    return read


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write(tmp_path_factory.mktemp("data") / "fer2013.csv"))


def answered(split: str) -> NDArray[np.int64]:
    """What the model answers, by another runtime than the command takes."""
    batch = pictures(split)[0][:, np.newaxis].astype(np.float32) / np.float32(255)
    answers: NDArray[np.int64] = (
        find_backend("onnx").load(load_bundle("default"), "cpu", 1)(batch).argmax(axis=1)
    )
    return answers


@pytest.mark.parametrize(
    ("arguments", "split"),
    [([], "PrivateTest"), (["--split", "private"], "PrivateTest"), (["--split", "public"], "PublicTest")],
)
def test_json_holds_what_the_model_answers(arguments: list[str], split: str, data: str) -> None:
    read = figures("default", "--data", data, *arguments)
    bundle = load_bundle("default")
    labels, answers = pictures(split)[1], answered(split)
    expected = np.zeros((7, 7), int)
    np.add.at(expected, (labels, answers), 1)
    right = int((answers == labels).sum())
    assert (read["model"], read["split"], read["mirrored"]) == (bundle.name, split, False)
    assert read["confusion"] == expected.tolist()
    assert (read["figures"]["pictures"], read["figures"]["accuracy"]) == (
        COUNTS[split],
        right / len(labels),
    )
    assert read["figures"]["intervals"]["accuracy"] == list(wilson_interval(right, len(labels)))
    assert list(read["expressions"]) == list(read["curves"]) == list(EXPRESSIONS)
    assert {row["support"] for row in read["expressions"].values()} == {len(labels) // 7}
    assert sum(entry["pictures"] for entry in read["reliability"]) == COUNTS[split]
    assert read["votes"] is None
    assert read["backend"]["runtime"] == "OpenVINO"


def test_tta_adds_the_mirror_images(data: str) -> None:
    read = figures("default", "--data", data, "--tta", "--backend", "onnx")
    pixels, labels = pictures("PrivateTest")
    predictor = Predictor([find_backend("onnx").load(load_bundle("default"), "cpu", 1)], mirrored=True)
    probabilities = predictor(pixels.astype(np.float32) / np.float32(255))
    assert read["mirrored"] is True
    expected = headline_metrics(np.log(probabilities).astype(np.float32), labels)
    for name in ("accuracy", "brier_score", "negative_log_likelihood", "calibration_error"):
        assert read["figures"][name] == pytest.approx(getattr(expected, name), abs=1e-5)
    alone = figures("default", "--data", data, "--backend", "onnx")
    assert read["figures"]["brier_score"] != alone["figures"]["brier_score"]


@pytest.fixture(scope="module")
def with_copies(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Six of PrivateTest's 42 pictures are Training's too; the rest is noise, like nothing else."""
    random, content = np.random.default_rng(1), rows()
    for row in content:
        row["pixels"] = " ".join(map(str, random.integers(0, 256, 48 * 48)))
    for copy, original in zip(content[-6:], content, strict=False):
        copy["pixels"] = original["pixels"]
    return str(write(tmp_path_factory.mktemp("copies") / "fer2013.csv", content))


def test_pictures_that_training_has_too_are_left_out_of_the_second_figures(with_copies: str) -> None:
    read = printed("default", "--data", with_copies, "--split", "both")
    assert [(part["figures"]["pictures"], part["unseen"]["pictures"]) for part in read] == [
        (35, 35), (42, 36)
    ]  # fmt: skip
    assert read[0]["unseen"] == read[0]["figures"]
    assert set(read[1]["unseen"]) == set(read[1]["figures"])


def test_both_splits_are_the_two_of_them(data: str, tmp_path: Path) -> None:
    apart = [figures("default", "--data", data, "--split", split) for split in ("public", "private")]
    both = ["default", "--data", data, "--split", "both"]
    assert printed(*both, "--out", str(tmp_path)) == apart
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{split}.{name}" for split in ("public", "private") for name in ("json", *CHARTS)
    )
    tables = evaluate(*both).stdout
    assert [line.split()[-1] for line in tables.splitlines() if " on P" in line] == [
        "PublicTest", "PrivateTest"
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ferplus(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Nine of ten voters for each row's label and one for neutral, but for PrivateTest's first."""
    path = tmp_path_factory.mktemp("votes") / "fer2013new.csv"
    names = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    columns = ["Usage", "Image name", *names, "contempt", "unknown", "NF"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="0")
        writer.writeheader()
        for number, row in enumerate(rows()):
            unknown = number == COUNTS["Training"] + COUNTS["PublicTest"]
            votes = {"unknown": "10"} if unknown else {names[int(row["emotion"])]: "9", "contempt": "1"}
            writer.writerow({"Usage": row["Usage"], "Image name": f"{number}.png", **votes})
    return str(path)


def test_ferplus_measures_agreement_with_the_voters(data: str, ferplus: str) -> None:
    read = figures("default", "--data", data, "--ferplus", ferplus)
    right = (answered("PrivateTest") == pictures("PrivateTest")[1])[1:]
    votes = read["votes"]
    assert (votes["pictures"], votes["accuracy"]) == (41, pytest.approx(right.mean()))
    assert votes["expected_accuracy"] == pytest.approx(votes["accuracy"])
    assert votes["label_accuracy"] == 1
    table = evaluate("default", "--data", data, "--ferplus", ferplus).stdout
    assert f"FER+, 41 pictures with votes: {votes['accuracy']:.4f}" in table


def test_a_file_that_holds_no_votes_is_2(data: str) -> None:
    result = evaluate("default", "--data", data, "--ferplus", data)
    assert result.exit_code == 2
    assert "has no column anger" in result.stderr


def test_the_batch_size_changes_nothing(data: str) -> None:
    one, other = (figures("default", "--data", data, "--batch-size", size) for size in ("5", "64"))
    assert one["confusion"] == other["confusion"]
    for name in ("accuracy", "brier_score", "negative_log_likelihood", "calibration_error"):
        assert one["figures"][name] == pytest.approx(other["figures"][name], abs=1e-5)


def test_a_table_is_printed_for_people(with_copies: str) -> None:
    result = evaluate("default", "--data", with_copies)
    read = figures("default", "--data", with_copies)
    assert (result.exit_code, result.stderr) == (0, "")
    title, *lines = result.stdout.splitlines()
    assert title.strip() == f"{load_bundle('default').name} on PrivateTest"
    assert "all pictures (42)" in lines[1]
    assert "not in Training as well (36)" in lines[1]
    table = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    low, high = read["unseen"]["intervals"]["macro_f1"]
    assert len(table) == 7 + 7
    assert table[0][1].startswith(f"{read['figures']['accuracy']:.4f} (")
    assert table[2] == [
        "macro F1", table[2][1], f"{read['unseen']['macro_f1']:.4f} ({low:.4f} to {high:.4f})"
    ]  # fmt: skip
    for row, (expression, shares), counts in zip(
        table[7:], read["expressions"].items(), read["confusion"], strict=True
    ):
        assert row == [
            expression,
            *(f"{shares[key]:.3f}" for key in ("precision", "recall", "f1", "average_precision")),
            str(shares["support"]), *map(str, counts),
        ]  # fmt: skip


@pytest.mark.parametrize("split", ["public", "private"])
def test_out_gets_the_same_as_a_file_and_charts(split: str, data: str, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    read = figures("default", "--data", data, "--split", split, "--out", str(out))
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{split}.{name}" for name in ("json", *CHARTS)
    )
    assert json.loads((out / f"{split}.json").read_text("utf-8")) == read


def test_charts_without_matplotlib_are_5_before_anything_is_done(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python takes for a package that is not installed.
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    result = evaluate("default", "--data", data, "--out", str(tmp_path / "out"))
    assert result.exit_code == 5
    assert (
        "Drawing charts needs matplotlib, not installed here.\npip install 'fercli[charts]'\n"
        in result.stderr
    )
    assert not (tmp_path / "out").exists()


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
