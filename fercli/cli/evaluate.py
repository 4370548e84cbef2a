"""`fercli evaluate`: how good a model is on FER2013."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fercli import defaults
from fercli.cli import options
from fercli.cli.messages import counting, print_document, print_table, say
from fercli.extras import require
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from fercli.evaluation.results import Evaluation, Metrics, VoteAgreement
    from fercli.fer2013 import Pictures
    from fercli.prediction import Predictor

_METRICS = {
    "accuracy": "accuracy",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "top2_accuracy": "accuracy of the two likeliest",
    "calibration_error": "expected calibration error",
    "brier_score": "Brier score",
    "negative_log_likelihood": "negative log likelihood",
}


class SplitName(StrEnum):
    """FER2013's two parts that no network is trained on, or both of them."""

    PUBLIC = "public"
    PRIVATE = "private"
    BOTH = "both"


def evaluate(
    model: options.Model,
    data: options.Data,
    split: Annotated[
        SplitName, typer.Option(help="public to choose a model with, private to report once, or both.")
    ] = SplitName.PRIVATE,
    ferplus: options.FerPlus = None,
    tta: options.Mirrored = False,
    backend: options.Backend = defaults.BACKEND,
    device: options.Device = defaults.DEVICE,
    batch_size: options.BatchSize = defaults.BATCH_SIZE,
    layout: Annotated[
        options.Layout, typer.Option("--format", help="How the metrics are printed.")
    ] = options.Layout.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Also write DIR/SPLIT.json and charts.", show_default=False
        ),
    ] = None,
) -> None:
    """Measure a model on FER2013: accuracy, calibration and each expression, with 95% intervals.

    The headline metrics are given twice: for all pictures, and for those that are not in Training as well.
    """
    from fercli.fer2013 import Split, read_pictures

    parts = {SplitName.PUBLIC: Split.PUBLIC, SplitName.PRIVATE: Split.PRIVATE}
    chosen = {name: part for name, part in parts.items() if split in {name, SplitName.BOTH}}
    if out is not None:
        require("Drawing charts", "charts", "matplotlib")
        _refuse_place(out, list(chosen))
    network, about = _network(model, backend, device, mirrored=tta)
    pictures = read_pictures(data, [Split.TRAINING, *chosen.values()], say)
    votes = {} if ferplus is None else {part: _votes(ferplus, pictures[part]) for part in chosen.values()}
    reports: list[dict[str, Any]] = []
    for name, part in chosen.items():
        evaluation = _evaluate(
            network, pictures[part], pictures[Split.TRAINING], votes.get(part), batch_size
        )
        report = {**about, "split": str(part), **evaluation.as_dict()}
        title = f"{about['model']} on {part}{', with mirror images' if tta else ''}"
        if out is not None:
            _write(out, name, report, evaluation, title)
        if layout is options.Layout.TABLE:
            _print(evaluation, f"\n{title}" if reports else title)
        reports.append(report)
    if layout is options.Layout.JSON:
        typer.echo(json.dumps(reports if split is SplitName.BOTH else reports[0], indent=1))


def _network(
    model: str, backend: str, device: str, *, mirrored: bool
) -> tuple[Callable[[NDArray[np.float32]], NDArray[np.float32]], dict[str, Any]]:
    """The network, from a batch, float32 (N, 1, 48, 48), to logits, and its description for the report."""
    from fercli.bundle import load_members
    from fercli.classifiers import load_classifiers
    from fercli.devices import usable_cores
    from fercli.prediction import Predictor

    bundles = load_members(model)
    _, classifiers = load_classifiers(bundles, backend, device, usable_cores())
    name = bundles[0].name if len(bundles) == 1 else model
    about = {"model": name, "mirrored": mirrored, "backend": dict(classifiers[0].describe())}
    if mirrored or len(bundles) > 1:
        return partial(_logarithms, Predictor(classifiers, mirrored=mirrored)), about
    return classifiers[0], about


