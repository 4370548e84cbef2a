"""`fercli predict`: photos in, report out."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from io import FileIO
from itertools import islice
from typing import TYPE_CHECKING

import typer

from fercli import defaults
from fercli.cli import options
from fercli.cli.configuration import defaults_named, defaults_of_run
from fercli.cli.finding import nothing_to_do, say_findings
from fercli.cli.messages import say
from fercli.cli.parts import refuse_with_parts, write_parts
from fercli.cli.summary import Beside, counts
from fercli.cli.writing import earlier_report, write_report
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
    paths: options.Photos = None,
    out: options.Report = STANDARD_OUTPUT,
    report_format: options.ReportFormat = None,
    backend: options.Backend = defaults.BACKEND,
    model: options.Models = None,
    tta: options.Mirrored = False,
    device: options.Device = defaults.DEVICE,
    detector: options.Detector = defaults.DETECTOR,
    min_face: options.MinFace = options.MIN_FACE,
    min_score: options.MinScore = defaults.MIN_SCORE,
    fast: options.Fast = False,
    recursive: options.Recursive = True,
    include: options.Include = None,
    exclude: options.Exclude = None,
    null: options.Null = False,
    max_pixels: options.MaxPixels = defaults.MAX_PIXELS,
    workers: options.Workers = 0,
    batch_size: options.BatchSize = defaults.BATCH_SIZE,
    timeout: options.Timeout = defaults.TIMEOUT,
    annotate: options.Annotate = None,
    crops: options.Crops = None,
    resume: options.ResumeReport = False,
    retry_errors: options.RetryErrors = False,
    shard: options.Shard = "1/1",
    engine: options.Engine = defaults.ENGINE,
    ray_address: options.RayAddress = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
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
        say(counts(tally, tally["faces"]) + ("." if out == STANDARD_OUTPUT else f"; {quoted(out)}."))
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
