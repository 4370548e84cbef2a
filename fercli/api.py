"""The library: photos in, records out. `fercli predict` is built on it.

Nothing here prints, catches a signal or needs a program of its own: it works in a script, in a notebook
and at Python's prompt. What goes wrong with a photo is in its record; all else that goes wrong is a
FercliError.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from fercli import arguments
from fercli.defaults import (
    BACKEND,
    BATCH_SIZE,
    DETECTOR,
    DEVICE,
    ENGINE,
    MAX_PIXELS,
    MIN_FACE,
    MIN_SCORE,
    MODEL,
    TIMEOUT,
)
from fercli.engines.memory import usable_memory, usable_workers
from fercli.engines.options import checked_options
from fercli.engines.reading import LocalEngine
from fercli.errors import UsageError, shortages_named
from fercli.reader import FaceReader
from fercli.sources import Findings, archive_url, find_photos
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import BinaryIO

    from fercli.arguments import AnyPath
    from fercli.engines.options import Options
    from fercli.engines.ray_engine import RayEngine
    from fercli.records import Photo


def read_faces(
    paths: AnyPath | Iterable[AnyPath],
    *,
    model: AnyPath | Sequence[AnyPath] = MODEL,
    backend: str = BACKEND,
    detector: str = DETECTOR,
    device: str = DEVICE,
    min_face: int | str = MIN_FACE,
    min_score: float = MIN_SCORE,
    fast: bool = False,
    tta: bool = False,
    recursive: bool = True,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    null_separated: bool = False,
    stdin: BinaryIO | None = None,
    select: Callable[[Iterator[str]], Iterable[str]] | None = None,
    max_pixels: int = MAX_PIXELS,
    workers: int = 0,
    batch_size: int = BATCH_SIZE,
    timeout: float = TIMEOUT,
    engine: str = ENGINE,
    ray_address: str | None = None,
) -> FaceReader:
    """Reads the expression of every face in photos, as `fercli predict` does.

    Examples:
        >>> import fercli
        >>> with fercli.read_faces("samples/photos/*biden.jpg", workers=1) as photos:
        ...     for photo in photos:
        ...         print(photo.path, photo.status, len(photo.faces), photo.faces[0].expression)
        samples/photos/vice-president-biden.jpg ok 1 neutral

    Args:
        paths: photos, folders, patterns, `file://` URLs, or `-` for a list; any iterable of them, which is
            taken from in another thread as photos are read.
        model: the name of a model that ships (`large`: the mean of all), or a model's folder; several are
            averaged.
        backend: `auto`, the fastest that is installed, or a backend's name.
        detector: `mtcnn`, `facenet`, `none` (the whole picture is the face) or a plugin's name.
        device: where the network runs: `auto`, `cpu`, `cuda` or `cuda:N`.
        min_face: the smallest face, in pixels, or as a share of the photo's shorter side, such as "5%".
        min_score: the lowest score of a face, 0 to 1.
        fast: whether large photos are decoded smaller, and their smallest faces left out (docs/fast.md).
        tta: whether each face and its mirror image are read, and averaged.
        recursive: whether folders inside folders are entered.
        include: in folders, take only files that match one of these patterns.
        exclude: in folders, leave out files that match one of these.
        null_separated: whether the list that `-` stands for is separated by NUL.
        stdin: read for the path `-` in place of standard input.
        select: is given the paths of all photos as they are found, and gives those to read.
        max_pixels: larger pictures are refused before they are decoded.
        workers: how many photos are worked on at once; 0 takes the cores and the memory that there are.
        batch_size: how many faces the network sees at once.
        timeout: how many seconds a photo may take.
        engine: `local`, or `ray`: actors on a cluster read the photos, `workers` at once each.
        ray_address: the cluster, `auto` or HOST:PORT; None takes that of RAY_ADDRESS, or starts one of this
            machine alone.

    Returns:
        An iterator of a Photo for each photo. One that cannot be read says so in `error`.

    Raises:
        UsageError: an argument makes no sense.
        UnavailableError: a model, backend, detector or device is not there or does not work.
    """
    options = checked_options(
        model=model, backend=backend, detector=detector, device=device, min_face=min_face,
        min_score=min_score, fast=fast, tta=tta, max_pixels=max_pixels, batch_size=batch_size,
        timeout=timeout,
    )  # fmt: skip
    listed = arguments.paths(paths)
    findings = Findings()
    found = find_photos(
        listed,
        recursive=arguments.switch("recursive", recursive),
        include=arguments.texts("include", include),
        exclude=arguments.texts("exclude", exclude),
        null_separated=arguments.switch("null_separated", null_separated),
        stdin=arguments.stream("stdin", stdin),
        findings=findings,
    )
    chosen = found
    if select is not None:
        arguments.function("select", select)
        chosen = map(arguments.path, select(found))
    with ExitStack() as stack, shortages_named():
        workers = arguments.whole_number("workers", workers, 0)
        running = _engine(arguments.text("engine", engine), options, workers, listed, ray_address)
        stack.callback(running.close)
        photos = running.run(chosen)
        stack.callback(_end, photos)
        write_parts = partial(running.write_parts, chosen)
        return FaceReader(photos, write_parts, running.pipeline, findings, stack.pop_all().close)


def _engine(
    name: str, options: Options, workers: int, paths: Iterable[str], address: str | None
) -> LocalEngine | RayEngine:
    """The engine of a name, ready to read."""
    if address is not None:
        arguments.text("ray_address", address)
    if name == "local" and address is None:
        return LocalEngine(options, _useful(workers or usable_workers(), paths), usable_memory())
    if name == "local":
        raise UsageError("A Ray cluster is named, but the engine is local.", "Choose the engine ray.")
    if name != "ray":
        raise UsageError(f"There is no engine {quoted(name)}.", "Choose local or ray.")
    from fercli.engines.ray_engine import RayEngine

    return RayEngine(options, workers, address)


def _end(photos: Generator[Photo]) -> None:
    """Ends the reading, unless another thread waits in it, which ends with the workers."""
    if inspect.getgeneratorstate(photos) != inspect.GEN_RUNNING:
        photos.close()


def _useful(workers: int, paths: Iterable[str]) -> int:
    """How many workers can have a photo at all: no more than there are paths, where each is a photo."""
    if isinstance(paths, Sequence) and all(map(os.path.isfile, paths)) and not any(map(archive_url, paths)):
        return max(1, min(workers, len(paths)))
    return workers