def _logarithms(predictor: Predictor, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of the predictor's probabilities: their logarithms."""
    import numpy as np

    smallest = np.finfo(np.float32).tiny
    return np.log(np.maximum(predictor(batch[:, 0]), smallest)).astype(np.float32)


def _votes(path: Path, pictures: Pictures) -> NDArray[np.float32]:
    from fercli.fer2013.votes import read_votes

    return read_votes(path, pictures.rows)


def _evaluate(
    network: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    pictures: Pictures,
    training: Pictures,
    votes: NDArray[np.float32] | None,
    batch_size: int,
) -> Evaluation:
    from fercli.evaluation import results
    from fercli.fer2013.duplicates import seen_in

    with counting("batch", shown=True) as count:
        logits = results.predict_logits(network, pictures, batch_size, lambda _: count(""))
    return results.evaluate(logits, pictures.labels, seen=seen_in(pictures, training), votes=votes)


def _refuse_place(out: Path, names: list[SplitName]) -> None:
    """Refuses to replace anything but an earlier evaluation."""
    from fercli.evaluation.charts import refuse_charts_place
    from fercli.replacing import refuse_foreign

    for name in names:
        refuse_foreign(out / f"{name}.json", "an evaluation of fercli", (b'"split"', b'"confusion"'))
        refuse_charts_place(out, name)


def _write(out: Path, name: str, report: dict[str, Any], evaluation: Evaluation, title: str) -> None:
    from fercli.evaluation.charts import write_charts
    from fercli.files import make_folder, whole_file

    make_folder(out)
    with whole_file(out / f"{name}.json") as made:
        made.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    write_charts(evaluation, title, out, name)


def _print(evaluation: Evaluation, title: str) -> None:
    print_table(_headline(evaluation, title))
    print_table(_expressions(evaluation))
    if evaluation.votes is not None:
        print_document(_agreement(evaluation.votes))


def _agreement(votes: VoteAgreement) -> str:
    low, high = votes.interval
    return (
        f"FER+, {count_of(votes.pictures, 'picture')} with votes:"
        f" {votes.accuracy:.4f} ({low:.4f} to {high:.4f}) of the answers are the voters' first choice,\n"
        f"as {votes.label_accuracy:.4f} of FER2013's own labels are;"
        f" on average {votes.expected_accuracy:.4f} of the voters chose the answer."
    )


def _headline(evaluation: Evaluation, title: str) -> Table:
    from rich.table import Table

    table = Table(title=title, caption="In brackets: 95% intervals.")
    table.add_column("metric")
    columns = {"all pictures": evaluation.metrics, "not in Training as well": evaluation.unseen}
    measured = [(heading, metrics) for heading, metrics in columns.items() if metrics is not None]
    for heading, metrics in measured:
        table.add_column(f"{heading} ({metrics.pictures})")
    for name, words in _METRICS.items():
        table.add_row(words, *(_with_interval(metrics, name) for _, metrics in measured))
    return table


def _with_interval(metrics: Metrics, name: str) -> str:
    text = f"{getattr(metrics, name):.4f}"
    if name not in metrics.intervals:
        return text
    low, high = metrics.intervals[name]
    return f"{text} ({low:.4f} to {high:.4f})"


def _expressions(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table(
        caption="AP: average precision. Under an expression's name: how often it was answered,"
        " the confusion matrix."
    )
    for heading in ("expression", "precision", "recall", "F1", "AP", "pictures", *evaluation.expressions):
        table.add_column(heading, justify="left" if heading == "expression" else "right")
    for (name, row), answers in zip(evaluation.expressions.items(), evaluation.confusion, strict=True):
        shares = (f"{value:.3f}" for value in (row.precision, row.recall, row.f1, row.average_precision))
        table.add_row(name, *shares, str(row.support), *(str(count) for count in answers))
    return table
