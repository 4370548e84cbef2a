"""The model card: a model's data and recipe, its accuracy, and what it must not be used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.bundle import ONNX_INT8
from fercli.fer2013 import Split
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fercli.evaluation.results import Evaluation

_TEMPLATE = """\
# {name}

Reads one of seven expressions ({expressions}) from a face of 48x48 grey pixels.

| | |
|---|---|
| architecture | {architecture} |
| parameters | {parameters:,} |
| multiply-adds a face | {multiply_adds:,} |
| made with | fercli {fercli}, torch {torch} |{origin}{computed}

## Accuracy{on}

{accuracy}

{chosen}; PrivateTest had no say. The intervals are 95%: Wilson's for
accuracies, bootstrapped for the rest. "Not in Training" leaves out the pictures that also occur, exactly
or nearly, in the Training part. The 8-bit network, {int8} (`--backend onnx-int8`), is the
32-bit one quantised, calibrated by {calibration} Training pictures. Its weights have 7 bits, so that
processors without VNNI answer the same.

### Calibration

{calibrated} The expected calibration error is the mean distance of confidence and accuracy over 15
bins of equal width (Guo et al., 2017). PrivateTest, 32 bits:

{reliability}

### By expression, PrivateTest, 32 bits

{by_expression}

### Confusions, PrivateTest, 32 bits

A row is the label, a column the answer.

{confusion}

## Data

{source}{taught}{started}

## Recipe

{recipe}

To make it again: `fercli train` with this recipe (`--set` changes an entry) and its seed, the same votes,
the same teachers and the same start, if it has any; docs/training.md tells how the models that ship were
made.

## What it is not for

A face's expression is not a feeling, and this model sees a single picture. It must not be used to judge
people: not for hiring, policing, schooling, insurance, health or credit, and not to watch anyone without
their consent. It is wrong in {wrong:.0%} of PrivateTest's pictures, and how much worse it is for some
groups of people was not measured.
"""


_FER2013 = """\
FER2013's Training part (Goodfellow et al., 2013), {training:,} pictures: {counts}. The pictures were
found by an image search and labelled once; people agree with the labels in about two of three cases, some
pictures occur more than once, and ages, skin colours and cultures are not balanced or even recorded.
Disgust is rare. The data set is not part of fercli."""

_OTHER_DATA = """\
The Training part of a data set that is not FER2013, {training:,} pictures: {counts}. PublicTest and
PrivateTest are that data set's own parts, so the figures above cannot be compared with FER2013's."""

_FER2013_PICTURES = {Split.TRAINING: 28_709, Split.PUBLIC: 3_589, Split.PRIVATE: 3_589}


def model_card(description: Mapping[str, Any], private: Evaluation) -> str:
    """The card, as Markdown, of a model.json and its 32-bit network's evaluation on PrivateTest."""
    provenance = description["provenance"]
    counts = provenance["data"][Split.TRAINING]
    training = sum(counts.values())
    is_fer2013 = _is_fer2013(provenance["data"])
    return _TEMPLATE.format(
        name=description["name"],
        expressions=", ".join(EXPRESSIONS),
        architecture=", ".join(f"{key} {value}" for key, value in description["architecture"].items()),
        **description["cost"],
        fercli=provenance["fercli"],
        torch=provenance["torch"],
        on=" on FER2013" if is_fer2013 else "",
        origin=_origin(provenance),
        computed=_computed(provenance),
        chosen=_chosen(provenance),
        calibrated=_calibrated(provenance),
        accuracy=_accuracies(description["metrics"]),
        reliability=_reliability(private),
        source=(_FER2013 if is_fer2013 else _OTHER_DATA).format(
            training=training, counts=", ".join(f"{name} {count}" for name, count in counts.items())
        ),
        taught=_taught(provenance["recipe"]),
        started=_started(provenance),
        int8=ONNX_INT8,
        calibration=provenance["int8"]["pictures"],
        by_expression=_by_expression(private),
        wrong=1 - private.metrics.accuracy,
        confusion=_table(
            ["", *EXPRESSIONS],
            [[name, *map(str, row)] for name, row in zip(EXPRESSIONS, private.confusion, strict=True)],
        ),
        recipe=_table(
            ["entry", "value"], [[key, str(value)] for key, value in provenance["recipe"].items()]
        ),
    )


