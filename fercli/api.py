"""The library: photos, pictures and arrays in, records out. `fercli predict` is built on it.

Nothing here prints, catches a signal or needs a program of its own: it works in a script, in a notebook
and at Python's prompt. What goes wrong with a photo is in its record; all else that goes wrong is a
FercliError.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
from math import inf
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from fercli.analyzer import Analyzer
from fercli.classifiers import load_classifiers
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
from fercli.detectors import load_detector
from fercli.devices import usable_cores
from fercli.engines.memory import usable_memory, usable_workers
from fercli.engines.reading import LocalEngine, Options, load_models
from fercli.errors import UsageError, shortages_named
from fercli.images import Picture, decode_reduced
from fercli.prediction import Predictor
from fercli.reader import FaceReader
from fercli.smallest_face import SmallestFace, smallest_face
from fercli.sources import Findings, archive_url, find_photos, printable_path, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from numpy.typing import NDArray

    from fercli.analyzer import Reducible
    from fercli.bundle import Bundle
    from fercli.engines.ray_engine import RayEngine
    from fercli.records import Photo

    AnyPath = str | os.PathLike[str]
    Encoded = bytes | bytearray | memoryview

_KEPT = 4
"""How many sets of loaded networks and detector `analyze` keeps, those that were used last."""


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
    _within("min_score", min_score, 0, 1)
    _within("max_pixels", max_pixels, 1)
    _within("workers", workers, 0)
    _within("batch_size", batch_size, 1)
    _within("timeout", timeout, 1)
    smallest = smallest_face(min_face)
    listed = _listed(paths)
    findings = Findings()
    options = Options(
        _texts(model),
        backend,
        detector,
        device,
        smallest,
        min_score,
        fast,
        tta,
        max_pixels,
        batch_size,
        timeout,
    )
    with ExitStack() as stack, shortages_named():
        running = _engine(engine, options, workers, listed, ray_address)
        stack.callback(running.close)
        found = find_photos(
            listed,
            recursive=recursive,
            include=_texts(include),
            exclude=_texts(exclude),
            null_separated=null_separated,
            stdin=stdin,
            findings=findings,
        )
        chosen = found if select is None else select(found)
        photos = running.run(chosen)
        stack.callback(photos.close)
        write_parts = partial(running.write_parts, chosen)
        return FaceReader(photos, write_parts, running.pipeline, findings, stack.pop_all().close)


def _engine(
    name: str, options: Options, workers: int, paths: Iterable[str], address: str | None
) -> LocalEngine | RayEngine:
    """The engine of a name, ready to read."""
    if name == "local" and address is None:
        return LocalEngine(options, _useful(workers or usable_workers(), paths), usable_memory())
    if name == "local":
        raise UsageError("A Ray cluster is named, but the engine is local.", "Choose the engine ray.")
    if name != "ray":
        raise UsageError(f"There is no engine {name}.", "Choose local or ray.")
    from fercli.engines.ray_engine import RayEngine

    return RayEngine(options, workers, address)


def analyze(
    image: AnyPath | Encoded | NDArray[np.uint8],
    *,
    model: AnyPath | Sequence[AnyPath] = MODEL,
    backend: str = BACKEND,
    detector: str = DETECTOR,
    device: str = DEVICE,
    min_face: int | str = MIN_FACE,
    min_score: float = MIN_SCORE,
    fast: bool = False,
    tta: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Photo:
    """Reads the expression of every face in one picture, in this process.

    The networks and the detector are loaded by the first call, and kept for calls with the same settings.
    Threads that call it wait for each other.

    Examples:
        >>> import cv2, fercli
        >>> bgr = cv2.imread("samples/photos/vice-president-biden.jpg")
        >>> photo = fercli.analyze(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        >>> [face.expression for face in photo.faces]
        ['neutral']

    Args:
        image: a photo's path or `file://` URL; a file's bytes; or an upright picture, uint8 (H, W, 3) RGB.
        model: as of `read_faces`, as is all that follows.
        backend: likewise.
        detector: likewise.
        device: likewise.
        min_face: likewise.
        min_score: likewise.
        fast: likewise; an array is as large as it is.
        tta: likewise.
        max_pixels: likewise; an array may have any number.

    Returns:
        Its Photo, whose `path` is empty where the image is not a path. A picture that cannot be read says
        so in `error`.

    Raises:
        UsageError: the image is something else, or an argument makes no sense.
        UnavailableError: as of `read_faces`.
    """
    _within("min_score", min_score, 0, 1)
    _within("max_pixels", max_pixels, 1)
    smallest = smallest_face(min_face)
    path, picture = _picture(image, max_pixels)
    with _ONE_AT_A_TIME, shortages_named():
        bundles = load_models(_texts(model))
        analyzer = _analyzer(bundles, backend, detector, device, smallest, min_score, fast, tta)
        if fast:
            (photo,) = analyzer.analyze_fast([(path, picture)])
        else:
            (photo,) = analyzer.analyze([(path, lambda: picture(lambda *_: 1).rgb)])
    return photo


_ONE_AT_A_TIME = Lock()
"""Detectors and networks are called from one thread at a time."""


@lru_cache(maxsize=_KEPT)
def _analyzer(
    bundles: tuple[Bundle, ...],
    backend: str,
    detector: str,
    device: str,
    min_face: SmallestFace,
    min_score: float,
    fast: bool,
    tta: bool,
) -> Analyzer:
    """By the models themselves, not by their names: one that was made anew is loaded anew."""
    threads = usable_cores()
    finder = load_detector(detector, min_face, min_score, threads, fast=fast)
    classifiers = load_classifiers(bundles, backend, device, threads).classifiers
    return Analyzer(finder, Predictor(classifiers, mirrored=tta))


def _picture(image: AnyPath | Encoded | NDArray[np.uint8], max_pixels: int) -> tuple[str, Reducible]:
    """The path of an image, if it has one, and what gives its pixels."""
    if isinstance(image, str | os.PathLike):
        path = os.fsdecode(image)
        return printable_path(path), lambda reduction: decode_reduced(
            read_photo(path), reduction, max_pixels
        )
    if isinstance(image, bytes | bytearray | memoryview):
        return "", lambda reduction: decode_reduced(bytes(image), reduction, max_pixels)
    if not isinstance(image, np.ndarray):
        raise UsageError(f"A {type(image).__name__} is not an image.", _IMAGES)
    if image.dtype != np.uint8 or image.shape[2:] != (3,) or not image.size:
        raise UsageError(f"An array of {image.dtype} {image.shape} is not an image.", _IMAGES)
    return "", lambda _: Picture(np.ascontiguousarray(image), *image.shape[:2])


_IMAGES = "Give a path, a file's bytes, or an upright picture as an array: uint8 (H, W, 3), RGB."


def _within(name: str, value: float, least: float, most: float = inf) -> None:
    if not least <= value <= most:
        allowed = f"{least} or more" if most == inf else f"between {least} and {most}"
        raise UsageError(f"{name} is {value}.", f"It must be {allowed}.")


def _listed(paths: AnyPath | Iterable[AnyPath]) -> Iterable[str]:
    """The paths as texts, at once where they are there already."""
    if isinstance(paths, Sequence | os.PathLike):
        return _texts(paths)
    return map(os.fsdecode, paths)


def _texts(given: AnyPath | Sequence[AnyPath]) -> tuple[str, ...]:
    """One text or several, as several."""
    if isinstance(given, str | os.PathLike):
        return (os.fsdecode(given),)
    return tuple(map(os.fsdecode, given))


def _useful(workers: int, paths: Iterable[str]) -> int:
    """How many workers can have a photo at all: no more than there are paths, where each is a photo."""
    if isinstance(paths, Sequence) and all(map(os.path.isfile, paths)) and not any(map(archive_url, paths)):
        return max(1, min(workers, len(paths)))
    return workers
