"""The model card: what a model was made from, how good it is, and what it must not be used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.bundle import ONNX_INT8
from fercli.records import EXPRESSIONS
from fercli_training.data import Split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fercli_training.evaluation import Evaluation

_TEMPLATE = """\
# {name}

Reads one of seven expressions ({expressions}) from a face of 48x48 grey pixels.

| | |
|---|---|
| architecture | {architecture} |
| parameters | {parameters:,} |
| multiply-adds a face | {multiply_adds:,} |
| made with | fercli {fercli}, torch {torch} |

## Accuracy on FER2013

{accuracy}

PublicTest chose the epoch ({epoch}); PrivateTest had no say. The intervals are Wilson's, 95%. The 8-bit
network, {int8} (`--backend onnx-int8`), is the 32-bit one quantised, calibrated by {calibration} Training
pictures. Its weights have 7 bits, so that processors without VNNI answer the same.

### By expression, PrivateTest, 32 bits

{by_expression}

### Confusions, PrivateTest, 32 bits

A row is the label, a column the answer.

{confusion}

## Data

FER2013's Training part (Goodfellow et al., 2013), {training:,} pictures: {counts}. The pictures were
found by an image search and labelled once; people agree with the labels in about two of three cases, some
pictures occur more than once, and ages, skin colours and cultures are not balanced or even recorded.
Disgust is rare. The data set is not part of fercli.

## Recipe

{recipe}

To make it again: `fercli train` with this recipe (`--set` changes an entry), seed included.

## What it is not for

A face's expression is not a feeling, and this model sees a single picture. It must not be used to judge
people: not for hiring, policing, schooling, insurance, health or credit, and not to watch anyone without
their consent. It is wrong in about one picture of three on FER2013, and how much worse it is for some
groups of people was not measured.
"""


def model_card(description: Mapping[str, Any], private: Evaluation) -> str:
    """The card, as Markdown, of a model.json and its 32-bit network's evaluation on PrivateTest."""
    provenance = description["provenance"]
    counts = provenance["data"][Split.TRAINING]
    return _TEMPLATE.format(
        name=description["name"],
        expressions=", ".join(EXPRESSIONS),
        architecture=", ".join(f"{key} {value}" for key, value in description["architecture"].items()),
        **description["cost"],
        fercli=provenance["fercli"],
        torch=provenance["torch"],
        epoch=provenance["epoch"],
        accuracy=_accuracies(description["metrics"], provenance["data"]),
        int8=ONNX_INT8,
        calibration=provenance["int8"]["pictures"],
        by_expression=_by_expression(private),
        confusion=_table(
            ["", *EXPRESSIONS],
            [[name, *map(str, row)] for name, row in zip(EXPRESSIONS, private.confusion, strict=True)],
        ),
        training=sum(counts.values()),
        counts=", ".join(f"{name} {count}" for name, count in counts.items()),
        recipe=_table(
            ["entry", "value"], [[key, str(value)] for key, value in provenance["recipe"].items()]
        ),
    )


def _accuracies(metrics: Mapping[str, Any], data: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        [split, str(sum(data[split].values())), bits, f"{figures['accuracy']:.4f}",
         "{:.4f} to {:.4f}".format(*figures["interval"])]
        for split, both in metrics.items()
        for bits, figures in (("32", both), ("8", both["int8"]))
    ]  # fmt: skip
    return _table(["split", "pictures", "bits", "accuracy", "95% interval"], rows)


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
