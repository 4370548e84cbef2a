import csv
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fercli.bundle import load_bundle, sha256
from fercli.intervals import wilson_interval
from fercli.parity import CUDA_TOLERANCE, TOLERANCE
from tests.conftest import FERCLI, Result, Run
from tests.fer2013.made_up import BAD, COUNTS, write

QUICK = ("--repeat", "1", "--batch-sizes", "1,2")


def rows(result: Result, returncode: int = 0) -> list[dict[str, Any]]:
    assert result.returncode == returncode, result.stderr
    read: list[dict[str, Any]] = json.loads(result.stdout)
    return read


def test_every_backend_agrees_with_torch_or_says_why_it_is_not_there(run: Run) -> None:
    done = run("compare", "backends", *QUICK, "--device", "cpu", "--format", "json")
    table = {row["backend"]: row for row in rows(done)}
    assert done.stderr == ""
    size = (load_bundle("default").folder / "model.onnx").stat().st_size
    for name in ("openvino", "onnx", "torch", "tensorflow"):
        row = table[name]
        assert row["agreement"] == ("reference" if name == "torch" else "agrees")
        assert 0 <= row["mean_logit_difference"] <= row["worst_logit_difference"] <= TOLERANCE
        assert 0 <= row["mean_probability_difference"] <= row["worst_probability_difference"] <= TOLERANCE
        assert (row["labels_that_differ"], row["tolerance"], row["faces"]) == (0, TOLERANCE, 11)
        assert row["precision"] == "float32"
        assert row["reason"] is None
        assert 0 < row["latency_ms_median"] <= row["latency_ms_p95"]
        assert min(row["faces_per_second_1"], row["faces_per_second_2"], row["load_seconds"]) > 0
        assert row["peak_memory_mb"] > 30
        assert row["size_mb"] == pytest.approx(size / 1e6)
    assert len({table[name]["threads"] for name in ("openvino", "onnx", "torch")}) == 1
    assert table["tensorrt"]["agreement"] is None
    assert "has no TensorRT" in table["tensorrt"]["reason"]


def test_without_torch_the_reference_is_onnx_and_without_it_the_first(run: Run) -> None:
    def agreements(names: str) -> dict[str, str]:
        done = run("compare", "backends", *QUICK, "--backends", names, "--format", "json")
        return {row["backend"]: row["agreement"] for row in rows(done)}

    assert agreements("openvino, onnx") == {"openvino": "agrees", "onnx": "reference"}
    assert agreements("tensorrt,openvino") == {"tensorrt": None, "openvino": "reference"}


def test_a_backend_that_disagrees_is_exit_code_1(run: Run, faulty_plugins: Path) -> None:
    done = run(
        *("compare", "backends", *QUICK, "--backends", "off,near,coarse,onnx", "--format", "json"),
        env={"PYTHONPATH": str(faulty_plugins)},
    )
    off, near, coarse, onnx = rows(done, 1)
    assert [row["agreement"] for row in (off, onnx)] == ["disagrees", "reference"]
    assert (near["agreement"], near["tolerance"]) == ("agrees", CUDA_TOLERANCE)
    assert (coarse["agreement"], coarse["tolerance"]) == ("not judged", None)
    assert off["worst_logit_difference"] == pytest.approx(0.01, rel=1e-3)
    assert off["mean_logit_difference"] == pytest.approx(0.01 / 7, rel=1e-3)
    assert 0 < off["worst_probability_difference"] < 0.01
    assert "fercli: off differs from the reference by 0.01 in a logit and in 0 of 11 labels;" in done.stderr
    assert "0.0001 and none are allowed" in done.stderr
    assert done.stderr.count("fercli: ") == 1
    assert "POLLUTION on loading" in done.stderr


