"""Writes the models of a finished training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fercli_training.export import write_bundle
from fercli_training.place import MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from fercli_training.inputs import Dataset
    from fercli_training.run import TrainingRun
    from fercli_training.snapshots import Candidate

_ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run: its candidates, best on PublicTest first, and the models' folders."""

    candidates: list[Candidate]
    models: list[Path]


def write_models(run: TrainingRun, candidates: list[Candidate], dataset: Dataset) -> RunResult:
    """Writes the best single network as a model; an ensemble that is better still, as several more.

    Raises:
        ParityError: a model's runtimes differ more than is allowed.
        ReportError: the folder cannot be written.
    """

    def write(folder: Path, candidate: Candidate) -> Path:
        return write_bundle(folder, run.recipe, candidate, dataset, run.computed, run.origin)

    ranked = sorted(candidates, key=lambda candidate: candidate.public_accuracy, reverse=True)
    best = ranked[0]
    single = next(candidate for candidate in ranked if len(candidate.networks) == 1)
    models = [write(run.folder / MODEL, single)]
    if best is not single:
        models = [
            write(run.folder / _ENSEMBLE / f"{epoch}", best.member(number))
            for number, epoch in enumerate(best.epochs)
        ]
    return RunResult(ranked, models)
