"""`fercli predict`: photos in, report out."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fercli import defaults
from fercli.cli import options
from fercli.cli.configuration import defaults_named, defaults_of_run
from fercli.cli.finding import nothing_to_do, say_findings
from fercli.cli.messages import say
from fercli.cli.parts import refuse_with_parts, write_parts
from fercli.cli.summary import Beside
from fercli.cli.writing import earlier_report, summary, write_report
from fercli.errors import ExitCode, UsageError
from fercli.records import Status
from fercli.reports import STANDARD_OUTPUT, choose_format, claimed, refuse_place
from fercli.reports.parts import claimed_folder, is_folder, part_format
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli.reader import Pipeline
    from fercli.reports.earlier import Earlier
    from fercli.reports.settings import Settings


def predict(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATHS",
            help="Photos, folders, archives (.zip, .tar), quoted patterns such as 'photos/**/*.jpg', URLs"
            " (s3://, gs://, az://, https://, file://), or - for a list of paths on standard input.",
            show_default=False,
        ),
    ] = None,
    out: options.Report = STANDARD_OUTPUT,
    report_format: options.ReportFormat = None,
    backend: options.Backend = defaults.BACKEND,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="default, large (the mean of all that ship), another that fercli models list names, or a"
            " model's folder; several are averaged.",
            show_default=False,
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    tta: Annotated[
        bool,
        typer.Option(
            "--tta",
            help="Read each face and its mirror image, and average: twice the work.",
            rich_help_panel=options.MODEL,
        ),
    ] = False,
    device: options.Device = defaults.DEVICE,
    detector: options.Detector = defaults.DETECTOR,
    min_face: options.MinFace = options.MIN_FACE,
    min_score: options.MinScore = defaults.MIN_SCORE,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Read large photos at fewer pixels: several times as fast, but small faces are missed.",
            rich_help_panel=options.FACES,
        ),
    ] = False,
    recursive: Annotated[
        bool, typer.Option(help="Look into the folders inside folders.", rich_help_panel=options.INPUT)
    ] = True,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="In folders, take only files that match, by '*.dat' also those with another suffix than"
            " photos have; may be repeated.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="In folders, leave out files that match; may be repeated.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            "-0",
            help="Paths on standard input end in NUL, as of find -print0.",
            rich_help_panel=options.INPUT,
        ),
    ] = False,
    max_pixels: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Refuse larger pictures before they are decoded.",
            rich_help_panel=options.INPUT,
        ),
    ] = defaults.MAX_PIXELS,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Photos worked on at once; 0 takes the cores there are.",
            rich_help_panel=options.RUNNING,
        ),
    ] = 0,
    batch_size: options.BatchSize = defaults.BATCH_SIZE,
    timeout: Annotated[
        float,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="What takes longer to read is an error.",
            rich_help_panel=options.RUNNING,
        ),
    ] = defaults.TIMEOUT,
    annotate: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write copies of the photos that have faces, with boxes, expressions and confidences.",
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the faces, in a folder for each expression.",
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the report of a run that was ended, whatever ended it.",
            rich_help_panel=options.RUNNING,
        ),
    ] = False,
    retry_errors: Annotated[
        bool,
        typer.Option(
            "--retry-errors",
            help="As --resume, and read photos again that could not be read.",
            rich_help_panel=options.RUNNING,
        ),
    ] = False,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="Take every N-th photo from the I-th on, to share work between machines.",
            rich_help_panel=options.INPUT,
        ),
    ] = "1/1",
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|ray",
            help="Read here, or by actors on a Ray cluster.",
            rich_help_panel=options.RUNNING,
        ),
    ] = defaults.ENGINE,
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT|auto",
            help="The Ray cluster; without it that of RAY_ADDRESS, or one of this machine alone.",
            show_default=False,
            rich_help_panel=options.RUNNING,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Stop at the first unreadable photo.", rich_help_panel=options.RUNNING
        ),
    ] = False,
    quiet: options.Quiet = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Say what runs, and where.", rich_help_panel=options.RUNNING),
    ] = False,
) -> None:
    """Read the expression of every face in photos and write a report, one row a face.

    Exit codes: 0 done; 3 done, but some photos could not be read (their rows say why) or an argument gave
    none (it is named); 4 no photo found; 5 a model, backend or device does not work; 6 the report cannot be
    written; 130 interrupted.
    """
    from fercli.api import read_faces
    from fercli.sources import STANDARD_INPUT

    paths = _given(paths)
    resume = resume or retry_errors
    in_parts = is_folder(out)
    if in_parts:
        refuse_with_parts(retry_errors=retry_errors, annotate=annotate, crops=crops, strict=strict)
    kind = part_format(report_format) if in_parts else choose_format(out, report_format)
    refuse_place(out, [("list on", 0) if path == STANDARD_INPUT else ("photo", path) for path in paths])
    beside = Beside(annotate, crops, paths)
    with ExitStack() as stack:
        stack.enter_context(defaults_named(context))
        part, parts = _shard(shard)
        target = stack.enter_context(claimed(out))
        if in_parts:
            stack.enter_context(claimed_folder(out, resume=resume))
        earlier = (
            None if in_parts else earlier_report(stack, out, kind, resume=resume, retry_errors=retry_errors)
        )
        photos = stack.enter_context(
            read_faces(
                paths,
                model=model or defaults.MODEL,
                backend=backend,
                detector=detector,
                device=device,
                min_face=min_face,
                min_score=min_score,
                fast=fast,
                tta=tta,
                recursive=recursive,
                include=include or (),
                exclude=exclude or (),
                null_separated=null,
                stdin=_standard_input() if STANDARD_INPUT in paths else None,
                select=lambda found: _selected(islice(found, part - 1, None, parts), earlier),
                max_pixels=max_pixels,
                workers=workers,
                batch_size=batch_size,
                timeout=timeout,
                engine=engine,
                ray_address=ray_address,
            )
        )
        if verbose:
            say(*defaults_of_run(context), *_lines(photos.pipeline))
        settings = _settings(photos.pipeline, detector, earlier, tta=tta, shard=f"{part}/{parts}")
        if earlier is not None and earlier.count and earlier.settings is None and not quiet:
            say(
                f"It is not known with what settings {quoted(out)} was begun; it goes on with those of now."
            )
        if in_parts:
            tally = write_parts(photos, out, kind, settings, quiet=quiet)
        else:
            tally = write_report(
                photos, out, target, kind, settings, earlier, beside, quiet=quiet, strict=strict
            )
        if not tally:
            raise nothing_to_do(paths, shard, photos.findings)
    if not (strict and tally[Status.ERROR]):  # where it stopped, not all was looked at
        say_findings(photos.findings, quiet=quiet)
    if not quiet:
        beside.say_shares()
        say(*_CHANGED if earlier is not None and earlier.has_changed else ())
        say(summary(tally) + ("." if out == STANDARD_OUTPUT else f"; {out}."))
    beside.finish()
    if tally[Status.ERROR] or photos.findings.fruitless:
        raise typer.Exit(ExitCode.SOME_UNREADABLE)


_EXAMPLES = """Type, for instance:
  fercli predict photos --out report.csv     a folder's photos into a table
  fercli predict photos --out report.html    into a page for a browser
  fercli predict a.jpg b.png                 a table on the terminal
  find . -name '*.jpg' | fercli predict -    the paths from a pipe
