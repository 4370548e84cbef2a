"""`fercli models`: the models that ship, what they are, and whether their files are whole."""

from __future__ import annotations

from typing import Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import print_document, print_table, show

app = typer.Typer(help="List, show and verify models.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the models that ship with fercli."""
    from rich.table import Table

    from fercli.bundle import DEFAULT_MODEL, ENSEMBLES, load_bundle, load_members, shipped_models

    table = Table("model", "architecture", "parameters", "PublicTest", "PrivateTest", "megabytes")
    for name in shipped_models():
        bundle = load_bundle(name)
        about = bundle.description
        size = sum((bundle.folder / file).stat().st_size for file in bundle.files)
        table.add_row(
            f"{name} (default)" if name == DEFAULT_MODEL else name,
            str(about["architecture"]["name"]),
            f"{about['cost']['parameters']:,}",
            *(_accuracy(about["metrics"].get(split)) for split in ("PublicTest", "PrivateTest")),
            f"{size / 1e6:.1f}",
        )
    for name, members in ENSEMBLES.items():
        parameters = sum(bundle.description["cost"]["parameters"] for bundle in load_members(name))
        table.add_row(name, f"mean of {' and '.join(members)}", f"{parameters:,}", "-", "-", "-")
    print_table(table)


@app.command("show")
def show_card(
    model: options.Model,
) -> None:
    """Print a model's card: data, recipe, figures, limits."""
    from fercli.bundle import CARD, load_bundle

    print_document(load_bundle(model).verified(CARD).read_text("utf-8"))


@app.command("verify")
def verify(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODELS]...", help="Models or their folders; all that ship where none is given."
        ),
    ] = None,
) -> None:
    """Check the sha256 of every file of models; exit code 5 names the first that is wrong."""
    from fercli.bundle import load_bundle, shipped_models

    for model in models or shipped_models():
        bundle = load_bundle(model)
        for name in bundle.files:
            show(f"{bundle.verified(name)}: whole")


def _accuracy(metrics: dict[str, float] | None) -> str:
    return "-" if metrics is None else f"{metrics['accuracy']:.4f}"
