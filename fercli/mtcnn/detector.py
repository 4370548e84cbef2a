"""The detector plugin `mtcnn`: the cascade behind the interface that every detector has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fercli.crop import FER2013
from fercli.errors import UsageError
from fercli.extras import install
from fercli.mtcnn.cascade import OUTPUT_SIDE, find_faces
from fercli.mtcnn.nets import load_nets
from fercli.mtcnn.pyramid import CELL, FACTOR
from fercli.plugins import Availability
from fercli.records import Box, Face, Landmarks
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fercli.images import Picture
    from fercli.mtcnn.cascade import Detections
    from fercli.mtcnn.nets import Nets

_FAST_SHARE = 0.04
"""A share of the shorter side: smaller faces need not be found in large photos."""
_FAST_PROPOSAL_SCORE = 0.8


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
        return self._faces(find_faces(rgb, self._nets, self._min_face))

    def reduction(self, height: int, width: int) -> int:
        """As of `fercli.plugins.FastDetector`: the smallest face keeps what the last net sees."""
        smallest = self._smallest_fast(height, width)
        return max(times for times in (1, 2, 4, 8) if times == 1 or smallest >= times * OUTPUT_SIDE)

    def detect_fast(self, picture: Picture) -> list[Face]:
        """As of `fercli.plugins.FastDetector`; docs/fast.md has what it misses and what it saves."""
        share = picture.rgb.shape[1] / picture.width
        smallest = self._smallest_fast(picture.height, picture.width) * share
        return self._faces(find_faces(picture.rgb, self._nets, smallest, _FAST_PROPOSAL_SCORE))

    def _smallest_fast(self, height: int, width: int) -> float:
        """The smallest face in pixels: that of the first level of the pyramid that is looked at.

        Levels are left out from the top and the others stay as they are, because a face that is found on
        other levels is framed a little differently, and one in ten then gets another expression.
        """
        smallest = float(self._min_face)
        while smallest / FACTOR <= _FAST_SHARE * min(height, width):
            smallest /= FACTOR
        return smallest

    def _faces(self, found: Detections) -> list[Face]:
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
