"""What fercli says to people: on standard error, so that standard output carries data only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table


def say(*lines: str) -> None:
    """Prints lines to standard error; a terminal that cannot show a character gets its escape."""
    encoding = sys.stderr.encoding or "utf-8"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)  # noqa: T201 - the one place that prints


def print_table(table: Table) -> None:
    """Prints a rich table to standard output, wide enough not to be cut in a pipe."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


@contextmanager
def counting(unit: str, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """A spinner with a count and the time on standard error, where that is a terminal.

    Yields a function to call for each thing done, with the text to show.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn(f"{{task.completed}} {unit}"), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda text: progress.update(task, advance=1, description=text)
