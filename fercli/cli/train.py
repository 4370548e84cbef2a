"""`fercli train`: FER2013 in, a model out."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import say
from fercli.errors import ReportError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fercli_training.loop import Step

_NEEDED = ("onnx", "onnxruntime", "onnxscript", "safetensors", "torch")


def train(
    data: options.Data,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The run's folder.", show_default=False)
    ],
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A recipe that ships (article), or a TOML file of your own."),
    ] = "article",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in --out, to the same numbers.")
    ] = False,
    set: Annotated[  # noqa: A002 - the parameter is the option's name
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change an entry of the recipe; may be repeated."),
    ] = None,
) -> None:
    """Train a network on FER2013 and write it as a model into OUT/model.

    A checkpoint is written after every epoch: after Ctrl-C, or a crash, --resume goes on from it.
    """
    _require_extra()
    from fercli_training.data import Split, read_fer2013
    from fercli_training.export import write_bundle
    from fercli_training.loop import Trainer
    from fercli_training.recipe import load_recipe

    chosen = load_recipe(recipe, set or ())
    splits = read_fer2013(data, Split)
    _make_folder(out)
    trainer = Trainer(chosen, splits[Split.TRAINING], splits[Split.PUBLIC], out)
    if resume:
        trainer.resume()
    try:
        with _progress() as report:
            outcome = trainer.run(report)
        folder = write_bundle(out / "model", chosen, outcome, splits)
    except KeyboardInterrupt:
        if trainer.epoch:
            say(f"fercli: interrupted; add --resume to go on from the last whole epoch in {out}.")
        else:
            say("fercli: interrupted before the end of the first epoch; nothing of it is kept.")
        raise
    say(f"Epoch {outcome.epoch} was best on PublicTest: {outcome.public_accuracy:.4f}.")
    say(f"The model is in {folder}.")


def _require_extra() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"Training needs {', '.join(missing)}, not installed here.", "pip install 'fercli[train]'"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{folder} cannot be made: {error.strerror}.", "Choose another --out.") from error


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    """A bar an epoch on a terminal, a line an epoch elsewhere."""
    if not sys.stderr.isatty():
        yield _say_epoch
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        def report(step: Step) -> None:
            done = (step.epoch - 1) * step.steps + step.step
            progress.update(
                task, completed=done, total=step.epochs * step.steps, description=_describe(step)
            )

        yield report


def _say_epoch(step: Step) -> None:
    if step.step == step.steps:
        say(_describe(step))


def _describe(step: Step) -> str:
    return (
        f"epoch {step.epoch}/{step.epochs} loss {step.loss:.3f} accuracy {step.accuracy:.3f}"
        f" best on PublicTest {step.public_accuracy:.3f}, {step.rate:.0f} pictures/s"
    )
