import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fercli import __version__
from fercli.bundle import load_bundle
from fercli.crop import to_unit_range
from fercli.errors import ModelError, ReportError
from fercli.evaluation.results import headline_metrics, predict_logits
from fercli.fer2013 import Pictures, Split
from fercli.parity import TOLERANCE
from fercli.plugins import find_backend
from fercli.records import EXPRESSIONS
from fercli.weights import read_weights
from fercli_torch.network import build_network
from fercli_training.export import complete_bundle, write_bundle
from fercli_training.inputs import Dataset
from tests.training.conftest import Trained

Splits = dict[Split, Pictures]


def test_a_bundle_holds_its_files_with_their_checksums(bundle_folder: Path) -> None:
    bundle = load_bundle(str(bundle_folder))
    assert {path.name for path in bundle_folder.iterdir()} == {*bundle.files, "model.json"}
    assert set(bundle.files) == {"model.onnx", "model.int8.onnx", "MODEL_CARD.md"}
    for name, digest in bundle.files.items():
        assert hashlib.sha256((bundle_folder / name).read_bytes()).hexdigest() == digest
        assert bundle.verified(name) == bundle_folder / name


def test_model_json_says_what_the_model_is(bundle_folder: Path, trained: Trained) -> None:
    description = json.loads((bundle_folder / "model.json").read_text())
    assert description["format"] == 1
    assert description["name"] == "tiny"
    assert description["architecture"] == trained.recipe.architecture.description()
    assert tuple(description["expressions"]) == EXPRESSIONS
    assert description["input"] == {"shape": [1, 48, 48], "range": [0, 1]}
    assert description["provenance"]["epochs"] == list(trained.outcome.epochs)
    assert description["provenance"]["fercli"] == __version__
    assert description["provenance"]["recipe"]["seed"] == 3
    assert description["provenance"]["data"]["Training"] == dict.fromkeys(EXPRESSIONS, 8)
    assert description["metrics"]["PublicTest"]["accuracy"] == trained.outcome.public_accuracy


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_onnx_model_computes_what_the_network_computes(
    count: int, bundle_folder: Path, trained: Trained, splits: Splits
) -> None:
    network = build_network(trained.recipe.architecture).eval()
    network.load_state_dict(trained.outcome.networks[0])
    temperature = load_bundle(str(bundle_folder)).description["provenance"]["temperature"]
    batch = to_unit_range(splits[Split.PRIVATE].pixels[:count, np.newaxis])
    with torch.inference_mode():
        expected = network(torch.from_numpy(batch)).numpy() / temperature
    logits = find_backend("onnx").load(load_bundle(str(bundle_folder)), "cpu", 1)(batch)
    assert logits.shape == (count, 7)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=TOLERANCE, rtol=0)


def test_the_weights_in_model_onnx_are_the_network(bundle_folder: Path, trained: Trained) -> None:
    read = read_weights(load_bundle(str(bundle_folder)))
    weights = {name: torch.from_numpy(value) for name, value in read.items()}
    network = build_network(trained.recipe.architecture)
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    temperature = load_bundle(str(bundle_folder)).description["provenance"]["temperature"]
    assert temperature != 1
    for name, value in weights.items():
        scale = temperature if name.startswith("classifier.") else 1
        torch.testing.assert_close(value, trained.outcome.networks[0][name] / scale)


def test_the_temperature_is_the_one_that_fits_publictest(bundle_folder: Path, splits: Splits) -> None:
    classifier = find_backend("onnx").load(load_bundle(str(bundle_folder)), "cpu", 1)
    public = splits[Split.PUBLIC]
    logits = predict_logits(classifier, public, 7, lambda _: None)
    calibrated = headline_metrics(logits, public.labels).negative_log_likelihood
    for factor in (0.9, 1.1):
        assert (
            headline_metrics(logits * np.float32(factor), public.labels).negative_log_likelihood
            > calibrated
        )