def _is_fer2013(data: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether a data set has as many pictures as FER2013 in each part."""
    return {split: sum(counts.values()) for split, counts in data.items()} == _FER2013_PICTURES


def _origin(provenance: Mapping[str, Any]) -> str:
    """The table's row on the model that the network started from; empty for fresh weights."""
    origin = provenance.get("origin")
    return "" if origin is None else f"\n| started from | {origin['model']}, sha256 {origin['sha256']} |"


def _started(provenance: Mapping[str, Any]) -> str:
    origin = provenance.get("origin")
    if origin is None:
        return ""
    return f" The network started from {origin['model']}, whose own card says what that had learnt from."


def _computed(provenance: Mapping[str, Any]) -> str:
    """The table's row on how the training was computed; empty for older models, which do not say it."""
    parts = [
        f"from epoch {part['from_epoch']} in {part['precision']} on {part['device']},"
        f" {'compiled' if part['compiled'] else 'not compiled'}"
        for part in provenance.get("training", ())
    ]
    return f"\n| computed | {'; '.join(parts)} |" if parts else ""


def _chosen(provenance: Mapping[str, Any]) -> str:
    epochs = ", ".join(str(epoch) for epoch in provenance["epochs"])
    if share := provenance["recipe"].get("start_share"):
        return f"The weights are {share:.0%} those of the start, and else the mean of epochs {epochs}"
    return f"PublicTest chose the {provenance['weights']} ({epochs})"


def _calibrated(provenance: Mapping[str, Any]) -> str:
    temperature = provenance.get("temperature")
    if temperature is None:
        return "The probabilities are the network's own."
    return (
        f"The last layer is divided by a temperature of {temperature:.3f}, which fits PublicTest best, so"
        " that the probabilities mean what they say."
    )


def _taught(recipe: Mapping[str, Any]) -> str:
    """The sources of the targets besides the labels."""
    told = ""
    if recipe.get("votes"):
        told += (
            " FER+ votes (Barsoum et al., 2016; MIT licence) on Training's own rows make"
            f" {recipe['votes']:.0%} of the targets."
        )
    if recipe.get("teacher"):
        told += f" The answers of other networks, trained on the same rows, make {recipe['teacher']:.0%}."
    return told


def _accuracies(metrics: Mapping[str, Any]) -> str:
    rows = []
    for split, whole in metrics.items():
        parts = [(split, "32", whole), (f"{split}, not in Training", "32", whole.get("unseen"))]
        for *names, measured in [*parts, (split, "8", whole["int8"])]:
            rows += [[*names, *_headline(measured)]] if measured else []
    header = [
        "pictures",
        "bits",
        "number",
        "accuracy",
        "macro recall",
        "macro F1",
        "top 2",
        "calibration error",
    ]
    agreements = [_agreement(split, whole["votes"]) for split, whole in metrics.items() if "votes" in whole]
    return "\n\n".join([_table(header, rows), *agreements])


def _headline(metrics: Mapping[str, Any]) -> list[str]:
    def spread(name: str) -> str:
        low, high = metrics["intervals"][name]
        return f"{metrics[name]:.4f} ({low:.4f} to {high:.4f})"

    names = ("accuracy", "macro_recall", "macro_f1")
    top, error = f"{metrics['top2_accuracy']:.4f}", spread("calibration_error")
    return [str(metrics["pictures"]), *map(spread, names), top, error]


def _agreement(split: str, votes: Mapping[str, Any]) -> str:
    low, high = votes["interval"]
    return (
        f"Of the {votes['pictures']} pictures of {split} with FER+ votes, the answer is the voters' most"
        f" frequent in {votes['accuracy']:.1%} ({low:.1%} to {high:.1%}); FER2013's own label is in"
        f" {votes['label_accuracy']:.1%}."
    )


def _reliability(evaluation: Evaluation) -> str:
    return _table(
        ["confidence", "pictures", "mean confidence", "accuracy"],
        [
            [f"{part.lower:.2f} to {part.upper:.2f}", str(part.pictures), f"{part.confidence:.3f}",
             f"{part.accuracy:.3f}"]
            for part in evaluation.reliability
        ],
    )  # fmt: skip


def _by_expression(evaluation: Evaluation) -> str:
    return _table(
        ["expression", "precision", "recall", "F1", "pictures"],
        [
            [name, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", str(row.support)]
            for name, row in evaluation.expressions.items()
        ],
    )


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
