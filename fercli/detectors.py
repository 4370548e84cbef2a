"""The detector of a name, loaded: what it gives is checked, what it does wrong is an error that names it.

This is the one place that loads detectors, so that whoever calls one needs no care of its own.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import lru_cache
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, cast

from fercli.errors import UsageError
from fercli.guard import guarded
from fercli.plugins import FastDetector, find_detector
from fercli.records import Box, Face, Landmarks
from fercli.smallest_face import SmallestFace, smallest_face

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fercli.images import Picture
    from fercli.plugins import DetectorPlugin

_KEPT = 16
"""Detectors that are kept, one a size of the smallest face; photos come in few sizes."""


def load_detector(
    name: str, min_face: int | str | SmallestFace, min_score: float, threads: int, *, fast: bool = False
) -> FastDetector:
    """The detector of a name, checked and guarded.

    A call raises UnavailableError where the detector fails, or gives anything but faces that lie somewhere.

    Args:
        name: the plugin's.
        min_face: the smallest face, as of `fercli.smallest_face.smallest_face`. Where it is a share of the
            photo, the plugin loads a detector for each number of pixels that comes of it.
        min_score: the lowest score of a face.
        threads: how many threads a call may use.
        fast: whether `detect_fast` will be called.

    Raises:
        UsageError: no face as small as that is looked for, or the detector has no fast way.
        UnavailableError: there is none of that name, it cannot run here, or fails to load.
    """
    smallest = smallest_face(min_face)
    plugin = find_detector(name)
    return guarded(f"detector {name}", lambda: _Checked(plugin, smallest, min_score, threads, fast=fast))


class _Checked:
    """A detector whose faces lie somewhere, or an error."""

    def __init__(
        self, plugin: DetectorPlugin, smallest: SmallestFace, min_score: float, threads: int, *, fast: bool
    ) -> None:
        from fercli.crop import Framing  # OpenCV, which whoever only asks for a plugin need not wait for

        self._smallest = smallest
        self._load = lru_cache(_KEPT)(lambda pixels: plugin.load(pixels, min_score, threads))
        self._fast = fast
        self._first = self._load(smallest.in_pixels(0, 0))  # which shows whether it can be loaded at all
        self.framing = self._first.framing
        if not isinstance(self.framing, Framing):
            raise TypeError("its framing is not a fercli.crop.Framing")
        if fast and not isinstance(self._first, FastDetector):
            raise UsageError(f"The detector {plugin.name} has no fast way.", "Leave --fast out.")

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return [_sane(face) for face in self._of(*rgb.shape[:2]).detect(rgb)]

    def reduction(self, height: int, width: int) -> int:
        return self._of(height, width).reduction(height, width)

    def detect_fast(self, picture: Picture) -> list[Face]:
        detector = self._of(picture.height, picture.width)
        return [_sane(face) for face in detector.detect_fast(picture)]

    def _of(self, height: int, width: int) -> FastDetector:
        """The detector for photos of that size; only where `fast` was asked for it has to have that way."""
        return cast("FastDetector", self._load(self._smallest.in_pixels(height, width)))

    def describe(self) -> Mapping[str, str]:
        about = {str(key): str(value) for key, value in self._first.describe().items()}
        if self._fast:
            about["fast"] = "on"
        # A detector that has no smallest face says so, and one of many says its own.
        return about | {"min_face": str(self._smallest)} if about.get("min_face") else about


def _sane(face: Face) -> Face:
    """The face in Python's own numbers, whatever a detector computes with."""
    box = Box(*(float(side) for side in (face.box.x1, face.box.y1, face.box.x2, face.box.y2)))
    if not (isfinite(box.area) and box.x1 <= box.x2 and box.y1 <= box.y2 and box.width + box.height > 0):
        raise ValueError(f"it gives a face the box {box.x1:g}, {box.y1:g}, {box.x2:g}, {box.y2:g}")
    score = float(face.score)
    points = [] if face.landmarks is None else [(float(x), float(y)) for x, y in astuple(face.landmarks)]
    if not all(map(isfinite, (score, *chain(*points)))):
        raise ValueError("it gives a face a score or landmarks that are not numbers")
    return Face(box, score, Landmarks(*points) if points else None)
