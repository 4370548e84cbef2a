"""`fercli train`: FER2013 in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import say
from fercli.cli.training import begin, interrupted_message, training_progress
from fercli.errors import UsageError
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fercli_training.inputs import RunInputs
    from fercli_training.models import RunResult
    from fercli_training.recipe import Recipe

_ABLATION = "ablation"
"""It was a recipe once, and is a command of its own."""


def train(
    data: options.Data,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The run's folder.", show_default=False)
    ],
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe that ships (article, residual, finetune), or a TOML file.",
        ),
    ] = "residual",
    ferplus: options.FerPlus = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="A model whose answers are learned too; may be repeated."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model of the same network, whose weights are the start in place of fresh ones.",
            show_default=False,
        ),
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, metavar="N", help="GPUs to train on; processes, where there is no GPU.")
    ] = 1,
    resume: options.ResumeTraining = False,
    changes: options.Changes = None,
) -> None:
    """Train a network on FER2013 and write it as a model into OUT/model.

    A checkpoint is written after every epoch, and at Ctrl-C: --resume goes on from it.
    """
    teachers = teacher or []
    begin(out, _named(data, recipe, ferplus, teachers, init), resume=resume)
    from fercli_training.inputs import RunInputs
    from fercli_training.recipe_files import load_recipe

    if recipe == _ABLATION and not Path(recipe).is_file():
        raise UsageError(
            f"{recipe} is not a recipe, but a command of its own.",
            f"Use: fercli {_ABLATION} --data {quoted(data)} --out {quoted(out)}",
        )
    inputs = RunInputs(data, ferplus, teachers, init)
    result = _train(load_recipe(recipe, changes or ()), inputs, out, resume, devices)
    if result is not None:
        _say_result(result)


def _named(
    data: Path, recipe: str, ferplus: Path | None, teachers: Sequence[str], init: str | None
) -> list[tuple[str, Path]]:
    """The paths that a run reads, each after its kind."""
    votes = [] if ferplus is None else [("votes", ferplus)]
    start = [] if init is None else [("model", Path(init))]
    models = [*(("teacher", Path(name)) for name in teachers), *start]
    return [("data set", data), ("recipe", Path(recipe)), *votes, *models]


def _train(recipe: Recipe, inputs: RunInputs, out: Path, resume: bool, devices: int) -> RunResult | None:
    """The run's result; None in a process that is not the run's main one."""
    from fercli_training.inputs import read_inputs, require_fit
    from fercli_training.models import write_models
    from fercli_training.place import occupied
    from fercli_training.run import TrainingRun

    require_fit(recipe, inputs, resumed=resume)
    told: list[str] = []
    training_data, dataset = read_inputs(inputs, told.append)
    with occupied(out):
        run = TrainingRun(recipe, training_data, out, devices)
        if run.is_main_process:
            say(*told)
        if resume:
            run.resume()
        if run.is_main_process:
            say(f"{recipe.name}: {run.summary}")
        try:
            with training_progress() as report:
                candidates = run.run(report)
            return write_models(run, candidates, dataset) if run.is_main_process else None
        except KeyboardInterrupt:
            if run.is_main_process:
                say(interrupted_message(out, saved=run.has_checkpoint()))
            raise


def _say_result(result: RunResult) -> None:
    for candidate in result.candidates:
        epochs = ", ".join(str(epoch) for epoch in candidate.epochs)
        say(f"{candidate.name} ({epochs}): {candidate.public_accuracy:.4f} on PublicTest.")
    if len(result.models) == 1:
        say(f"The model is in {quoted(result.models[0])}.")
    else:
        members = " ".join(f"--model {quoted(model)}" for model in result.models)
        say(f"The best on PublicTest is an ensemble: fercli predict {members}")
