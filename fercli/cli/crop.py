"""`fercli data crop`: photos of one's own in, a data set of faces out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli import defaults
from fercli.cli import options
from fercli.cli.finding import say_findings
from fercli.cli.messages import counting, say
from fercli.errors import ExitCode
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fercli.fer2013 import Split
    from fercli.own_photos.cropping import Cropped
    from fercli.own_photos.labels import Labels
    from fercli.own_photos.parts import Shares

_NAMED = 5
"""How many photos of an outcome are named; the list has all."""


def crop(
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTOS...", help="Photos, folders or patterns; in folders named as expressions."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="The data set: a new folder.", show_default=False),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV with the columns path, expression and, if known, person; in place of folders.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            metavar="A,B,C",
            help="The shares of Training, PublicTest and PrivateTest. No person is in two of them.",
        ),
    ] = "60,20,20",
    detector: options.Detector = defaults.DETECTOR,
    min_face: options.MinFace = options.MIN_FACE,
    min_score: options.MinScore = defaults.MIN_SCORE,
) -> None:
    """Make a data set of labelled photos: the face of each, framed as `fercli predict` does.

    Photos without a face, with several faces, or without a label are counted, and OUT/photos.csv names all.
    Exit code 3 where photos could not be read, or labels had no photo.
    """
    from fercli.own_photos.cropping import Outcome, cropped_faces, write_data_set
    from fercli.own_photos.labels import FolderLabels
    from fercli.own_photos.parts import shares_of
    from fercli.own_photos.table import TableLabels
    from fercli.sources import local_path

    photos = [*map(local_path, photos)]  # labels and places are told by the paths of this computer
    shares = shares_of(split)
    _refuse_place(out, photos, labels)
    known: Labels = FolderLabels(photos) if labels is None else TableLabels(labels, photos)
    done: list[Cropped] = []
    with (
        cropped_faces(photos, known, detector, min_face, min_score) as (cropped, findings),
        counting("photo", shown=True) as count,
    ):
        for photo in cropped:
            done.append(photo)
            count(photo.outcome)
    if not done:
        raise findings.no_photos(photos)
    parts = write_data_set(done, out, shares)
    unused = known.unused()
    _say_outcomes(done)
    _say_some(f"{count_of(len(unused), 'label')} without a photo", unused)
    say_findings(findings, quiet=False)
    _say_parts(out, parts, shares, done)
    if findings.fruitless or unused or any(photo.outcome is Outcome.UNREADABLE for photo in done):
        raise typer.Exit(ExitCode.SOME_UNREADABLE)


def _refuse_place(out: Path, photos: Sequence[str], labels: Path | None) -> None:
    from fercli.replacing import refuse_existing, refuse_input, refuse_inside

    read: list[tuple[str, str | Path]] = [("photos", photo) for photo in photos]
    refuse_input(out, read if labels is None else [*read, ("labels", labels)])
    for photo in photos:
        refuse_inside(out, "folder of photos", Path(photo))
    refuse_existing(out)


def _say_outcomes(photos: Sequence[Cropped]) -> None:
    """Counts the photos that are not used, by the reason, and names some."""
    from fercli.own_photos.cropping import Outcome

    for outcome, words in {
        Outcome.NO_FACE: "without a face",
        Outcome.SEVERAL_FACES: "with several faces",
        Outcome.UNREADABLE: "that could not be read",
        Outcome.NO_LABEL: "without a label",
    }.items():
        paths = [photo.path for photo in photos if photo.outcome is outcome]
        _say_some(f"{count_of(len(paths), 'photo')} {words}", [quoted(path) for path in paths])


def _say_some(heading: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        say(f"{heading}: {', '.join(names[:_NAMED])}{more}.")


def _say_parts(out: Path, parts: dict[Split, int], shares: Shares, photos: Sequence[Cropped]) -> None:
    used = [photo for photo in photos if photo.picture is not None]
    unnamed = sum(not photo.label.person for photo in used)
    counts = ", ".join(f"{part} {number}" for part, number in parts.items())
    say(f"{quoted(out)}: {counts}; {len(used)} of {count_of(len(photos), 'photo')}.")
    empty = [part for part, share in zip(parts, shares, strict=True) if share and not parts[part]]
    if empty:
        names = len({photo.person for photo in used})
        people = "is one person" if names == 1 else f"are {names} people"
        say(f"{' and '.join(empty)} got no picture: there {people} only, and no person is in two parts.")
    if unnamed:
        say(
            f"Whose face it is, is not known of {count_of(unnamed, 'picture')}: a person may be in several"
            " parts. A column or folders of people's names keep them apart."
        )
