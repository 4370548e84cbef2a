"""What `fercli train` and `fercli ablation` share: their beginning, their progress, their interruption."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fercli.cli.messages import say
from fercli.extras import require
from fercli.runtimes import give_torch_a_temporary_cache
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

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


def begin(out: Path, inputs: Sequence[tuple[str, Path]], *, resume: bool) -> None:
    """What comes before anything of `fercli_training` is used: its packages, torch's cache, the place.

    Args:
        out: the folder of what is begun.
        inputs: the paths that are read, each after its kind.
        resume: whether an earlier run in the folder goes on.

    Raises:
        UnavailableError: packages of the extra `train` are missing.
        UsageError: the folder is not one to write into.
    """
    require("Training", "train", *_NEEDED)
    give_torch_a_temporary_cache()
    from fercli_training.place import refuse_place

    refuse_place(out, resume, inputs)


def interrupted_message(out: Path, *, saved: bool) -> str:
    """Says whether an interrupted run was saved, and how to continue it."""
    if saved:
        return f"fercli: interrupted; add --resume to continue the run in {quoted(out)}."
    return "fercli: interrupted before the first step; nothing was saved."


@contextmanager
def training_progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, else a line for each epoch; yields a function to call after every step."""
    if sys.stderr is None or not sys.stderr.isatty():
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
