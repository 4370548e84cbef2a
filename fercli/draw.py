"""Boxes and labels on a copy of a photo, to be read on light and dark ground and in any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fercli.records import Box

_SMALLEST = 320
"""Pixels of the shorter side that a copy has at least: in less there is no room for a label."""

_LARGEST_SIDE = 1 << 15
"""What OpenCV draws on, and JPEG holds twice."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_HEIGHT = 22.0
"""Height of its capitals at scale 1, in pixels."""

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class _Area(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: _Area) -> bool:
        return (
            self.left < other.right and other.left < self.right
            and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip


def with_boxes(rgb: NDArray[np.uint8], boxes: Sequence[Box], labels: Sequence[str]) -> NDArray[np.uint8]:
    """A copy of a photo with a box around every face and a label at it, uint8 (h, w, 3).

    Lines are white between black ones and labels white on black. Their size follows the photo's. A copy of
    a small photo is larger than it, by a whole number.

    Args:
        rgb: the upright photo, uint8 (H, W, 3).
        boxes: the faces', in its pixels.
        labels: of ASCII signs, one a box.
    """
    height, width = rgb.shape[:2]
    times = max(1, min(-(-_SMALLEST // min(height, width)), _LARGEST_SIDE // max(height, width)))
    size = (width * times, height * times)
    copy = rgb.copy()
    if times > 1:
        copy = cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
    areas = [_area(box, times) for box in boxes]
    # A line's thickness is that of a thin pen on the whole photo.
    line = max(1, round(max(size) / 700))
    for area in areas:
        _frame(copy, area, line)
    taken: list[_Area] = []
    for area, label in zip(areas, labels, strict=True):
        taken.append(_label(copy, area, label, line, taken))
    return copy


def _area(box: Box, times: int) -> _Area:
    return _Area(*(round(value * times) for value in (box.x1, box.y1, box.x2, box.y2)))


def _frame(copy: NDArray[np.uint8], area: _Area, line: int) -> None:
    start, end = (area.left, area.top), (area.right, area.bottom)
    cv2.rectangle(copy, start, end, _BLACK, 3 * line)
    cv2.rectangle(copy, start, end, _WHITE, line)


def _label(copy: NDArray[np.uint8], face: _Area, text: str, line: int, taken: Sequence[_Area]) -> _Area:
    """Writes it where no other one is: above the face, else below, else inside of it; says where."""
    height, width = copy.shape[:2]
    least, most = min(height, width) / 40, min(height, width) / 16
    letters = max(12.0, min(max((face.bottom - face.top) / 7, least), most))
    scale, pen = letters / _FONT_HEIGHT, max(1, round(letters / 9))
    (wide, high), below = cv2.getTextSize(text, _FONT, scale, pen)
    if wide > width:
        scale, pen = scale * width / wide, 1
        (wide, high), below = cv2.getTextSize(text, _FONT, scale, pen)
    margin = max(2, high // 3)
    across, down = wide + 2 * margin, high + below + margin
    left = max(0, min(face.left - line, width - across))
    places = (
        face.top - 2 * line - down,
        face.bottom + 2 * line,
        face.top + 2 * line,
        face.bottom - 2 * line - down,
    )
    areas = [_Area(left, top, left + across, top + down) for top in places]
    inside = [area for area in areas if area.top >= 0 and area.bottom <= height]
    free = [area for area in inside if not any(map(area.meets, taken))]
    chosen = next(iter(free or inside or [_Area(left, 0, left + across, down)]))
    cv2.rectangle(copy, chosen[:2], (chosen.right - 1, chosen.bottom - 1), _BLACK, cv2.FILLED)
    at = (chosen.left + margin, chosen.top + margin // 2 + high)
    cv2.putText(copy, text, at, _FONT, scale, _WHITE, pen, cv2.LINE_AA)
    return chosen
