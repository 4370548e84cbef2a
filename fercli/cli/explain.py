"""`fercli explain`: a picture of how a network reads a face."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli import defaults
from fercli.cli import options
from fercli.errors import (
    PhotoError,
    UnreadablePhotoError,
    UsageError,
    did_you_mean,
)
from fercli.extras import require
from fercli.records import EXPRESSIONS
from fercli.wording import quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.plugins import Detector
    from fercli.records import Face


def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A photo with a face.")],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|-",
            help="The picture, a .png; - is standard output.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME|FOLDER", help="A model that ships, or a model's folder.")
    ] = defaults.MODEL,
    detector: options.Detector = defaults.DETECTOR,
    min_face: options.MinFace = options.MIN_FACE,
    min_score: options.MinScore = defaults.MIN_SCORE,
    face: Annotated[
        int, typer.Option(min=0, metavar="N", help="Which face, as the report counts: 0 is the largest.")
    ] = 0,
    expression: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Show where the network looks for this expression; otherwise, for its answer.",
            show_default=False,
        ),
    ] = None,
    filters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also draw the network's filters, as a .png.", show_default=False
        ),
    ] = None,
) -> None:
    """Show how a network reads a face: its input, the maps of every layer, HiResCAM and probabilities."""
    require("Explaining", "charts,torch", "torch", "safetensors", "matplotlib")
    from fercli.bundle import load_bundle
    from fercli.crop import crop_face, crop_to_photo
    from fercli.detectors import load_detector
    from fercli.devices import usable_cores
    from fercli.png_output import write_png
    from fercli.reports import claimed
    from fercli.sources import printable_path
    from fercli_training.explanation import convolution_weights
    from fercli_training.explanation import explain as explanation
    from fercli_training.explanation_chart import explanation_chart, filters_chart

    wanted = _expression(expression)
    bundle = load_bundle(model)
    _refuse_places(out, filters, image, bundle)
    with claimed(out) as target:
        finder = load_detector(detector, min_face, min_score, usable_cores())
        rgb, found = _find_face(image, finder, face)
        explained = explanation(bundle, crop_face(rgb, found, finder.framing), wanted)
        answer = EXPRESSIONS[int(explained.probabilities.argmax())]
        confidence = explained.probabilities.max()
        name = printable_path(image).rpartition("/")[2]
        title = f"{name}, face {face}: {answer} ({confidence:.2f}), by {bundle.name}"
        chart = explanation_chart(explained, rgb, crop_to_photo(found, finder.framing), title)
        write_png(chart, target if isinstance(target, int) else Path(target))
        if filters is not None:
            write_png(filters_chart(convolution_weights(bundle), f"The filters of {bundle.name}"), filters)


def _refuse_places(out: str, filters: Path | None, image: str, bundle: Bundle) -> None:
    """Refuses to write over the photo, the model, another picture, or one output over the other."""
    from fercli.png_output import refuse_place
    from fercli.replacing import model_inputs, refuse_input
    from fercli.reports import open_descriptor

    inputs: list[tuple[str, str | Path]] = [("photo", image), *model_inputs(bundle)]
    number = open_descriptor(out)
    refuse_input(out if number is None else number, inputs)
    if number is None:
        refuse_place(Path(out))
    if filters is not None:
        refuse_input(filters, inputs)
        refuse_place(filters)
        if os.path.realpath(filters) == os.path.realpath(out):
            raise UsageError(
                f"--filters {quoted(filters)} would be written over --out {quoted(out)}.", "Name two files."
            )


def _expression(name: str | None) -> int | None:
    if name is None:
        return None
    if name not in EXPRESSIONS:
        raise UsageError(
            f"There is no expression {quoted(name)}.",
            did_you_mean(name, EXPRESSIONS) or f"Choose one of {', '.join(EXPRESSIONS)}.",
        )
    return EXPRESSIONS.index(name)


def _find_face(image: str, detector: Detector, number: int) -> tuple[NDArray[np.uint8], Face]:
    """The upright photo, and the face with that number."""
    from fercli.images import decode
    from fercli.sources import printable_path, read_photo

    name = quoted(printable_path(image))
    try:
        rgb = decode(read_photo(image))
        faces = detector.detect(rgb)
    except PhotoError as error:
        raise UnreadablePhotoError(f"{name}: {error.sentence}", "Name another photo.") from error
    if not faces:
        raise UsageError(
            f"No face was found in {name}.",
            "Lower --min-face or --min-score, or take the whole picture as a face with --detector none.",
        )
    if number >= len(faces):
        raise UsageError(f"{name} has no face {number}.", f"Its faces are 0 to {len(faces) - 1}.")
    return rgb, faces[number]
