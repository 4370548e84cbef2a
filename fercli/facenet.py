"""The detector plugin `facenet`: facenet-pytorch's own MTCNN, the reference for `mtcnn`."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from fercli.crop import FER2013
from fercli.errors import PhotoError, PhotoErrorKind, UnavailableError
from fercli.extras import install, missing
from fercli.mtcnn.pyramid import scales
from fercli.plugins import Availability
from fercli.records import Box, Face, Landmarks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


_REMEDY = (
    "It wants an old torch and an old NumPy: make an environment of its own for it and run there "
    f"{install('facenet')} onnxruntime"
)


class FacenetPlugin:
    """The reference detector, for comparison; an order of magnitude heavier than `mtcnn`."""

    name = "facenet"

    def is_available(self) -> Availability:
        """Whether facenet-pytorch is installed."""
        if missing("facenet_pytorch"):
            return Availability(False, "facenet-pytorch is not installed", _REMEDY)
        return Availability(True)

    def load(self, min_face: int, min_score: float, threads: int) -> FacenetDetector:
        """A detector of faces from `min_face` pixels and `min_score` up.

        torch counts its threads for the whole process, so `threads` holds for all that torch does in it.

        Raises:
            UnavailableError: facenet-pytorch is not installed or cannot be imported.
        """
        try:
            import torch
            from facenet_pytorch import MTCNN
        except (ImportError, OSError) as error:
            raise UnavailableError(f"The detector facenet cannot be loaded: {error}.", _REMEDY) from error
        torch.set_num_threads(threads)
        return FacenetDetector(MTCNN(keep_all=True, min_face_size=min_face), min_face, min_score)


class FacenetDetector:
    """facenet-pytorch's MTCNN, loaded; keeps no state between calls, so threads may share it."""

    framing = FER2013

    def __init__(self, mtcnn: Any, min_face: int, min_score: float) -> None:
        self._mtcnn = mtcnn
        self._min_face = min_face
        self._min_score = min_score

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces in an upright picture, uint8 (H, W, 3) RGB, largest box first; no face, no error.

        Raises:
            PhotoError: facenet-pytorch fails on this picture, as it does where one of its boxes misses
                the picture.
        """
        height, width = rgb.shape[:2]
        if not scales(height, width, self._min_face):
            return []  # smaller than the smallest face, where facenet-pytorch has no level to look at
        try:
            boxes, scores, landmarks = self._mtcnn.detect(rgb, landmarks=True)
        except (IndexError, RuntimeError) as error:
            raise PhotoError(
                PhotoErrorKind.INTERNAL, f"facenet-pytorch fails on this picture: {error}"
            ) from error
        if boxes is None:
            return []
        return [
            Face(Box(*map(float, box)), float(score), Landmarks(*((float(x), float(y)) for x, y in points)))
            for box, score, points in zip(boxes, scores, landmarks, strict=True)
            if score >= self._min_score
        ]

    def describe(self) -> Mapping[str, str]:
        """What really runs: `detector`, `runtime`, `version`, `min_face`, `min_score`."""
        return {
            "detector": FacenetPlugin.name,
            "runtime": f"torch {metadata.version('torch')}",
            "version": metadata.version("facenet-pytorch"),
            "min_face": str(self._min_face),
            "min_score": str(self._min_score),
        }
