"""Writes a trained network as a bundle: ONNX models in 32 and 8 bits, description, card."""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fercli import __version__
from fercli.architecture import SIDE
from fercli.bundle import CARD, DESCRIPTION, FORMAT, ONNX, ONNX_INT8, Bundle, sha256
from fercli.classifiers import load_classifiers
from fercli.crop import to_unit_range
from fercli.devices import CPU
from fercli.evaluation.calibration import fit_temperature
from fercli.evaluation.results import Evaluation, Metrics, evaluate, headline_metrics, predict_logits
from fercli.fer2013 import Pictures, Split, class_counts
from fercli.fer2013.duplicates import seen_in
from fercli.files import whole_folder
from fercli.flushing import sync_folder
from fercli.parity import ParityError, check_int8, check_parity
from fercli.records import EXPRESSIONS
from fercli.runtimes import import_onnxruntime
from fercli.weights import read_weights
from fercli_torch.network import build_network
from fercli_training.card import model_card
from fercli_training.cost import count_cost
from fercli_training.learner import unit_range
from fercli_training.quantisation import calibration_faces, quantise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from fercli.plugins import Classifier
    from fercli_training.inputs import Dataset
    from fercli_training.learner import Weights
    from fercli_training.recipe import Recipe
    from fercli_training.snapshots import Candidate
    from fercli_training.start import Origin

_BATCH = 256
_OPSET = 18


def write_bundle(
    folder: Path,
    recipe: Recipe,
    candidate: Candidate,
    dataset: Dataset,
    computed: Sequence[Mapping[str, Any]] = (),
    origin: Origin | None = None,
) -> Path:
    """Writes the bundle, measured on PublicTest and PrivateTest by its own model.onnx.

    A temperature that is fitted on PublicTest calibrates its probabilities: the classifier's weights and
    biases are divided by it, so the bundle's logits need no further step.

    Args:
        folder: the bundle's.
        recipe: the network's.
        candidate: its weights.
        dataset: all of FER2013, with FER+ votes where there are any.
        computed: from which epoch on it was trained on what device, in which precision, compiled or not.
        origin: the model whose weights it started from; None for fresh ones.

    Returns:
        The bundle's folder, which is replaced as a whole.

    Raises:
        ParityError: model.onnx, or the same in 8 bits, differs from the network more than is allowed.
        ReportError: the folder cannot be written.
    """
    with whole_folder(folder, "Choose another --out.", replace=True) as made:
        _fill(made, recipe, candidate, dataset, computed, origin)
        sync_folder(made)
    return folder


def complete_bundle(folder: Path, description: Mapping[str, Any], dataset: Dataset) -> None:
    """Writes the rest of a bundle that has only model.onnx: the model in 8 bits, metrics, card, model.json.

    Args:
        folder: the bundle's, which is written to.
        description: its model.json; what is measured here is replaced.
        dataset: all of FER2013, with FER+ votes where there are any.

    Raises:
        ParityError: the network in 8 bits is too far from the one in 32.
    """
    splits, votes = dataset.splits, dataset.votes
    faces = calibration_faces(splits[Split.TRAINING])
    quantise(Bundle(folder, dict(description)).verified(ONNX), faces, folder / ONNX_INT8)
    calibration = {"pictures": len(faces), "onnxruntime": import_onnxruntime().__version__}
    quantised = {
        **description,
        "provenance": {**description["provenance"], "int8": calibration},
        "files": {**description["files"], ONNX_INT8: sha256(folder / ONNX_INT8)},
    }
    bundle = Bundle(folder, quantised)
    exact, small = (_classifier(bundle, backend) for backend in ("onnx", "onnx-int8"))
    batch = _batch(splits[Split.PUBLIC])
    check_int8(small(batch), exact(batch), ONNX_INT8)
    evaluations = {
        split: _evaluate(exact, splits[split], splits[Split.TRAINING], votes.get(split))
        for split in (Split.PUBLIC, Split.PRIVATE)
    }
    metrics = {
        str(split): _metrics(evaluation, _headline(small, splits[split]))
        for split, evaluation in evaluations.items()
    }
    measured = {**quantised, "metrics": metrics}
    (folder / CARD).write_text(model_card(measured, evaluations[Split.PRIVATE]), "utf-8")
    completed = {**measured, "files": {**quantised["files"], CARD: sha256(folder / CARD)}}
    (folder / DESCRIPTION).write_text(json.dumps(completed, indent=1) + "\n", "utf-8")