fercli predict --help lists every option."""


def _given(paths: list[str] | None) -> list[str]:
    if not paths:
        raise UsageError("No photos are named.", _EXAMPLES)
    return paths


def _standard_input() -> FileIO:
    """Standard input without a buffer: a thread may wait there when a run ends, and must hold no lock."""
    if sys.stdin is None:
        raise UsageError(
            "Standard input is closed.", "Pipe a list of paths into fercli, or name the photos."
        )
    return FileIO(0, closefd=False)


def _lines(pipeline: Pipeline) -> list[str]:
    """What reads the faces, a line each."""
    parts = [("model", {"name": one.name, "folder": str(one.folder)}) for one in pipeline.models]
    parts += [("backend", dict(pipeline.backend)), ("detector", dict(pipeline.detector))]
    lines = [f"{part}: {', '.join(map(' '.join, about.items()))}" for part, about in parts]
    return [*lines, f"workers: {pipeline.workers}"]


def _shard(text: str) -> tuple[int, int]:
    """The two numbers of `I/N`."""
    numbers = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    part, parts = (int(number) for number in numbers.groups()) if numbers else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard {text} is not I/N, such as 1/4 to 4/4.", "Count the parts from 1.")
    return part, parts


def _selected(found: Iterator[str], earlier: Earlier | None) -> Iterator[str]:
    """The paths that are to be read."""
    return found if earlier is None else earlier.not_done(found)


def _settings(
    pipeline: Pipeline, detector: str, earlier: Earlier | None, *, tta: bool, shard: str
) -> Settings:
    """The settings of the report; refuses others than it was begun with."""
    from fercli.reports.settings import settings_of

    finding = {**pipeline.detector, "detector": detector}
    settings = settings_of(pipeline.models, pipeline.backend, finding, tta=tta, shard=shard)
    return settings if earlier is None else earlier.go_on_with(settings)


_CHANGED = (
    "The photos are others than those that the report was begun with:"
    " what it had has stayed as it was, and what is new stands at its end.",
)
