"""`fercli compare`: backends, models and detectors side by side."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli import defaults
from fercli.cli import options
from fercli.cli.messages import counting, print_table, say, show
from fercli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fercli.comparison.faces import Faces
    from fercli.comparison.tables import Comparison

app = typer.Typer(help="Compare backends, models or detectors side by side.", no_args_is_help=True)


class SplitName(StrEnum):
    """FER2013's two parts that no network is trained on."""

    PUBLIC = "public"
    PRIVATE = "private"


class Layout(StrEnum):
    """How a comparison is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


_LayoutOption = Annotated[Layout, typer.Option("--format", help="How the comparison is printed.")]
_Repeat = Annotated[
    int, typer.Option(min=1, metavar="N", help="Rounds of timing, each contender once a round.")
]
_WORK = "turn"


@app.command("backends")
def backends(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATHS]...",
            help="Photos, folders or quoted patterns, whose faces are read; without any, the"
            " faces that ship with fercli.",
        ),
    ] = None,
    names: Annotated[
        str,
        typer.Option(
            "--backends", metavar="NAME,...", help="Only these.", show_default="all that are installed"
        ),
    ] = "",
    model: Annotated[
        str, typer.Option(help="The name of a model that ships, or a model's folder.")
    ] = defaults.MODEL,
    device: options.Device = defaults.DEVICE,
    batch_sizes: Annotated[
        str, typer.Option(metavar="N,...", help="How many faces the network reads at once.")
    ] = "1,8,64",
    repeat: _Repeat = 5,
    layout: _LayoutOption = Layout.TABLE,
) -> None:
    """Run one model on every backend: do they agree, how fast are they, what do they cost?

    Each runs in a fresh process, in turns, with the same number of threads. Differences are measured from
    torch, or from onnx where torch does not run.

    Exit codes: 0 they agree; 1 one in 32-bit floats differs by more than it may; 3 some photos
    could not be read; 4 no photo, or no face in any; 5 no backend works.
    """
    from fercli.bundle import load_bundle
    from fercli.comparison.backends import compare_backends, disagreements
    from fercli.reports import claimed_standard_output

    sizes = _sizes(batch_sizes)
    with claimed_standard_output(), counting(_WORK, shown=True) as tell:
        bundle = load_bundle(model)
        faces = _faces(paths or [], defaults.DETECTOR)
        comparison = compare_backends(_names(names), bundle, device, faces, sizes, repeat, tell)
    _print(comparison, layout)
    disagreeing = disagreements(comparison)
    if disagreeing:
        say(*(f"fercli: {sentence}" for sentence in disagreeing))
        raise typer.Exit(ExitCode.PROGRAM_ERROR)
    _leave(comparison, faces.unreadable)


@app.command("models")
def models(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="MODELS...", help="Names of models that ship, or models' folders.", show_default=False
        ),
    ],
    photos: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Photos, a folder or a quoted pattern, whose faces are read; in folders that are named as"
            " expressions (angry/...) the largest face of each. May be repeated.",
            show_default="the faces that ship with fercli",
        ),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="What finds the faces of --photos; none means that each photo is a face.")
    ] = defaults.DETECTOR,
    data: Annotated[
        Path | None,
        typer.Option(help="FER2013 in place of photos: fer2013.csv, plain or .gz.", show_default=False),
    ] = None,
    split: Annotated[SplitName, typer.Option(help="The part of --data.")] = SplitName.PRIVATE,
    backend: options.Backend = defaults.BACKEND,
    device: options.Device = defaults.DEVICE,
    batch_size: options.BatchSize = defaults.BATCH_SIZE,
    repeat: _Repeat = 5,
    layout: _LayoutOption = Layout.TABLE,
) -> None:
    """Run several models on the same faces: how often right, how often they agree, how fast, how large?

    Exit codes: 0 done; 3 done, but some photos could not be read; 4 no photo, or no face in any;
    5 a model is not there, or none works.
    """
    from fercli.comparison.models import compare_models
    from fercli.reports import claimed_standard_output

    if photos and data:
        raise UsageError("Both --photos and --data are given.", "Choose one of them.")
    with claimed_standard_output(), counting(_WORK, shown=True) as tell:
        faces = _faces(photos or [], detector) if data is None else _fer2013(data, split)
        comparison = compare_models(names, backend, device, faces, batch_size, repeat, tell)
    _print(comparison, layout)
    _leave(comparison, faces.unreadable)


@app.command("detectors")
def detectors(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATHS...", help="Photos, folders or quoted patterns.", show_default=False),
    ],
    names: Annotated[
        str,
        typer.Option(
            "--detectors", metavar="NAME,...", help="Only these.", show_default="all that are installed"
        ),
    ] = "",
    min_face: options.MinFace = options.MIN_FACE,
    min_score: options.MinScore = defaults.MIN_SCORE,
    repeat: _Repeat = 5,
    layout: _LayoutOption = Layout.TABLE,
) -> None:
    """Find the faces of photos with every detector: how many, which of them mtcnn finds too, how fast?

    Exit codes: 0 done; 3 done, but some photos failed; 4 no photo; 5 no detector works.
    """
    from fercli.comparison.detectors import compare_detectors
    from fercli.comparison.faces import photos
    from fercli.reports import claimed_standard_output

    with claimed_standard_output(), counting(_WORK, shown=True) as tell:
        comparison, failures = compare_detectors(
            _names(names), photos(paths), min_face, min_score, repeat, tell
        )
    _print(comparison, layout)
    _leave(comparison, failures)


def _faces(paths: Sequence[str], detector: str) -> Faces:
    """The faces of photos, or those that ship where there are none."""
    from fercli.comparison.faces import read_faces, unlabelled
    from fercli.detectors import load_detector
    from fercli.devices import usable_cores
    from fercli.sample_faces import sample_faces

    if not paths:
        return unlabelled(sample_faces())
    return read_faces(
        paths, load_detector(detector, defaults.MIN_FACE, defaults.MIN_SCORE, threads=usable_cores())
    )


def _fer2013(data: Path, split: SplitName) -> Faces:
    from fercli.comparison.faces import Faces
    from fercli.crop import to_unit_range
    from fercli.fer2013 import Split, read_pictures

    chosen = Split[split.name]
    pictures = read_pictures(data, [chosen], say)[chosen]
    return Faces(to_unit_range(pictures.pixels), pictures.labels)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _sizes(text: str) -> list[int]:
    sizes = [int(size) if size.strip().isdecimal() else 0 for size in text.split(",")]
    if not 1 <= min(sizes) <= max(sizes) <= defaults.MOST_AT_ONCE:
        raise UsageError(
            f"--batch-sizes is {text!r}, not whole numbers from 1 to {defaults.MOST_AT_ONCE} with commas"
            " between them.",
            "For instance: --batch-sizes 1,8,64",
        )
    return list(dict.fromkeys(sizes))


def _print(comparison: Comparison, layout: Layout) -> None:
    from fercli.comparison.tables import as_csv, as_json, as_markdown, as_tables

    if layout is Layout.TABLE:
        for table in as_tables(comparison):
            print_table(table)
    else:
        write = {Layout.JSON: as_json, Layout.CSV: as_csv, Layout.MARKDOWN: as_markdown}[layout]
        show(write(comparison))


def _leave(comparison: Comparison, unreadable: Sequence[str]) -> None:
    """Ends with the exit code for what was not measured, if anything."""
    say(*(f"fercli: left out {line}" for line in unreadable))
    if all(row.get("reason") for row in comparison.rows):
        say("fercli: none of them works here.", "fercli doctor shows what runs here.")
        raise typer.Exit(ExitCode.UNAVAILABLE)
    if unreadable:
        raise typer.Exit(ExitCode.SOME_UNREADABLE)
