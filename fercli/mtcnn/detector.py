"""The detector plugin `mtcnn`: the cascade behind the interface that every detector has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fercli.crop import FER2013
from fercli.errors import UsageError
from fercli.extras import install
from fercli.mtcnn.cascade import find_faces
from fercli.mtcnn.nets import load_nets
from fercli.mtcnn.pyramid import CELL
from fercli.plugins import Availability
from fercli.records import Box, Face, Landmarks
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fercli.mtcnn.nets import Nets


class MtcnnPlugin:
    """The built-in detector."""

    name = "mtcnn"

    def __init__(self) -> None:
        self._nets = lru_cache(maxsize=1)(load_nets)  # the same ones, whatever the smallest face

    def is_available(self) -> Availability:
        """Whether ONNX Runtime, which runs the nets, is installed and usable."""
        try:
            import_onnxruntime()
        except (ImportError, OSError) as error:
            return Availability(False, f"onnxruntime cannot be imported ({error})", install("cpu"))
        return Availability(True)

    def load(self, min_face: int, min_score: float, threads: int) -> MtcnnDetector:
        """A detector of faces from `min_face` pixels and `min_score` up, `threads` threads a call.

        Raises:
            UsageError: `min_face` is smaller than the cascade can see.
            UnavailableError: ONNX Runtime or a net is missing or broken.
        """
        if min_face < CELL:
            raise UsageError(
                f"The smallest face that mtcnn can look for is {CELL} pixels, not {min_face}.",
                f"Ask for {CELL} or more, or enlarge the photos.",
            )
        return MtcnnDetector(self._nets(threads), min_face, min_score)


class MtcnnDetector:
    """The cascade, loaded and ready; may be called from several threads at once."""

    framing = FER2013

    def __init__(self, nets: Nets, min_face: int, min_score: float) -> None:
        self._nets = nets
        self._min_face = min_face
        self._min_score = min_score

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces in an upright picture, uint8 (H, W, 3) RGB, largest box first; no face, no error."""
        found = find_faces(rgb, self._nets, self._min_face)
        return [
            Face(Box(*box), score, Landmarks(*((x, y) for x, y in points)))
            for box, score, points in zip(*(values.tolist() for values in found), strict=True)
            if score >= self._min_score
        ]

    def describe(self) -> Mapping[str, str]:
        """What really runs: `detector`, `runtime`, `version`, `min_face`, `min_score`."""
        return {
            "detector": MtcnnPlugin.name,
            "runtime": "onnxruntime",
            "version": import_onnxruntime().__version__,
            "min_face": str(self._min_face),
            "min_score": str(self._min_score),
        }
