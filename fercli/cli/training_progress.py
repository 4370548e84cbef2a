"""How far a training run is: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fercli.cli.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fercli_training.loop import Step


@contextmanager
def training_progress() -> Iterator[Callable[[Step], None]]:
    """Yields a function to call after every step."""
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
        f"{step.recipe}: epoch {step.epoch}/{step.epochs} loss {step.loss:.3f} accuracy {step.accuracy:.3f}"
        f" best on PublicTest {step.public_accuracy:.3f}, {step.rate:.0f} pictures/s"
    )
