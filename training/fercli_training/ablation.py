"""The article's experiments in its order, each with the same budget, beside the article's accuracies."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fercli.files import whole_file
from fercli.intervals import wilson_interval
from fercli.png_output import write_png
from fercli_training.recipe_files import load_experiments
from fercli_training.run import TrainingRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from fercli_training.inputs import TrainingData
    from fercli_training.progress import Progress


@dataclass(frozen=True, slots=True)
class Result:
    """An experiment's accuracy on PublicTest beside the article's.

    Attributes:
        name: the experiment's.
        article: the article's accuracy in percent, as the article words it; empty where it gives none.
        epochs: how many there were.
        by: what was best: an epoch, or a mean of snapshots.
        accuracy: in 0..1.
        interval: its 95% interval.
        article_range: the least and the largest accuracy that the article gives, in percent, where it does.
    """

    name: str
    article: str
    epochs: int
    by: str
    accuracy: float
    interval: tuple[float, float]
    article_range: tuple[float, ...] = ()


def run_ablation(
    data: TrainingData,
    folder: Path,
    overrides: Iterable[str],
    resume: bool,
    report: Callable[[Progress], None],
) -> Iterator[Result]:
    """Trains each experiment in a folder of its own, and yields its result.

    Args:
        data: what all of them are trained on.
        folder: holds the experiments' folders.
        overrides: `key=value` changes of every experiment, such as `epochs=5`.
        resume: whether an experiment whose folder holds a checkpoint goes on from it; a finished one is
            only evaluated.
        report: is told where an experiment stands after every step.

    Raises:
        UsageError: a change is wrong, or a checkpoint is.
        DivergedError: an experiment's loss became NaN or infinite.
    """
    for number, experiment in enumerate(load_experiments(overrides), start=1):
        place = folder / f"{number:02d}"
        place.mkdir(parents=True, exist_ok=True)
        run = TrainingRun(experiment.recipe, data, place)
        if resume and run.has_checkpoint():
            run.resume()
        best = max(run.run(report), key=lambda candidate: candidate.public_accuracy)
        right = round(best.public_accuracy * len(data.public))
        yield Result(
            experiment.recipe.name,
            experiment.article,
            experiment.recipe.training.epochs,
            best.name,
            best.public_accuracy,
            wilson_interval(right, len(data.public)),
            experiment.article_range,
        )


def write_results(results: Sequence[Result], folder: Path) -> None:
    """Writes ablation.json and ablation.png into the folder.

    Raises:
        ReportError: one of them cannot be written.
    """
    text = json.dumps([asdict(result) for result in results], indent=1)
    with whole_file(folder / "ablation.json") as made:
        made.write_text(text + "\n", "utf-8")
    write_png(_draw(results), folder / "ablation.png", dots_per_inch=120)


def _draw(results: Sequence[Result]) -> Figure:
    """The accuracies as dots with their intervals, the article's ranges as bars behind them."""
    from fercli.plotting import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for place, result in enumerate(results):
        low, high = (100 * end for end in result.interval)
        axes.plot([place, place], [low, high], color="tab:blue")
        axes.plot(
            place,
            100 * result.accuracy,
            "o",
            color="tab:blue",
            label="here, with 95%" if not place else None,
        )
        if result.article_range:
            axes.plot([place + 0.2] * 2, result.article_range, "_-", color="tab:orange", linewidth=4,
                      label="the article" if not place else None)  # fmt: skip
    axes.set_xticks(range(len(results)), [result.name for result in results], rotation=40, ha="right")
    axes.set_ylabel("accuracy on PublicTest, %")
    axes.set_title(f"The article's experiments, {results[0].epochs} epochs each")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return figure
