"""The options of `fercli predict`, and those that several commands share, each worded once.

They stand in the groups in which --help shows them.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from math import isnan
from pathlib import Path
from typing import Annotated

import typer

from fercli import defaults
from fercli.cli.configuration import at_origin
from fercli.errors import UsageError
from fercli.reports import Format
from fercli.smallest_face import smallest_face

Photos = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATHS]...",
        help="Photos, folders, archives (.zip, .tar), quoted patterns such as 'photos/**/*.jpg', URLs"
        " (s3://, gs://, az://, https://, file://), or - for a list of paths on standard input.",
        show_default=False,
    ),
]
Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="The name of a model that ships, or a model's folder.")
]

_input = partial(typer.Option, rich_help_panel="Input")

Recursive = Annotated[bool, _input(help="Look into the folders inside folders.")]
Include = Annotated[
    list[str] | None,
    _input(
        metavar="GLOB",
        help="In folders, take only files that match, by '*.dat' also those with another suffix than"
        " photos have; may be repeated.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    _input(metavar="GLOB", help="In folders, leave out files that match; may be repeated."),
]
Null = Annotated[
    bool, _input("--null", "-0", help="Paths on standard input end in NUL, as of find -print0.")
]
MaxPixels = Annotated[
    int, _input(min=1, metavar="N", help="Refuse larger pictures before they are decoded.")
]
Shard = Annotated[
    str,
    _input(metavar="I/N", help="Take every N-th photo from the I-th on, to share work between machines."),
]

_faces = partial(typer.Option, rich_help_panel="Faces")

Detector = Annotated[
    str,
    _faces(
        metavar="NAME",
        help="What finds the faces: mtcnn, facenet, none (the whole picture is the face) or a"
        " plugin's name.",
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
    _faces(
        metavar="PX|N%",
        callback=_min_face,
        help="The smallest face, in pixels or, as 5%, of the photo's shorter side.",
    ),
]
MIN_FACE = str(defaults.MIN_FACE)


def _a_number(given: float) -> float:
    """Refuses NaN, which is beyond no limit."""
    if isnan(given):
        raise typer.BadParameter("nan is not a number.")
    return given


MinScore = Annotated[
    float,
    _faces(min=0.0, max=1.0, metavar="P", callback=_a_number, help="The lowest score of a face."),
]
Fast = Annotated[
    bool,
    _faces(
        "--fast",
        help="Read large photos at fewer pixels: several times as fast, but small faces are missed.",
    ),
]

_model = partial(typer.Option, rich_help_panel="Model")

Backend = Annotated[
    str,
    _model(
        metavar="NAME",
        help="The runtime: auto (the fastest that is here), openvino, onnx, torch, tensorflow, or another"
        " that fercli doctor lists.",
    ),
]
Models = Annotated[
    list[str] | None,
    _model(
        "--model",
        metavar="MODEL",
        help="default, large (the mean of all that ship), another that fercli models list names, or a"
        " model's folder; several are averaged.",
        show_default=False,
    ),
]
Mirrored = Annotated[
    bool, _model("--tta", help="Read each face and its mirror image, and average: twice the work.")
]
Device = Annotated[str, _model(metavar="DEVICE", help="Where the network runs: auto, cpu, cuda or cuda:N.")]

_output = partial(typer.Option, rich_help_panel="Output")

Report = Annotated[
    str,
    _output(
        "--out",
        "-o",
        metavar="FILE|-",
        help="The report, also as s3://, gs:// or az://; - is standard output.",
    ),
]
ReportFormat = Annotated[
    Format | None,
    _output(
        "--format",
        metavar="FORMAT",
        help="The report's format: csv, json, jsonl, parquet or html; taken from the name of --out where"
        " not given.",
    ),
]
Annotate = Annotated[
    Path | None,
    _output(
        metavar="DIR",
        help="Write copies of the photos that have faces, with boxes, expressions and confidences.",
        show_default=False,
    ),
]
Crops = Annotated[
    Path | None,
    _output(metavar="DIR", help="Write the faces, in a folder for each expression.", show_default=False),
]

_running = partial(typer.Option, rich_help_panel="Running")

Workers = Annotated[
    int, _running(min=0, metavar="N", help="Photos worked on at once; 0 takes the cores there are.")
]
BatchSize = Annotated[
    int,
    _running(
        min=1,
        max=defaults.MOST_AT_ONCE,
        metavar="N",
        help="Faces the network sees at once; those of one photo stay together.",
    ),
]
Timeout = Annotated[
    float,
    _running(min=1, metavar="SECONDS", callback=_a_number, help="What takes longer to read is an error."),
]
ResumeReport = Annotated[
    bool, _running("--resume", help="Go on with the report of a run that was ended, whatever ended it.")
]
RetryErrors = Annotated[
    bool,
    _running("--retry-errors", help="As --resume, and read photos again that could not be read."),
]
Engine = Annotated[str, _running(metavar="local|ray", help="Read here, or by actors on a Ray cluster.")]
RayAddress = Annotated[
    str | None,
    _running(
        metavar="HOST:PORT|auto",
        help="The Ray cluster; without it that of RAY_ADDRESS, or one of this machine alone.",
        show_default=False,
    ),
]
Strict = Annotated[bool, _running("--strict", help="Stop at the first unreadable photo.")]
Quiet = Annotated[bool, _running("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, _running("--verbose", "-v", help="Say what runs, and where.")]


class Layout(StrEnum):
    """How people or programs are shown what was found."""

    TABLE = "table"
    JSON = "json"


DATA_SETS = "FER2013: a .csv, class folders, a list (.txt), a .tfrecord, or a .zip or .tar."

Data = Annotated[Path, typer.Option(help=DATA_SETS, show_default=False)]
FerPlus = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The FER+ votes, fer2013new.csv: what ten people said of each picture.",
        show_default=False,
    ),
]
ResumeTraining = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoint in --out, to the same numbers.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change an entry of the recipe; may be repeated."),
]