def _fill(
    folder: Path,
    recipe: Recipe,
    candidate: Candidate,
    dataset: Dataset,
    computed: Sequence[Mapping[str, Any]],
    origin: Origin | None,
) -> None:
    splits = dataset.splits
    network = build_network(recipe.architecture)
    (weights,) = candidate.networks
    network.load_state_dict(weights)
    network.eval()
    temperature = _calibrate(network, splits[Split.PUBLIC])
    _export_onnx(folder / ONNX, network)
    description: dict[str, Any] = {
        "format": FORMAT,
        "name": recipe.name,
        "architecture": recipe.architecture.description(),
        "expressions": list(EXPRESSIONS),
        "input": {"shape": [1, SIDE, SIDE], "range": [0, 1]},
        "cost": count_cost(network),
        "metrics": {},
        "provenance": {
            "data": {str(split): class_counts(pictures) for split, pictures in splits.items()},
            "recipe": recipe.as_dict()["training"],
            "origin": None if origin is None else asdict(origin),
            "training": list(computed),
            "epochs": list(candidate.epochs),
            "weights": candidate.name,
            "temperature": temperature,
            "fercli": __version__,
            "torch": torch.__version__,
        },
        "files": {ONNX: sha256(folder / ONNX)},
    }
    bundle, batch = Bundle(folder, description), _batch(splits[Split.PUBLIC])
    _require_weights(bundle, network.state_dict())
    with torch.inference_mode():
        expected = network(torch.from_numpy(batch)).numpy()
    check_parity(_classifier(bundle, "onnx")(batch), expected, ONNX)
    complete_bundle(folder, description, dataset)


def _calibrate(network: nn.Module, public: Pictures) -> float:
    """Divides the classifier by the temperature that fits PublicTest best; returns that temperature."""
    batches = torch.split(torch.from_numpy(public.pixels)[:, None], _BATCH)
    with torch.inference_mode():
        logits = torch.cat([network(unit_range(batch)) for batch in batches]).numpy()
    temperature = fit_temperature(logits, public.labels)
    with torch.no_grad():
        for parameter in network.get_submodule("classifier").parameters():
            parameter.div_(temperature)
    return temperature


def _require_weights(bundle: Bundle, trained: Weights) -> None:
    """Makes sure that model.onnx has every weight as it was trained: frameworks read them from there."""
    for name, value in read_weights(bundle).items():
        if not np.array_equal(value, trained[name].numpy()):
            raise ParityError(f"{ONNX} has another {name} than the network.")


def _export_onnx(path: Path, network: torch.nn.Module) -> None:
    """Writes the network with every weight as it is, so that frameworks can read them from the file too."""
    from onnxscript import optimizer

    with _quiet_exporter():
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 1, SIDE, SIDE),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("faces")},),
            input_names=["pictures"],
            output_names=["logits"],
            opset_version=_OPSET,
            optimize=False,  # or it would fold normalisations into the layers before them
            verbose=False,
        )
    if program is None:  # only torch's older exporter returns that
        raise ParityError("torch exported no model.")
    optimizer.fold_constants(program.model)
    optimizer.remove_unused_nodes(program.model)
    for node in program.model.graph:
        # They tell the paths of sources on this machine.
        node.metadata_props.clear()
    program.save(path, external_data=False)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silences torch's messages on its own internals and on torchvision, which is not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _classifier(bundle: Bundle, backend: str) -> Classifier:
    return load_classifiers([bundle], backend, CPU, torch.get_num_threads()).classifiers[0]


def _batch(pictures: Pictures) -> NDArray[np.float32]:
    """The batch on which runtimes are compared: float32 (N, 1, 48, 48)."""
    return to_unit_range(pictures.pixels[:_BATCH, np.newaxis])


def _logits(classifier: Classifier, pictures: Pictures) -> NDArray[np.float32]:
    return predict_logits(classifier, pictures, _BATCH, lambda _: None)


def _headline(classifier: Classifier, pictures: Pictures) -> Metrics:
    return headline_metrics(_logits(classifier, pictures), pictures.labels)


def _evaluate(
    classifier: Classifier, pictures: Pictures, training: Pictures, votes: NDArray[np.float32] | None
) -> Evaluation:
    seen = seen_in(pictures, training)
    return evaluate(_logits(classifier, pictures), pictures.labels, seen=seen, votes=votes)


def _metrics(evaluation: Evaluation, small: Metrics) -> dict[str, Any]:
    """A split's entry in model.json: the 32-bit network's metrics, and the 8-bit one's."""
    others = {"unseen": evaluation.unseen, "votes": evaluation.votes, "int8": small}
    there = {name: asdict(value) for name, value in others.items() if value is not None}
    return asdict(evaluation.metrics) | there
