"""The detector plugin `none`: the whole picture is one face, for pictures that are already cropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.crop import WHOLE
from fercli.plugins import Availability
from fercli.records import Box, Face

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


class WholePhotoPlugin:
    """No detection; always available."""

    name = "none"

    def is_available(self) -> Availability:
        """Always."""
        return Availability(True)

    def load(self, min_face: int, min_score: float, threads: int) -> WholePhotoDetector:  # noqa: ARG002 - it does not search
        """The detector; it ignores the smallest face and the score."""
        return WholePhotoDetector()


class WholePhotoDetector:
    """Takes every picture for a face."""

    framing = WHOLE

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """One face as large as the picture, uint8 (H, W, 3), with a score of 1 and no landmarks."""
        height, width = rgb.shape[:2]
        return [Face(Box(0.0, 0.0, float(width), float(height)), 1.0)]

    def describe(self) -> Mapping[str, str]:
        """An empty description; the keys are the same for every detector."""
        return {"detector": "none", "runtime": "", "version": "", "min_face": "", "min_score": ""}
