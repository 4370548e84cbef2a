"""A few faces that ship with fercli, so that runtimes can be compared and exports checked anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.architecture import SIDE
from fercli.crop import to_unit_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHEET = Path(__file__).with_name("faces.png")


def sample_faces() -> NDArray[np.float32]:
    """The faces of samples/photos as a network sees them: float32 (11, 48, 48), grey in 0..1."""
    sheet = cv2.imdecode(np.frombuffer(SHEET.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None  # noqa: S101 - a test reads it
    return to_unit_range(sheet.reshape(-1, SIDE, SIDE))
