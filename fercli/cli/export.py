"""`fercli export`: a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli.cli import options
from fercli.cli.messages import say
from fercli.errors import UnavailableError, UsageError
from fercli.extras import require
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from fercli.bundle import Bundle
    from fercli.exporting import Exported

_CALIBRATED = "onnx-int8"
"""The format that --data is for."""


def _exporters() -> list[str]:
    from fercli.plugins import EXPORTERS, discover

    return [found.name for found in discover(EXPORTERS)]


def export(
    model: options.Model,
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="onnx, onnx-int8, keras, savedmodel, torchscript, or another whose exporter is installed.",
            show_default=False,
            autocompletion=_exporters,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="What is written or replaced: a file that ends in .onnx, .keras or .pt, or a folder for"
            " savedmodel.",
            show_default=False,
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            help="FER2013 as the challenge gave it, to make onnx-int8 where the model does not have it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a model for other programs. The format's own runtime checks it on real faces before it is kept.

    Whatever the format, it takes faces as 48x48 grey pixels in 0..1, float32 (N, 1, 48, 48), any number
    N of them, and gives logits, float32 (N, 7): angry, disgust, fear, happy, sad, surprise, neutral.

    onnx, the model's own file, onnx-int8, the same in 8 bits, keras, a .keras file, savedmodel, a folder
    for TensorFlow, torchscript, for torch.jit.load. Running them does not need fercli.
    """
    from fercli.bundle import ONNX_INT8, load_bundle
    from fercli.devices import usable_cores
    from fercli.exporting import export_model
    from fercli.plugins import EXPORTERS, select
    from fercli.replacing import refuse_input

    try:
        select(EXPORTERS, [to])
    except UnavailableError as error:  # a format, to the user, as --format is
        raise UsageError(error.message, error.remedy) from error
    bundle = load_bundle(model)
    refuse_input(out, [] if data is None else [("data set", data)])
    if data is None:
        exported = export_model(bundle, to, out, usable_cores())
    elif to != _CALIBRATED:
        raise UsageError(f"--to {to} does not use --data.", f"Leave it out, or give --to {_CALIBRATED}.")
    elif ONNX_INT8 in bundle.files:
        raise UsageError(
            f"The model {bundle.name} has its own {ONNX_INT8}.", "Leave --data out to get that one."
        )
    else:
        exported = _calibrated(bundle, data, out)
    faces = count_of(exported.faces, "face")
    say(f"{quoted(out)}: {exported.finding}, on {faces} against the backend {exported.source}.")


def _calibrated(bundle: Bundle, data: Path, out: Path) -> Exported:
    """Makes it with pictures of Training, checks it on PublicTest."""
    require("Calibrating", "train", "onnx")
    from fercli.bundle import ONNX
    from fercli.crop import to_unit_range
    from fercli.devices import usable_cores
    from fercli.exporting import export_model
    from fercli.fer2013 import Split, read_pictures
    from fercli_training.quantisation import calibration_faces, quantise

    splits = read_pictures(data, (Split.TRAINING, Split.PUBLIC), say)
    faces = calibration_faces(splits[Split.TRAINING])

    def write(bundle: Bundle, path: Path) -> None:
        quantise(bundle.verified(ONNX), faces, path)

    public = to_unit_range(splits[Split.PUBLIC].pixels[:, None])
    return export_model(bundle, _CALIBRATED, out, usable_cores(), write, public)