def test_a_backend_that_fails_is_a_row_and_not_the_end(run: Run, faulty_plugins: Path) -> None:
    faulty = {
        "raises-in-load": "fails: RuntimeError: it would not load.",
        "raises-in-call": "fails: RuntimeError: it would not run.",
        "wrong-shape": "no finite logits of shape (1, 7).",
        "not-finite": "no finite logits of shape (1, 7).",
        "unavailable": "the moon is not full. wait [a month]",
        "no-backend": "it does not have the interface of a backend.",
        "exits": "It fails: its process ended with 7.",
        "killed": "It fails: its process was ended by SIGKILL.",
    }
    done = run(
        *("compare", "backends", *QUICK, "--backends", ",".join([*faulty, "onnx"])),
        *("--format", "csv"),
        env={"PYTHONPATH": str(faulty_plugins)},
    )
    assert done.returncode == 0
    table = {row["backend"]: row for row in csv.DictReader(done.stdout.decode().splitlines())}
    assert list(table) == [*faulty, "onnx"]
    for name, reason in faulty.items():
        assert reason in table[name]["reason"]
        assert table[name]["faces_per_second_1"] == ""
    assert table["onnx"]["agreement"] == "reference"


def test_where_no_backend_works_the_rows_say_why(run: Run) -> None:
    done = run(
        "compare",
        "backends",
        "--backends",
        "tensorrt,openvino",
        "--device",
        "cuda:77",
        "--format",
        "markdown",
    )
    assert done.returncode == 5
    text = done.stdout.decode()
    assert text.startswith("**Not measured**\n\n| backend | reason |\n| --- | --- |\n| tensorrt | ")
    assert "has no TensorRT" in text
    assert "fercli: none of them works here." in done.stderr


def test_a_device_that_is_not_there_is_said_in_the_row(run: Run) -> None:
    done = run(
        *("compare", "backends", "--backends", "openvino", "--device", "cuda:77", "--format", "json")
    )
    assert rows(done, 5)[0]["reason"].startswith("OpenVINO does not run on cuda:77.")


