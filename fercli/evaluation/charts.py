"""Charts of an evaluation: reliability, confusions, precision and recall. Drawn without a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fercli.evaluation.calibration import BINS
from fercli.plotting import Figure, FigureCanvasAgg, PercentFormatter
from fercli.png_output import refuse_place, write_png
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from fercli.evaluation.results import Evaluation

_DOTS_PER_INCH = 120
_ANSWERS, _IDEAL = "#0072b2", "#555555"
_COLOURS = dict(
    zip(
        EXPRESSIONS,
        ("#d55e00", "#8c6d1f", "#000000", "#e69f00", "#0072b2", "#cc79a7", "#009e73"),
        strict=True,
    )
)
"""Okabe and Ito's (2008), for any colour vision; brown replaces their pale yellow."""


def write_charts(evaluation: Evaluation, title: str, folder: Path, prefix: str) -> list[Path]:
    """Writes PREFIX.reliability.png, PREFIX.confusion.png and PREFIX.curves.png into a folder.

    Returns:
        Their paths.

    Raises:
        ReportError: one cannot be written.
    """
    drawn = (
        reliability_chart(evaluation, title),
        confusion_chart(evaluation.confusion, title),
        precision_recall_chart(evaluation, title),
    )
    paths = _paths(folder, prefix)
    for path, figure in zip(paths, drawn, strict=True):
        write_png(figure, path)
    return paths


def refuse_charts_place(folder: Path, prefix: str) -> None:
    """Raises a `UsageError` if `write_charts` would replace another file than a drawing of fercli."""
    for path in _paths(folder, prefix):
        refuse_place(path)


def _paths(folder: Path, prefix: str) -> list[Path]:
    return [folder / f"{prefix}.{name}.png" for name in ("reliability", "confusion", "curves")]


def reliability_chart(evaluation: Evaluation, title: str) -> Figure:
    """Accuracy over confidence, a point for each bin; below, the number of pictures in each bin."""
    figure = _figure(6.4, 7.2)
    curve, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = evaluation.reliability
    confidences = [entry.confidence for entry in bins]
    curve.plot((0, 1), (0, 1), "--", color=_IDEAL, label="perfectly calibrated (below: too sure)")
    curve.plot(
        confidences,
        [entry.accuracy for entry in bins],
        "o-",
        color=_ANSWERS,
        label="answers",
        clip_on=False,
    )
    curve.vlines(
        confidences, confidences, [entry.accuracy for entry in bins], color="#d55e00", label="gap", lw=2
    )
    error = evaluation.metrics.calibration_error
    curve.set_title(f"{title}\nexpected calibration error {error:.3f}", parse_math=False)
    curve.set_ylabel("share that is right")
    curve.legend(loc="upper left")
    bars = counts.bar(
        [(entry.lower + entry.upper) / 2 for entry in bins],
        [entry.pictures for entry in bins],
        0.9 / BINS,
        color=_ANSWERS,
    )
    counts.bar_label(bars, fontsize=8)
    counts.margins(y=0.2)
    counts.set_xlabel("confidence: the answer's probability")
    counts.set_ylabel("pictures")
    _unit_axes(curve)
    return figure


def confusion_chart(confusion: list[list[int]], title: str) -> Figure:
    """Seven by seven cells: how many of a label's pictures got an answer, as a share and a count."""
    figure = _figure(7.8, 6.6)
    axes = figure.subplots()
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (label, answer), share in np.ndenumerate(shares):
        axes.text(
            answer,
            label,
            f"{share:.0%}\n{counts[label, answer]}",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if share > 0.5 else "black",  # noqa: PLR2004 - from here blue is dark
        )
    places = range(len(EXPRESSIONS))
    axes.set_xticks(places, EXPRESSIONS)
    axes.set_yticks(places, [f"{name} ({counts[label].sum()})" for label, name in enumerate(EXPRESSIONS)])
    axes.set_xlabel("answer")
    axes.set_ylabel("label (pictures)")
    axes.set_title(title, parse_math=False)
    bar = figure.colorbar(picture, ax=axes, fraction=0.046, format=PercentFormatter(1))
    bar.set_label("share of the label's pictures")
    return figure


def precision_recall_chart(evaluation: Evaluation, title: str) -> Figure:
    """Precision over recall, a line for each expression, with its average precision in the legend."""
    figure = _figure(8.2, 6.4)
    axes = figure.subplots()
    for name, curve in evaluation.curves.items():
        label = f"{name} (AP {evaluation.expressions[name].average_precision:.2f})"
        axes.plot(curve.recall, curve.precision, color=_COLOURS[name], label=label, lw=1.6)
    axes.set_title(f"{title}\neach expression against all others", parse_math=False)
    axes.set_xlabel("recall: share of the expression's pictures found")
    axes.set_ylabel("precision: share of those found that are it")
    axes.legend(loc="lower left")
    _unit_axes(axes)
    return figure


def _figure(width: float, height: float) -> Figure:
    """A new figure, in inches, outside of matplotlib's global state."""
    figure = Figure((width, height), _DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _unit_axes(axes: Axes) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=np.linspace(0, 1, 11), yticks=np.linspace(0, 1, 11))
    axes.grid(alpha=0.3)
