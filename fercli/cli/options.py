"""The options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fercli import defaults
from fercli.reports import Format
from fercli.smallest_face import smallest_face

Backend = Annotated[
    str,
    typer.Option(
        help="The runtime: auto (the fastest that is here), openvino, onnx, torch, tensorflow, or another"
        " that fercli doctor lists."
    ),
]
Device = Annotated[str, typer.Option(help="Where the network runs: auto, cpu, cuda or cuda:N.")]
Detector = Annotated[
    str,
    typer.Option(
        help="What finds the faces: mtcnn, facenet, none (the whole picture is the face) or a"
        " plugin's name."
    ),
]


def _min_face(given: str) -> str:
    """Refuses what makes no sense before anything is done."""
    smallest_face(given)
    return given


MinFace = Annotated[
    str,
    typer.Option(
        metavar="PX|N%",
        callback=_min_face,
        help="The smallest face, in pixels or, as 5%, of the photo's shorter side.",
    ),
]
MIN_FACE = str(defaults.MIN_FACE)
MinScore = Annotated[float, typer.Option(min=0.0, max=1.0, metavar="P", help="The lowest score of a face.")]
BatchSize = Annotated[
    int, typer.Option(min=1, help="Faces the network sees at once; those of one photo stay together.")
]
Report = Annotated[
    str,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE|-",
        help="The report, also as s3://, gs:// or az://; - is standard output.",
    ),
]
ReportFormat = Annotated[
    Format | None,
    typer.Option("--format", help="The report's format; taken from the name of --out where not given."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Data = Annotated[
    Path,
    typer.Option(
        help="FER2013: a .csv, class folders, a list (.txt), a .tfrecord, or a .zip or .tar.",
        show_default=False,
    ),
]
FerPlus = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The FER+ votes, fer2013new.csv: what ten people said of each picture.",
        show_default=False,
    ),
]
