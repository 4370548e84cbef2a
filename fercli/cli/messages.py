"""What fercli says to people: on standard error, so that standard output carries data only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from rich.table import Table

__all__ = ["count_of", "counting", "print_table", "say", "show"]


def say(*lines: str) -> None:
    """Prints lines to standard error; a terminal that cannot show a character gets its escape."""
    for line in lines:
        typer.echo(_encodable(line, sys.stderr), err=True)


def show(text: str) -> None:
    """Prints text to standard output, as the data that a command is for; escapes as in `say`."""
    typer.echo(_encodable(text, sys.stdout))


def _encodable(text: str, stream: TextIO | None) -> str:
    """The text as the stream can show it; there is no stream where it was closed from the start."""
    encoding = (stream and stream.encoding) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def print_table(table: Table) -> None:
    """Prints a rich table to standard output, wide enough not to be cut in a pipe."""
    from rich.console import Console

    # Without markup: 'fercli[cpu]' is a remedy, not a style.
    console = Console(markup=False)
    if not console.is_terminal:
        console = Console(markup=False, width=200)
    with console.capture() as captured:
        console.print(table)
    # Not rich's own way to standard output, which ends the program with 1 where a pipe is closed.
    show(captured.get().rstrip("\n"))


@contextmanager
def counting(unit: str, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """A spinner with a count and the time on standard error, where that is a terminal.

    Yields a function to call for each thing done, with the text to show.
    """
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn(f"{{task.completed}} {unit}"), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda text: progress.update(task, advance=1, description=text)
