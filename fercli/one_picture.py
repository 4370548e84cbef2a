"""The library: one picture in, its record out."""

from __future__ import annotations

import os
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from fercli.analyzer import Analyzer
from fercli.bundle import load_models
from fercli.classifiers import load_classifiers
from fercli.defaults import BACKEND, DETECTOR, DEVICE, MAX_PIXELS, MIN_FACE, MIN_SCORE, MODEL
from fercli.detectors import load_detector
from fercli.devices import usable_cores
from fercli.engines.options import Options, checked_options
from fercli.errors import UsageError, shortages_named
from fercli.images import Picture, decode_reduced
from fercli.prediction import Predictor
from fercli.sources import printable_path, read_photo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fercli.analyzer import Reducible
    from fercli.arguments import AnyPath
    from fercli.bundle import Bundle
    from fercli.records import Photo

    Encoded = bytes | bytearray | memoryview

_MOST = 4
"""How many sets of loaded networks and detector `analyze` keeps, those that were used last."""


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
    options = checked_options(
        model=model, backend=backend, detector=detector, device=device, min_face=min_face,
        min_score=min_score, fast=fast, tta=tta, max_pixels=max_pixels,
    )  # fmt: skip
    path, picture = _picture(image, options.max_pixels)
    with _KEPT.lock, shortages_named():
        analyzer = _KEPT.analyzer(load_models(options.models), options._replace(models=(), max_pixels=0))
        if options.fast:
            (photo,) = analyzer.analyze_fast([(path, picture)])
        else:
            (photo,) = analyzer.analyze([(path, lambda: picture(lambda *_: 1).rgb)])
    return photo


def _load(bundles: tuple[Bundle, ...], options: Options) -> Analyzer:
    """By the models themselves, not by their names: one that was made anew is loaded anew."""
    threads = usable_cores()
    detector = load_detector(
        options.detector, options.min_face, options.min_score, threads, fast=options.fast
    )
    classifiers = load_classifiers(bundles, options.backend, options.device, threads).classifiers
    return Analyzer(detector, Predictor(classifiers, mirrored=options.tta))


class _Kept:
    """The networks and detectors that were used last, to be called by one thread at a time.

    The threads of a network are not forked with it, so a process that was forked loads its own.
    """

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):  # Windows does not fork
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self.lock = Lock()
        self.analyzer = lru_cache(maxsize=_MOST)(_load)


_KEPT = _Kept()


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
        kind = f"{type(image).__module__}.{type(image).__qualname__}".removeprefix("builtins.")
        raise UsageError(f"What is of the type {kind} is not an image.", _IMAGES)
    if image.dtype != np.uint8 or image.shape[2:] != (3,) or not image.size:
        raise UsageError(f"An array of {image.dtype} {image.shape} is not an image.", _IMAGES)
    return "", lambda _: Picture(np.ascontiguousarray(image), *image.shape[:2])


_IMAGES = (
    "Give a path, a file's bytes, or an upright picture as an array: uint8 (H, W, 3), RGB;"
    " of Pillow's images, numpy.asarray(image.convert('RGB'))."
)
