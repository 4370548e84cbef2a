"""The detector `none`: the whole picture is the face."""

from __future__ import annotations

import numpy as np
import pytest

from fercli.crop import WHOLE
from fercli.plugins import Detector, find_detector
from fercli.records import Box, Face


@pytest.mark.parametrize(("height", "width"), [(48, 48), (1, 1), (30, 700)])
def test_the_whole_picture_is_one_face(height: int, width: int) -> None:
    plugin = find_detector("none")
    assert plugin.is_available().ok
    detector = plugin.load(min_face=40, min_score=0.9, threads=1)
    assert isinstance(detector, Detector)
    assert detector.framing is WHOLE
    assert detector.detect(np.zeros((height, width, 3), np.uint8)) == [Face(Box(0, 0, width, height), 1.0)]
    assert detector.describe()["detector"] == "none"
