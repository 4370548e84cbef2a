"""Writes a trained network as a bundle: weights, ONNX model, description, card."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fercli import __version__
from fercli.bundle import CARD, DESCRIPTION, FORMAT, ONNX, WEIGHTS, Bundle, sha256
from fercli.crop import SIDE, to_unit_range
from fercli.errors import FercliError, ReportError
from fercli.plugins import find_backend
from fercli.records import EXPRESSIONS
from fercli_torch.network import build_network
from fercli_training.card import model_card
from fercli_training.cost import count_cost
from fercli_training.data import Pictures, Split, class_counts
from fercli_training.evaluation import Evaluation, confusion_matrix, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fercli_training.loop import Outcome, Weights
    from fercli_training.recipe import Recipe

_TOLERANCE = 1e-4
"""The largest difference of logits between the runtimes of one bundle."""

_BATCH = 256
_OPSET = 18


class ParityError(FercliError):
    """The exported model does not compute what the trained network computes."""


def write_bundle(folder: Path, recipe: Recipe, outcome: Outcome, splits: Mapping[Split, Pictures]) -> Path:
    """Writes the bundle, measured on PublicTest and PrivateTest by its own model.onnx.

    Returns:
        The bundle's folder, which is replaced as a whole.

    Raises:
        ParityError: model.onnx differs from the network by more than the tolerance.
        ReportError: the folder cannot be written.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _fill(partial, recipe, outcome, splits)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except OSError as error:
        raise ReportError(
            f"{folder} cannot be written: {error.strerror}.", "Choose another --out."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _fill(folder: Path, recipe: Recipe, outcome: Outcome, splits: Mapping[Split, Pictures]) -> None:
    network = build_network(recipe.architecture)
    network.load_state_dict(outcome.weights)
    network.eval()
    _save_weights(folder / WEIGHTS, outcome.weights)
    _export_onnx(folder / ONNX, network)
    description: dict[str, Any] = {
        "format": FORMAT,
        "name": recipe.name,
        "architecture": recipe.architecture,
        "expressions": list(EXPRESSIONS),
        "input": {"shape": [1, SIDE, SIDE], "range": [0, 1]},
        "cost": count_cost(network),
        "metrics": {},
        "provenance": {
            "data": {str(split): class_counts(pictures) for split, pictures in splits.items()},
            "recipe": recipe.as_dict()["training"],
            "epoch": outcome.epoch,
            "fercli": __version__,
            "torch": torch.__version__,
        },
        "files": {name: sha256(folder / name) for name in (WEIGHTS, ONNX)},
    }
    evaluations = _evaluate(Bundle(folder, description), network, splits)
    description["metrics"] = {
        str(split): {"accuracy": evaluation.accuracy, "interval": list(evaluation.interval)}
        for split, evaluation in evaluations.items()
    }
    (folder / CARD).write_text(model_card(description, evaluations), "utf-8")
    description["files"][CARD] = sha256(folder / CARD)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", "utf-8")


def _save_weights(path: Path, weights: Weights) -> None:
    from safetensors.torch import save

    # The count of batches serves training alone.
    kept = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    path.write_bytes(save({name: value.contiguous() for name, value in kept.items()}))


def _export_onnx(path: Path, network: torch.nn.Module) -> None:
    with _quiet_exporter():
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 1, SIDE, SIDE),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("faces")},),
            input_names=["pictures"],
            output_names=["logits"],
            opset_version=_OPSET,
            verbose=False,
        )
    if program is None:  # what torch returns for its older exporter
        raise ParityError("torch exported no model.")
    program.save(path, external_data=False)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without torch's words on its own insides and on torchvision, which is not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _evaluate(
    bundle: Bundle, network: torch.nn.Module, splits: Mapping[Split, Pictures]
) -> dict[Split, Evaluation]:
    """Both evaluation splits by model.onnx, after the check that it is the network's equal."""
    classifier = find_backend("onnx").load(bundle, "cpu", torch.get_num_threads())
    _check_parity(classifier, network, splits[Split.PUBLIC])
    return {
        split: evaluate(confusion_matrix(classifier, splits[split], _BATCH, lambda _: None))
        for split in (Split.PUBLIC, Split.PRIVATE)
    }


def _check_parity(classifier: Any, network: torch.nn.Module, pictures: Pictures) -> None:
    batch = to_unit_range(pictures.pixels[:_BATCH, np.newaxis])
    with torch.inference_mode():
        expected = network(torch.from_numpy(batch)).numpy()
    difference = float(np.abs(classifier(batch) - expected).max())
    if not difference <= _TOLERANCE:
        raise ParityError(
            f"{ONNX} differs from the trained network by {difference:.2g}; {_TOLERANCE} is allowed.",
            "Try other versions of torch, onnxscript or onnxruntime.",
        )