def test_a_model_of_ones_own_and_photos(run: Run, samples: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(load_bundle("default").folder, tmp_path / "model")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    done = run(
        *("compare", "backends", samples / "group.jpg", tmp_path / "broken.jpg", *QUICK),
        *("--backends", "onnx", "--model", folder, "--format", "json"),
    )
    assert rows(done, 3)[0]["faces"] == 4
    assert "fercli: left out " in done.stderr
    assert "broken.jpg: not-an-image: " in done.stderr


def test_a_file_that_was_changed_is_said_in_the_row(run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(load_bundle("default").folder, tmp_path / "model")
    with (folder / "model.int8.onnx").open("ab") as file:
        file.write(b"more")
    done = run(
        *("compare", "backends", *QUICK, "--backends", "onnx-int8,torch", "--model", folder),
        *("--format", "json"),
    )
    eight_bits, torch = rows(done)
    assert "model.int8.onnx is not the file that model.json was made with." in eight_bits["reason"]
    assert torch["agreement"] == "reference"


@pytest.mark.parametrize(
    ("arguments", "returncode", "message"),
    [
        (["backends", "--batch-sizes", "0"], 2, "--batch-sizes is '0', not whole numbers from 1 to 4096"),
        (["backends", "--batch-sizes", "1,x"], 2, "--batch-sizes is '1,x', not whole numbers"),
        (["backends", "--batch-sizes", "8,4097"], 2, "--batch-sizes is '8,4097', not whole numbers"),
        (["backends", "--batch-sizes", " "], 2, "--batch-sizes is ' ', not whole numbers"),
        (["backends", "--repeat", "0"], 2, "--repeat"),
        (["backends", "--backends", "onx"], 5, "There is no backend onx.\nDid you mean onnx?"),
        (["backends", "--backends", "onnx", "--model", "artcle"], 5, "Did you mean article?"),
        (["backends", "--backends", "onnx", "--device", "gpu"], 5, "There is no device gpu."),
        (["backends", "{empty}"], 4, "No photo in "),
        (["backends", "{samples}/coffee-no-face.jpg"], 4, "No face was found in "),
        (["backends", "{empty}/gone.jpg"], 4, "gone.jpg: missing: There is no such file."),
        (["models"], 2, "MODELS"),
        (["models", "artcle"], 5, "There is no model artcle.\nDid you mean article?"),
        (["models", "default", "--backend", "onx"], 5, "There is no backend onx."),
        (["models", "default", "--photos", "{samples}", "--detector", "mtcn"], 5, "Did you mean mtcnn?"),
        (["models", "default", "--photos", "{empty}"], 4, "No photo in "),
        (["models", "default", "--photos", "a", "--data", "b"], 2, "Both --photos and --data are given."),
        (["models", "default", "--data", "{empty}/gone.csv"], 2, "gone.csv cannot be read"),
        (["detectors"], 2, "PATHS"),
        (["detectors", "{samples}", "--detectors", "mtcn"], 5, "Did you mean mtcnn?"),
        (["detectors", "{empty}"], 4, "No photo in "),
        (["detectors", "{samples}", "--min-face", "3"], 2, "--min-face"),
    ],
)
def test_what_is_asked_for_wrongly_is_named(
    arguments: list[str], returncode: int, message: str, inside: Run, samples: Path, tmp_path: Path
) -> None:
    done = inside("compare", *(text.format(samples=samples, empty=tmp_path) for text in arguments))
    said = done.stderr + done.stdout.decode()
    assert done.returncode == returncode, said
    assert message in said


def test_tables_are_readable_in_a_pipe(run: Run) -> None:
    done = run("compare", "backends", *QUICK, "--backends", "onnx,tensorrt")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout.decode()
    for title in ("What ran", "Differences from the reference", "Speed", "Cost", "Not measured"):
        assert title in text
    assert "ONNX Runtime" in text
    assert "pip install 'fercli[gpu]'" in text
    assert "11 faces" in text
    assert "\x1b" not in text


def test_models_on_labelled_photos(run: Run, samples: Path, tmp_path: Path) -> None:
    for folder in ("happy", "angry", "others"):
        (tmp_path / folder).mkdir()
        shutil.copy(samples / "astronaut-eileen-collins.jpg", tmp_path / folder)
    other = _renamed(tmp_path / "other")
    done = run(
        *("compare", "models", "residual", other, "--photos", tmp_path, "--backend", "onnx"),
        *("--batch-size", "2", "--repeat", "1", "--format", "json"),
    )
    first, second = rows(done)
    assert (first["model"], second["model"]) == ("residual", str(other))
    low, high = wilson_interval(1, 2)
    for row in (first, second):
        assert (row["faces"], row["labelled"], row["accuracy"]) == (3, 2, 0.5)  # she smiles
        assert (row["accuracy_low"], row["accuracy_high"]) == (low, high)
        assert (row["backend"], row["device"], row["agreement"]) == ("onnx", "CPU", 1.0)
        assert row["faces_per_second"] > 0
        assert row["parameters"] == load_bundle("default").description["cost"]["parameters"]
        assert row["size_mb"] == pytest.approx((other / "model.onnx").stat().st_size / 1e6)


def test_models_on_the_faces_that_ship_and_one_that_cannot_run(run: Run, tmp_path: Path) -> None:
    broken = _renamed(tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"no model")
    models = ("broken", "article")  # a long path would break the reason into several lines
    done = run("compare", "models", *models, "--backend", "onnx", "--repeat", "1", cwd=tmp_path)
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, "")
    assert "11 faces, 64 at once, 1 round;" in text
    assert "is not the file that model.json was made with" in text
    assert "2,936,391" in text


@pytest.mark.parametrize(("split", "usage"), [("public", "PublicTest"), ("private", "PrivateTest")])
def test_models_on_fer2013(split: str, usage: str, run: Run, inside: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "fer2013.csv")
    done = run(
        *("compare", "models", "default", "--data", data, "--split", split, "--backend", "onnx"),
        *("--repeat", "1", "--format", "json"),
    )
    (row,) = rows(done)
    assert (row["faces"], row["labelled"]) == (COUNTS[usage], COUNTS[usage])
    evaluated = inside(
        *("evaluate", "default", "--data", data, "--split", split, "--backend", "onnx"),
        *("--format", "json"),
    )
    expected = json.loads(evaluated.stdout)
    figures = expected["figures"]
    assert row["accuracy"] == figures["accuracy"]
    assert [row["accuracy_low"], row["accuracy_high"]] == figures["intervals"]["accuracy"]


def test_only_the_parts_of_the_data_that_it_can_take_are_offered(inside: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "fer2013.csv")
    for split in ("both", "training", "PrivateTest"):
        done = inside("compare", "models", "residual", "--data", data, "--split", split)
        assert (done.returncode, done.stdout) == (2, b"")
        assert f"'{split}' is not one of" in done.stderr
    assert "<public|private>" in inside("compare", "models", "--help").stdout.decode()
    assert inside("evaluate", "none", "--data", data, "--split", "both").returncode == 5


def test_a_data_file_that_is_broken_is_wrong_usage(inside: Run, tmp_path: Path) -> None:
    make, message = BAD["letters"]
    done = inside("compare", "models", "default", "--data", make(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr


def test_detectors_side_by_side(run: Run, samples: Path, faulty_plugins: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    done = run(
        *("compare", "detectors", samples, tmp_path, "--repeat", "2", "--format", "json"),
        *("--detectors", "none,two-halves,raises-in-detect,not-there,mtcnn"),
        env={"PYTHONPATH": str(faulty_plugins)},
    )
    none, halves, raises, absent, mtcnn = rows(done, 3)
    figures = ("photos", "photos_with_face", "failures", "faces", "faces_of_reference", "faces_shared")
    assert [mtcnn[key] for key in figures] == [11, 8, 1, 11, 11, 11]
    assert [halves[key] for key in figures[:4]] == [11, 10, 1, 20]
    assert [raises[key] for key in figures[1:4]] == [0, 11, 0]
    assert [none[key] for key in figures] == [11, 10, 1, 10, 11, 0]
    assert (mtcnn["mean_overlap"], none["mean_overlap"]) == (1.0, None)
    assert mtcnn["milliseconds"] > none["milliseconds"] > 0
    assert (raises["milliseconds"], none["version"]) == (None, None)
    assert "There is no detector not-there" not in done.stderr
    assert absent["reason"].startswith("The detector not-there cannot run here: it fails to load")
    assert "broken.jpg: not-an-image" in done.stderr
    assert "internal: The detector raises-in-detect fails: ZeroDivisionError: nothing." in done.stderr


def test_what_a_detector_looks_for_can_be_narrowed(run: Run, samples: Path) -> None:
    def faces(*arguments: str) -> int:
        done = run(
            *("compare", "detectors", samples / "group.jpg", samples / "coffee-no-face.jpg"),
            *("--detectors", "mtcnn", "--repeat", "1", "--format", "json", *arguments),
        )
        found: int = rows(done)[0]["faces"]
        return found

    assert faces() == 4
    assert faces("--min-face", "600") == 0
    assert faces("--min-score", "1.0") < 4


def test_ctrl_c_ends_it_quietly(faulty_plugins: Path) -> None:
    process = subprocess.Popen(
        [FERCLI, "compare", "backends", "--backends", "off", "--repeat", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(faulty_plugins), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert process.stderr is not None
    assert b"POLLUTION" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (130, b"", b"")


def _renamed(folder: Path) -> Path:
    """A copy of the model that ships, whole but for its name."""
    shutil.copytree(load_bundle("default").folder, folder)
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["name"] = folder.name
    (folder / "model.json").write_text(json.dumps(description), "utf-8")
    assert sha256(folder / "model.onnx") == description["files"]["model.onnx"]
    return folder