def test_the_metrics_are_those_of_the_onnx_models(bundle_folder: Path, splits: Splits) -> None:
    bundle = load_bundle(str(bundle_folder))
    for backend in ("onnx", "onnx-int8"):
        classifier = find_backend(backend).load(bundle, "cpu", 1)
        for split in (Split.PUBLIC, Split.PRIVATE):
            logits = predict_logits(classifier, splits[split], 5, lambda _: None)
            metrics = bundle.description["metrics"][split]
            figures = metrics if backend == "onnx" else metrics["int8"]
            expected = json.loads(json.dumps(asdict(headline_metrics(logits, splits[split].labels))))
            for name, value in expected.items():
                if isinstance(value, float | int):
                    assert figures[name] == pytest.approx(value, rel=1e-5), name
            assert figures["intervals"]["accuracy"] == expected["intervals"]["accuracy"]
    assert bundle.description["metrics"]["PrivateTest"]["accuracy"] > 0.7


def test_the_card_holds_the_figures(bundle_folder: Path) -> None:
    description = json.loads((bundle_folder / "model.json").read_text())
    card = (bundle_folder / "MODEL_CARD.md").read_text("utf-8")
    assert card.startswith("# tiny\n")
    for split, count in (("PublicTest", 35), ("PrivateTest", 42)):
        metrics = description["metrics"][split]
        for bits, figures in ((32, metrics), (8, metrics["int8"])):
            low, high = figures["intervals"]["accuracy"]
            row = f"| {split} | {bits} | {count} | {figures['accuracy']:.4f} ({low:.4f} to {high:.4f}) |"
            assert row in card
    temperature = description["provenance"]["temperature"]
    assert f"a temperature of {temperature:.3f}" in card
    assert "PublicTest chose the best epoch (" in card
    assert "calibrated by 56 Training pictures" in card
    assert f"| parameters | {description['cost']['parameters']:,} |" in card
    assert f"| multiply-adds a face | {description['cost']['multiply_adds']:,} |" in card
    assert "| seed | 3 |" in card
    assert "What it is not for" in card
    confusions = card.partition("A row is the label")[2]
    assert all(f"| {name} | " in confusions for name in EXPRESSIONS)


def test_a_bundle_says_nothing_of_the_machine_it_was_made_on(bundle_folder: Path) -> None:
    for path in bundle_folder.iterdir():
        assert str(Path(__file__).parents[2]).encode() not in path.read_bytes()


def test_completing_a_bundle_leaves_its_network_as_it_is(
    bundle_folder: Path, splits: Splits, tmp_path: Path
) -> None:
    """As from a version that made no 8 bits."""
    folder = shutil.copytree(bundle_folder, tmp_path / "model")
    (folder / "model.int8.onnx").unlink()
    description = json.loads((folder / "model.json").read_text())
    del description["files"]["model.int8.onnx"], description["provenance"]["int8"]
    description["metrics"] = {}
    complete_bundle(folder, description, Dataset(splits, {}))
    assert "model.int8.onnx" not in description["files"]  # what it was given is not changed
    for name in load_bundle(str(bundle_folder)).files:
        assert (folder / name).read_bytes() == (bundle_folder / name).read_bytes()
    assert load_bundle(str(folder)).description == load_bundle(str(bundle_folder)).description


def test_an_old_model_is_replaced_as_a_whole(trained: Trained, splits: Splits, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "old").mkdir(parents=True)
    (tmp_path / "model.partial").mkdir()  # the user's own
    (tmp_path / "model.partial" / "rest").touch()
    write_bundle(folder, trained.recipe, trained.outcome, Dataset(splits, {}))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.parent != folder) == [
        "model", "model.partial", "rest"
    ]  # fmt: skip
    assert not (folder / "old").exists()


def test_the_exporter_says_nothing(
    trained: Trained, splits: Splits, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "model", trained.recipe, trained.outcome, Dataset(splits, {}))
    assert capfd.readouterr() == ("", "")


def test_a_network_that_computes_no_numbers_is_not_shipped(
    trained: Trained, splits: Splits, tmp_path: Path
) -> None:
    weights = dict(trained.outcome.networks[0])
    weights["classifier.bias"] = torch.full((7,), torch.nan)
    broken = replace(trained.outcome, networks=(weights,))
    with pytest.raises(ModelError, match=r"model\.onnx holds weights that are not finite numbers"):
        write_bundle(tmp_path / "model", trained.recipe, broken, Dataset(splits, {}))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(
    trained: Trained, splits: Splits, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match=r"cannot be written: Not a directory\.") as caught:
        write_bundle(tmp_path / "file" / "model", trained.recipe, trained.outcome, Dataset(splits, {}))
    assert caught.value.remedy == "Choose another --out."
