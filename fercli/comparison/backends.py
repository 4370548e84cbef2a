"""One model on several backends: whether they agree, how fast they are, and what they cost."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.comparison.network import Measured, Network, Timings, calls, faces_per_second
from fercli.comparison.side_by_side import Outcome, run_side_by_side
from fercli.comparison.tables import Column, Comparison, Section
from fercli.devices import usable_cores
from fercli.parity import CUDA_TOLERANCE, TOLERANCE
from fercli.plugins import BACKENDS, select
from fercli.prediction import softmax
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fercli.bundle import Bundle
    from fercli.comparison.faces import Faces
    from fercli.records import Row


_REFERENCES = ("torch", "onnx")
_PERCENT = 95

Networks = dict[str, Outcome[Timings, Measured]]


def compare_backends(
    asked: Sequence[str],
    bundle: Bundle,
    device: str,
    faces: Faces,
    batch_sizes: Sequence[int],
    repeat: int,
    tell: Callable[[str], None],
) -> Comparison:
    """One row per backend, all with the same number of threads; one that cannot run says why.

    Args:
        asked: backends' names; all that are installed if there are none.
        bundle: the model.
        device: as of `fercli.classifiers.load_classifiers`.
        faces: what they read, repeated to fill a batch.
        batch_sizes: faces at once, for the faces a second.
        repeat: rounds of timing.
        tell: told the name of the backend at work.

    Raises:
        UnavailableError: a backend is unknown.
    """
    names = select(BACKENDS, asked)
    sizes = sorted({1, *batch_sizes})
    outcomes = run_side_by_side(
        {name: Network(bundle, name, device, usable_cores(), faces.crops, sizes) for name in names},
        repeat,
        tell,
    )
    reference = _reference(outcomes)
    return Comparison(
        Column("backend", "backend"),
        _sections(batch_sizes),
        [_row(name, outcomes, reference, batch_sizes) for name in names],
        f"{bundle.name}, {count_of(len(faces.crops), 'face')}, {count_of(repeat, 'round')};"
        f" differences from {reference}",
    )


def disagreements(comparison: Comparison) -> list[str]:
    """A sentence for each backend that differs from the reference by more than it may."""
    return [
        f"{row['backend']} differs from the reference by {row['worst_logit_difference']:.2g} in a logit"
        f" and in {row['labels_that_differ']} of {count_of(int(row['faces'] or 0), 'label')};"
        f" {row['tolerance']:g} and none are allowed."
        for row in comparison.rows
        if row.get("agreement") == "disagrees"
    ]


def _reference(outcomes: Networks) -> str:
    """The name of the first that ran of torch, onnx and all others; empty where none did."""
    ran = [name for name, outcome in outcomes.items() if outcome.result]
    return next((name for name in (*_REFERENCES, *ran) if name in ran), "")


def _row(name: str, outcomes: Networks, reference: str, batch_sizes: Sequence[int]) -> Row:
    result = outcomes[name].result
    theirs = outcomes[reference].result if reference else None
    if result is None or theirs is None:
        return {"backend": name, "reason": outcomes[name].reason}
    timings = outcomes[name].rounds
    milliseconds = [1000 * seconds for seconds in calls(timings, 1)]
    difference = _difference(result, theirs)
    return {
        "backend": name,
        **{key: result.about.get(key) for key in ("runtime", "version", "device", "precision", "threads")},
        "faces": len(result.logits),
        "agreement": _agreement(difference, is_reference=name == reference),
        **difference._asdict(),
        "latency_ms_median": median(milliseconds),
        "latency_ms_p95": float(np.percentile(milliseconds, _PERCENT)),
        **{f"faces_per_second_{size}": faces_per_second(timings, size) for size in batch_sizes},
        "load_seconds": result.load_seconds,
        "peak_memory_mb": result.peak_megabytes,
        "size_mb": result.size_megabytes,
    }


class _Difference(NamedTuple):
    worst_logit_difference: float
    mean_logit_difference: float
    worst_probability_difference: float
    mean_probability_difference: float
    labels_that_differ: int
    tolerance: float | None


def _difference(ours: Measured, theirs: Measured) -> _Difference:
    logits = np.abs(ours.logits - theirs.logits)
    probabilities = np.abs(softmax(ours.logits) - softmax(theirs.logits))
    labels = ours.logits.argmax(axis=1) != theirs.logits.argmax(axis=1)
    return _Difference(
        float(logits.max()),
        float(logits.mean()),
        float(probabilities.max()),
        float(probabilities.mean()),
        int(labels.sum()),
        _tolerance(ours.about, theirs.about),
    )


def _tolerance(*abouts: Mapping[str, str]) -> float | None:
    """How far two may differ in a logit; None where one is not in 32-bit floats."""
    if any(about.get("precision") != "float32" for about in abouts):
        return None
    on_cpu = all(about.get("device", "").startswith("CPU") for about in abouts)
    return TOLERANCE if on_cpu else CUDA_TOLERANCE


def _agreement(difference: _Difference, *, is_reference: bool) -> str:
    if is_reference:
        return "reference"
    if difference.tolerance is None:
        return "not judged"
    within = difference.worst_logit_difference <= difference.tolerance
    return "agrees" if within and not difference.labels_that_differ else "disagrees"


def _sections(batch_sizes: Sequence[int]) -> tuple[Section, ...]:
    return (
        Section(
            "What ran",
            (
                Column("runtime", "runtime"),
                Column("version", "version"),
                Column("device", "device"),
                Column("precision", "precision"),
                Column("threads", "threads"),
                Column("faces", "faces", "d"),
            ),
        ),
        Section(
            "Differences from the reference",
            (
                Column("agreement", "agreement"),
                Column("worst_logit_difference", "worst logit", ".1e"),
                Column("mean_logit_difference", "mean logit", ".1e"),
                Column("worst_probability_difference", "worst p", ".1e"),
                Column("mean_probability_difference", "mean p", ".1e"),
                Column("labels_that_differ", "labels", "d"),
                Column("tolerance", "limit", ".0e"),
            ),
        ),
        Section(
            "Speed",
            (
                Column("latency_ms_median", "one face: median, ms", ".2f"),
                Column("latency_ms_p95", "p95, ms", ".2f"),
                *(Column(f"faces_per_second_{size}", f"faces/s at {size}", ".0f") for size in batch_sizes),
            ),
        ),
        Section(
            "Cost",
            (
                Column("load_seconds", "load, s", ".2f"),
                Column("peak_memory_mb", "peak memory, MB", ".0f"),
                Column("size_mb", "on disk, MB", ".1f"),
            ),
        ),
        Section("Not measured", (Column("reason", "reason"),)),
    )
