"""The options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fercli import defaults
from fercli.cli.configuration import at_origin
from fercli.errors import UsageError
from fercli.reports import Format
from fercli.smallest_face import smallest_face

INPUT, FACES, MODEL, OUTPUT, RUNNING = "Input", "Faces", "Model", "Output", "Running"
"""The groups in which --help shows options."""

Backend = Annotated[
    str,
    typer.Option(
        help="The runtime: auto (the fastest that is here), openvino, onnx, torch, tensorflow, or another"
        " that fercli doctor lists.",
        metavar="NAME",
        rich_help_panel=MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE", help="Where the network runs: auto, cpu, cuda or cuda:N.", rich_help_panel=MODEL
    ),
]
Detector = Annotated[
    str,
    typer.Option(
        help="What finds the faces: mtcnn, facenet, none (the whole picture is the face) or a"
        " plugin's name.",
        metavar="NAME",
        rich_help_panel=FACES,
    ),
]


def _min_face(context: typer.Context, parameter: typer.CallbackParam, given: str) -> str:
    """Refuses what makes no sense before anything is done."""
    try:
        smallest_face(given)
    except UsageError as error:
        raise at_origin(context, parameter.name, error) from error
    return given


MinFace = Annotated[
    str,
    typer.Option(
        metavar="PX|N%",
        callback=_min_face,
        help="The smallest face, in pixels or, as 5%, of the photo's shorter side.",
        rich_help_panel=FACES,
    ),
]
MIN_FACE = str(defaults.MIN_FACE)
MinScore = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, metavar="P", help="The lowest score of a face.", rich_help_panel=FACES),
]
BatchSize = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Faces the network sees at once; those of one photo stay together.",
        rich_help_panel=RUNNING,
    ),
]
Report = Annotated[
    str,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE|-",
        help="The report, also as s3://, gs:// or az://; - is standard output.",
        rich_help_panel=OUTPUT,
    ),
]
ReportFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="The report's format: csv, json, jsonl, parquet or html; taken from the name of --out where"
        " not given.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=RUNNING)
]
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
