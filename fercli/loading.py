"""Backends and detectors loaded and guarded: whatever a plugin does wrong is an error that names it.

This is the one place that loads them, so whoever calls one needs no care of its own.
"""

from __future__ import annotations

from dataclasses import astuple
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import UnavailableError
from fercli.plugins import blamed_on, find_detector
from fercli.records import EXPRESSIONS, Box, Face, Landmarks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.plugins import Backend, Classifier, Detector


def load_classifier(name: str, backend: Backend, bundle: Bundle, device: str, threads: int) -> Classifier:
    """A backend's network, guarded; `name` is the backend's, the rest as of `Backend.load`.

    A call raises UnavailableError where the network fails, or gives anything but finite logits (N, 7).

    Raises:
        DeviceError: the device is not there, or the backend cannot use it.
        UnavailableError: the backend fails, or cannot run the bundle.
    """
    plugin = f"backend {name}, with the model in {bundle.folder},"
    with blamed_on(plugin):
        return _Classifier(plugin, backend.load(bundle, device, threads))


def load_detector(name: str, min_face: int, min_score: float, threads: int) -> Detector:
    """The detector of a name, guarded; the arguments are those of `DetectorPlugin.load`.

    A call raises UnavailableError where the detector fails, or gives anything but faces that lie somewhere.

    Raises:
        UnavailableError: there is none of that name, it cannot run here, or fails to load.
    """
    found, plugin = find_detector(name), f"detector {name}"
    with blamed_on(plugin):
        return _Detector(plugin, found.load(min_face, min_score, threads))


class _Classifier:
    def __init__(self, plugin: str, network: Classifier) -> None:
        self._plugin = plugin
        self._network = network
        if not callable(network):
            raise TypeError("it loads nothing that can be called")

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with blamed_on(self._plugin):
            logits = np.asarray(self._network(batch), np.float32)
        shape = (len(batch), len(EXPRESSIONS))
        if logits.shape != shape or not np.isfinite(logits).all():
            raise UnavailableError(
                f"The {self._plugin} gives no finite logits of shape {shape}.",
                "Choose another --backend or --model.",
            )
        return logits

    def describe(self) -> Mapping[str, str]:
        with blamed_on(self._plugin):
            return _as_text(self._network.describe())


class _Detector:
    def __init__(self, plugin: str, detector: Detector) -> None:
        from fercli.crop import Framing  # OpenCV, which whoever only asks for a plugin need not wait for

        self._plugin = plugin
        self._detector = detector
        self.framing = detector.framing
        if not isinstance(self.framing, Framing):
            raise TypeError("its framing is no fercli.crop.Framing")

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        with blamed_on(self._plugin):
            return [_sane(face) for face in self._detector.detect(rgb)]

    def describe(self) -> Mapping[str, str]:
        with blamed_on(self._plugin):
            return _as_text(self._detector.describe())


def _sane(face: Face) -> Face:
    """The face in Python's own numbers, whatever a detector computes with."""
    box = Box(*(float(side) for side in (face.box.x1, face.box.y1, face.box.x2, face.box.y2)))
    if not (isfinite(box.area) and box.x1 <= box.x2 and box.y1 <= box.y2 and box.width + box.height > 0):
        raise ValueError(f"it gives a face the box {box.x1:g}, {box.y1:g}, {box.x2:g}, {box.y2:g}")
    score = float(face.score)
    points = [] if face.landmarks is None else [(float(x), float(y)) for x, y in astuple(face.landmarks)]
    if not all(map(isfinite, (score, *chain(*points)))):
        raise ValueError("it gives a face a score or landmarks that are no numbers")
    return Face(box, score, Landmarks(*points) if points else None)


def _as_text(about: Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in about.items()}
