"""The model card: what a model was made from, how good it is, and what it must not be used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

PublicTest chose the epoch ({epoch}); PrivateTest had no say. The intervals are Wilson's, 95%.

### By expression, PrivateTest

{by_expression}

### Confusions, PrivateTest

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


def model_card(description: Mapping[str, Any], evaluations: Mapping[Split, Evaluation]) -> str:
    """The card, as Markdown, of a model.json and its evaluations."""
    private = evaluations[Split.PRIVATE]
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
        accuracy=_accuracies(evaluations),
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


def _accuracies(evaluations: Mapping[Split, Evaluation]) -> str:
    return _table(
        ["split", "pictures", "accuracy", "95% interval"],
        [
            [split, str(each.pictures), f"{each.accuracy:.4f}", "{:.4f} to {:.4f}".format(*each.interval)]
            for split, each in evaluations.items()
        ],
    )


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
