"""`fercli evaluate`: how good a model is on FER2013."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import counting, print_table
from fercli.errors import ReportError

if TYPE_CHECKING:
    from fercli_training.evaluation import Evaluation


class SplitName(StrEnum):
    """FER2013's two parts that no network is trained on."""

    PUBLIC = "public"
    PRIVATE = "private"


class Layout(StrEnum):
    """How figures are printed."""

    TABLE = "table"
    JSON = "json"


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="The name of a model that ships, or a model's folder.")
    ],
    data: options.Data,
    split: Annotated[
        SplitName, typer.Option(help="public to choose by, private to report once.")
    ] = SplitName.PRIVATE,
    backend: options.Backend = "auto",
    device: options.Device = "auto",
    batch_size: options.BatchSize = 64,
    format: Annotated[  # noqa: A002 - the parameter is the option's name
        Layout, typer.Option("--format", help="How the figures are printed.")
    ] = Layout.TABLE,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Also write DIR/SPLIT.json.", show_default=False),
    ] = None,
) -> None:
    """Measure a model on FER2013: accuracy with its 95% interval, each expression, confusions."""
    from fercli.bundle import load_bundle
    from fercli.choosing import load_classifiers
    from fercli.engines.local import usable_cores
    from fercli.plugins import blamed_on
    from fercli_training.data import Split, read_fer2013
    from fercli_training.evaluation import confusion_matrix
    from fercli_training.evaluation import evaluate as figures

    bundle = load_bundle(model)
    runtime, (classifier,) = load_classifiers([bundle], backend, device, usable_cores())
    with blamed_on(f"backend {runtime}"):
        about = dict(classifier.describe())
    chosen = {SplitName.PUBLIC: Split.PUBLIC, SplitName.PRIVATE: Split.PRIVATE}[split]
    pictures = read_fer2013(data, [chosen])[chosen]
    with counting("batches", shown=True) as count, blamed_on(f"backend {runtime}"):
        evaluation = figures(confusion_matrix(classifier, pictures, batch_size, lambda _: count("")))
    report = json.dumps(
        {"model": bundle.name, "split": str(chosen), "backend": about} | evaluation.as_dict(),
        indent=1,
    )
    if out is not None:
        _write(out / f"{split}.json", report)
    if format is Layout.JSON:
        typer.echo(report)
    else:
        _print(evaluation, f"{bundle.name} on {chosen}")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise ReportError(
            f"{path} cannot be written: {error.strerror}.", "Choose another --out."
        ) from error


def _print(evaluation: Evaluation, title: str) -> None:
    from rich.table import Table

    low, high = evaluation.interval
    table = Table(
        title=f"{title}: accuracy {evaluation.accuracy:.4f} (95%: {low:.4f} to {high:.4f}),"
        f" {evaluation.pictures} pictures"
    )
    for heading in ("expression", "precision", "recall", "F1", "pictures", *evaluation.expressions):
        table.add_column(heading, justify="left" if heading == "expression" else "right")
    for (name, row), answers in zip(evaluation.expressions.items(), evaluation.confusion, strict=True):
        shares = (f"{value:.3f}" for value in (row.precision, row.recall, row.f1))
        table.add_row(name, *shares, str(row.support), *(str(count) for count in answers))
    table.caption = "The last seven columns are the confusion matrix: how often each was answered."
    print_table(table)
