"""The article's experiments in its order, each trained by the same budget, beside the article's figures."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fercli.evaluation.intervals import wilson_interval
from fercli.files import whole_file
from fercli.png_output import write_png
from fercli_training.loop import Material, Trainer
from fercli_training.recipe_files import load_experiments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from fercli_training.loop import Step


@dataclass(frozen=True, slots=True)
class Result:
    """An experiment's accuracy on PublicTest, 0..1, with its 95% interval, and the article's in percent.

    Attributes:
        by: what was best: an epoch, or a mean of snapshots.
    """

    name: str
    article: str
    epochs: int
    by: str
    accuracy: float
    interval: tuple[float, float]


def run_ablation(
    material: Material, folder: Path, overrides: Iterable[str], resume: bool, report: Callable[[Step], None]
) -> Iterator[Result]:
    """Trains each experiment in a folder of its own, and yields its result.

    Args:
        material: what all of them learn from.
        folder: holds the experiments' folders.
        overrides: `key=value` changes of every experiment, such as `epochs=5`.
        resume: whether experiments whose folder holds a checkpoint go on from it; a finished one is
            only evaluated.
        report: is told where an experiment stands after every step.

    Raises:
        UsageError: a change is wrong, or a checkpoint is.
        DivergedError: an experiment's loss became NaN or infinite.
    """
    for number, experiment in enumerate(load_experiments(overrides), start=1):
        place = folder / f"{number:02d}"
        place.mkdir(parents=True, exist_ok=True)
        trainer = Trainer(experiment.recipe, material, place)
        if resume and trainer.has_checkpoint():
            trainer.resume()
        best = max(trainer.run(report), key=lambda candidate: candidate.public_accuracy)
        right = round(best.public_accuracy * len(material.public))
        yield Result(
            experiment.recipe.name,
            experiment.article,
            experiment.recipe.training.epochs,
            best.name,
            best.public_accuracy,
            wilson_interval(right, len(material.public)),
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
        told = [float(number) for number in re.findall(r"[0-9.]+", result.article)]
        if told:
            axes.plot([place + 0.2] * 2, [min(told), max(told)], "_-", color="tab:orange", linewidth=4,
                      label="the article" if not place else None)  # fmt: skip
    axes.set_xticks(range(len(results)), [result.name for result in results], rotation=40, ha="right")
    axes.set_ylabel("accuracy on PublicTest, %")
    axes.set_title(f"The article's experiments, {results[0].epochs} epochs each")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return figure
