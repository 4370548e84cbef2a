"""Several models on one backend: how often they are right, how often they agree, and what they cost."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from fercli.bundle import load_bundle
from fercli.comparison.faces import UNKNOWN
from fercli.comparison.network import Measured, Network, Timings, faces_per_second
from fercli.comparison.side_by_side import Outcome, run_side_by_side
from fercli.comparison.tables import Column, Comparison, Section
from fercli.devices import usable_cores
from fercli.intervals import wilson_interval
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.comparison.faces import Faces
    from fercli.records import Row

_SECTIONS = (
    Section(
        "Answers",
        (
            Column("faces", "faces", "d"),
            Column("labelled", "of known expression", "d"),
            Column("accuracy", "accuracy", ".4f"),
            Column("accuracy_low", "95%: from", ".4f"),
            Column("accuracy_high", "to", ".4f"),
            Column("agreement", "same as the first", ".4f"),
        ),
    ),
    Section(
        "Speed and cost",
        (
            Column("backend", "backend"),
            Column("device", "device"),
            Column("faces_per_second", "faces/s", ".0f"),
            Column("load_seconds", "load, s", ".2f"),
            Column("parameters", "parameters", ",d"),
            Column("size_mb", "on disk, MB", ".1f"),
        ),
    ),
    Section("Not measured", (Column("reason", "reason"),)),
)


def compare_models(
    models: Sequence[str],
    backend: str,
    device: str,
    faces: Faces,
    batch_size: int,
    repeat: int,
    tell: Callable[[str], None],
) -> Comparison:
    """One row per model; one that cannot run says why.

    Args:
        models: names of models that ship, or models' folders.
        backend: as of `fercli.classifiers.load_classifiers`.
        device: the same.
        faces: what they read; where labels are known they give the accuracy.
        batch_size: faces at once, for the faces a second.
        repeat: rounds of timing.
        tell: told the name of the model at work.

    Raises:
        UnavailableError: a model is unknown.
    """
    bundles = {model: load_bundle(model) for model in models}
    outcomes = run_side_by_side(
        {
            model: Network(bundle, backend, device, usable_cores(), faces.crops, [batch_size])
            for model, bundle in bundles.items()
        },
        repeat,
        tell,
    )
    first = next((outcome.result for outcome in outcomes.values() if outcome.result), None)
    return Comparison(
        Column("model", "model"),
        _SECTIONS,
        [_row(model, bundles[model], outcomes[model], first, faces, batch_size) for model in outcomes],
        f"{count_of(len(faces.crops), 'face')}, {batch_size} at once, {count_of(repeat, 'round')}",
    )


def _row(
    model: str,
    bundle: Bundle,
    outcome: Outcome[Timings, Measured],
    first: Measured | None,
    faces: Faces,
    batch_size: int,
) -> Row:
    result = outcome.result
    if result is None or first is None:
        return {"model": model, "reason": outcome.reason}
    answers = result.logits.argmax(axis=1)
    return {
        "model": model,
        "faces": len(answers),
        **_accuracy(answers == faces.labels, faces.labels != UNKNOWN),
        "agreement": float((answers == first.logits.argmax(axis=1)).mean()),
        "backend": result.backend,
        "device": result.about.get("device"),
        "faces_per_second": faces_per_second(outcome.rounds, batch_size),
        "load_seconds": result.load_seconds,
        "parameters": _parameters(bundle),
        "size_mb": result.size_megabytes,
    }


def _accuracy(right: NDArray[np.bool_], known: NDArray[np.bool_]) -> Row:
    labelled = int(known.sum())
    if not labelled:
        return {"labelled": 0}
    count = int(right[known].sum())
    low, high = wilson_interval(count, labelled)
    return {
        "labelled": labelled,
        "accuracy": count / labelled,
        "accuracy_low": low,
        "accuracy_high": high,
    }


def _parameters(bundle: Bundle) -> int:
    """What training learnt, without the means and variances of batch normalisation."""
    shapes = bundle.architecture.tensors().items()
    return sum(prod(shape) for name, shape in shapes if "running_" not in name)
