"""`fercli data`: what a data set contains, its conversion to another layout, and one of own photos."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.crop import crop
from fercli.cli.messages import counting, print_table, say, show
from fercli.errors import ExitCode
from fercli.wording import quoted

if TYPE_CHECKING:
    from fercli.fer2013.inspection import Copies, Inspection

_SHOWN = 20
"""Broken rows that are printed; JSON has all."""

app = typer.Typer(
    help="Look into FER2013, convert it, or make such a data set of your own photos.", no_args_is_help=True
)


Source = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help=options.DATA_SETS,
    ),
]


@app.command()
def inspect(
    data: Source,
    ferplus: options.FerPlus = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write some pictures of each class, as a .png.", show_default=False
        ),
    ] = None,
    layout: Annotated[
        options.Layout, typer.Option("--format", help="How the inspection is printed.")
    ] = options.Layout.TABLE,
) -> None:
    """Count pictures, copies and broken rows, inside splits and across them.

    Exit code 3 where rows are broken.
    """
    from fercli.fer2013.contact_sheet import write_contact_sheet
    from fercli.fer2013.inspection import inspect as inspection
    from fercli.png_output import refuse_place
    from fercli.replacing import refuse_input, refuse_inside

    if contact_sheet is not None:
        inputs = [("data set", data), *([] if ferplus is None else [("votes", ferplus)])]
        refuse_input(contact_sheet, inputs)
        refuse_inside(contact_sheet, "data set", data)
        refuse_place(contact_sheet)
    found, splits = inspection(data, ferplus, say)
    if contact_sheet is not None:
        write_contact_sheet(splits, contact_sheet)
    if layout is options.Layout.JSON:
        typer.echo(json.dumps(asdict(found), indent=1))
    else:
        _print(found)
    if found.broken:
        raise typer.Exit(ExitCode.SOME_UNREADABLE)


@app.command()
def convert(
    source: Source,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TO",
            help="What to write; the suffix tells the layout, and a name without a suffix means folders.",
        ),
    ],
) -> None:
    """Write a data set in another layout, with the same pixels, labels, splits, order and row numbers."""
    from fercli.fer2013.conversion import convert as conversion

    with counting("picture", shown=True) as count:
        converted = conversion(source, target, count, say)
    counts = ", ".join(f"{split} {number}" for split, number in converted.counts.items())
    say(f"{quoted(target)}: {counts}.")
    if not converted.votes_fit:
        say("Row numbers changed, so FER+ votes no longer match.")


app.command()(crop)


def _print(found: Inspection) -> None:
    from rich.table import Table

    expressions = list(next(iter(found.counts.values())))
    table = Table("split", *expressions, "all", title="Pictures")
    for split, counts in found.counts.items():
        table.add_row(split, *map(str, counts.values()), str(sum(counts.values())))
    print_table(table)
    table = Table("copies", "exact", "exact or near", title="Pictures that occur more than once")
    for name, exact, near in zip(
        _names(found.exact), _values(found.exact), _values(found.near), strict=True
    ):
        table.add_row(name, str(exact), str(near))
    print_table(table)
    if found.votes:
        table = Table("split", "with votes", "label has most votes, %", title="FER+ votes")
        for split, votes in found.votes.items():
            table.add_row(split, str(votes.pictures), f"{100 * votes.agreement:.1f}")
        print_table(table)
    if not found.broken:
        show("Broken rows: 0")
        return
    table = Table("broken row", "why", title=f"Broken rows: {len(found.broken)}")
    for row in found.broken[:_SHOWN]:
        table.add_row(row.where, row.reason)
    if len(found.broken) > _SHOWN:
        table.caption = f"The first {_SHOWN}; --format json has all."
    print_table(table)


def _names(copies: Copies) -> list[str]:
    inside = [f"{split}, inside" for split in copies.inside]
    return [*inside, *copies.across, "with another label"]


def _values(copies: Copies) -> list[int]:
    return [*copies.inside.values(), *copies.across.values(), copies.conflicts]
