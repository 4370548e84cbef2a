"""`fercli train`: FER2013 in, a model out."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import print_table, say
from fercli.cli.training_progress import training_progress
from fercli.errors import UnavailableError, UsageError
from fercli.runtimes import give_torch_a_temporary_cache

if TYPE_CHECKING:
    from rich.table import Table

    from fercli_training.ablation import Result
    from fercli_training.run import Sources

_NEEDED = (
    "lightning_fabric",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "safetensors",
    "tensorboard",
    "torch",
)
_ABLATION = "ablation"


def train(
    data: options.Data,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The run's folder.", show_default=False)
    ],
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe that ships (article, residual), a TOML file of your own, or ablation: the"
            " article's experiments, one after another, beside its figures.",
        ),
    ] = "residual",
    ferplus: options.FerPlus = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="A model whose answers are learned from too; may be repeated."),
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, metavar="N", help="GPUs to train on; processes, where there is no GPU.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in --out, to the same numbers.")
    ] = False,
    set: Annotated[  # noqa: A002 - the parameter is the option's name
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change an entry of the recipe; may be repeated."),
    ] = None,
) -> None:
    """Train a network on FER2013 and write it as a model into OUT/model.

    A checkpoint is written after every epoch, and at Ctrl-C: --resume goes on from it.
    """
    _require_extra()
    give_torch_a_temporary_cache()
    from fercli_training.place import refuse_place
    from fercli_training.run import Sources

    sources = Sources(data, ferplus, teacher or ())
    inputs = [("data set", data), ("recipe", Path(recipe))]
    inputs += [("votes", ferplus)] if ferplus else []
    inputs += [("teacher", Path(name)) for name in sources.teachers]
    refuse_place(out, resume, inputs)
    if recipe == _ABLATION:
        _ablation(sources, out, set or [], resume, devices)
    else:
        _train(recipe, sources, out, set or [], resume, devices)


def _train(
    recipe: str, sources: Sources, out: Path, changes: list[str], resume: bool, devices: int
) -> None:
    from fercli_training.loop import Trainer
    from fercli_training.place import occupied
    from fercli_training.recipe_files import load_recipe
    from fercli_training.run import finish, prepare

    chosen = load_recipe(recipe, changes)
    told: list[str] = []
    material, data = prepare(chosen, sources, told.append)
    with occupied(out):
        trainer = Trainer(chosen, material, out, devices)
        if trainer.leads:
            say(*told)
        if resume:
            trainer.resume()
        if trainer.leads:
            say(f"{chosen.name}: {trainer.told}")
        try:
            with training_progress() as report:
                candidates = trainer.run(report)
            if not trainer.leads:
                return
            made = finish(trainer, candidates, data)
        except KeyboardInterrupt:
            if trainer.leads:
                say(_where_it_stands(out, trainer.has_checkpoint()))
            raise
    for candidate in made.candidates:
        epochs = ", ".join(str(epoch) for epoch in candidate.epochs)
        say(f"{candidate.name} ({epochs}): {candidate.public_accuracy:.4f} on PublicTest.")
    say(f"The model is in {made.models[0]}." if len(made.models) == 1 else _how_to_join(made.models))


def _ablation(sources: Sources, out: Path, changes: list[str], resume: bool, devices: int) -> None:
    from fercli_training.ablation import run_ablation, write_results
    from fercli_training.place import occupied
    from fercli_training.run import read_material

    if devices > 1 or sources.votes or sources.teachers:
        raise UsageError(
            "The article's experiments know no --devices, --ferplus or --teacher.", "Leave them out."
        )
    material, _ = read_material(sources, say)
    results: list[Result] = []
    try:
        with occupied(out), training_progress() as report:
            for result in run_ablation(material, out, changes, resume, report):
                results.append(result)
                write_results(results, out)
    except KeyboardInterrupt:
        say(_where_it_stands(out, saved=True))
        raise
    print_table(ablation_table(results))


def ablation_table(results: list[Result]) -> Table:
    """The experiments' figures beside the article's."""
    from rich.table import Table

    table = Table("experiment", "the article", "PublicTest, %", "95%", "epochs", "by")
    for result in results:
        low, high = (f"{100 * end:.1f}" for end in result.interval)
        table.add_row(
            result.name, result.article or "-", f"{100 * result.accuracy:.1f}", f"{low} to {high}",
            str(result.epochs), result.by,
        )  # fmt: skip
    return table


def _where_it_stands(out: Path, saved: bool) -> str:
    if saved:
        return f"fercli: interrupted; add --resume to go on from where the run in {out} stands."
    return "fercli: interrupted before the first step; nothing is kept."


def _how_to_join(models: list[Path]) -> str:
    joined = " ".join(f"--model {model}" for model in models)
    return f"The best on PublicTest is an ensemble: fercli predict {joined}"


def _require_extra() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"Training needs {', '.join(missing)}, not installed here.", "pip install 'fercli[train]'"
        )
