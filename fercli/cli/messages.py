"""What fercli says to people: on standard error, so that standard output carries data only."""

from __future__ import annotations

import itertools
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_PIPE_WIDTH = 200
"""What reads a pipe has no width: wide enough for every table."""


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
    """Prints a rich table to standard output, all of it: as it is in a pipe, fitted on a terminal."""
    from fercli.cli.tables import fitted

    _print(lambda console: fitted(table, console))


def print_document(text: str) -> None:
    """Prints Markdown to standard output: as it is in a pipe, its lines and tables fitted on a terminal."""
    from fercli.cli.tables import fitted_document

    if sys.stdout is not None and sys.stdout.isatty():
        _print(lambda console: fitted_document(text, console))
    else:
        show(text)


def _print(parts: Callable[[Console], Iterable[Table | Text]]) -> None:
    from rich.console import Console
    from rich.text import Text

    # Without markup: 'fercli[cpu]' is a remedy, not a style.
    terminal = sys.stdout is not None and sys.stdout.isatty()
    console = Console(markup=False, highlight=False, width=None if terminal else _PIPE_WIDTH)
    with console.capture() as captured:
        for part in parts(console):
            # A word that is longer than the terminal's line stays one word, which can be copied.
            console.print(part, soft_wrap=isinstance(part, Text))
    # Not rich's own way to standard output, which ends the program with 1 where a pipe is closed.
    show(captured.get().rstrip("\n"))


@contextmanager
def counting(noun: str, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """A spinner with a count and the time on standard error, where that is a terminal.

    Yields a function to call for each thing done, with the text to show. The noun is in the singular.
    """
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.fields[counted]}"), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    numbers = itertools.count(1)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, counted=count_of(0, noun))
        yield lambda text: progress.update(
            task, advance=1, description=text, counted=count_of(next(numbers), noun)
        )
