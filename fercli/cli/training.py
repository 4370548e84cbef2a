"""What `fercli train` and `fercli ablation` share: options, progress, and what an interruption says."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli.messages import say
from fercli.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fercli_training.progress import Progress

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

Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoint in --out, to the same numbers.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change an entry of the recipe; may be repeated."),
]


def require_packages() -> None:
    """Makes sure that the packages of the extra `train` are installed.

    Raises:
        UnavailableError: some are missing.
    """
    require("Training", "train", *_NEEDED)


def interrupted_message(out: Path, *, saved: bool) -> str:
    """Says whether an interrupted run was saved, and how to continue it."""
    if saved:
        return f"fercli: interrupted; add --resume to continue the run in {out}."
    return "fercli: interrupted before the first step; nothing was saved."


@contextmanager
def training_progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, else a line for each epoch; yields a function to call after every step."""
    if not sys.stderr.isatty():
        yield _say_epoch
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=None)

        def report(progress: Progress) -> None:
            done = (progress.epoch - 1) * progress.steps + progress.step
            total = progress.epochs * progress.steps
            bars.update(task, completed=done, total=total, description=_describe(progress))

        yield report


def _say_epoch(progress: Progress) -> None:
    if progress.step == progress.steps:
        say(_describe(progress))


def _describe(progress: Progress) -> str:
    return (
        f"{progress.recipe}: epoch {progress.epoch}/{progress.epochs} loss {progress.loss:.3f}"
        f" accuracy {progress.accuracy:.3f} best on PublicTest {progress.public_accuracy:.3f},"
        f" {progress.rate:.0f} pictures/s"
    )
