"""A face in a photo to the network's input: the one path, used by training and prediction alike.

FER2013 frames its faces in its own way, and a network reads best what is framed in the same way. A
`Framing` says how a detector's box is turned into that frame; docs/framing.md has the measurement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from fercli.architecture import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fercli.records import Face

_BYTE = np.float32(255)


@dataclass(frozen=True, slots=True)
class Framing:
    """How a detector's box becomes the square that is cropped.

    Attributes:
        size: the square's side over the longer side of the box.
        down: how far the square's centre is below the box's, as a share of the square's side.
        level: whether the square turns with the line between the eyes, where they are known.
    """

    size: float = 1.0
    down: float = 0.0
    level: bool = False


WHOLE = Framing()
"""The square around the box as it is: for pictures that are cropped already."""

FER2013 = Framing(size=0.95, down=-0.015, level=True)
"""What makes of MTCNN's box what FER2013 shows."""


def crop_face(rgb: NDArray[np.uint8], face: Face, framing: Framing) -> NDArray[np.float32]:
    """The network's input of one face: float32 (48, 48), grey in 0..1.

    Several samples to each of its pixels are taken from the photo and averaged, so a large face is
    shrunk without aliasing, and at any sub-pixel place. Outside the photo, its border continues.

    Args:
        rgb: the upright photo, uint8 (H, W, 3).
        face: its box, which may reach beyond the photo, and its eyes if the framing levels them.
        framing: of the detector that found the face.
    """
    side = _side(face, framing)
    # More than there is to see would be for nothing: a box may be of any size, or far longer than wide.
    samples = max(1, math.ceil(min(side, 2 * math.sqrt(math.prod(rgb.shape[:2]))) / SIDE)) * SIDE
    matrix = _to_photo(face, framing, side, samples)
    window, matrix = _window(rgb, matrix, samples)
    enlarged = cv2.warpAffine(
        window,
        matrix,
        (samples, samples),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    grey = cv2.cvtColor(enlarged, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return to_unit_range(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def crop_to_photo(face: Face, framing: Framing) -> NDArray[np.float64]:
    """The affine map, float64 (2, 3), from the centres of a crop's pixels to those of the photo's."""
    return _to_photo(face, framing, _side(face, framing), SIDE)


def to_unit_range(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Grey in 0..255, of any shape, as float32 in 0..1: how FER2013's own pictures enter the network."""
    return grey.astype(np.float32) / _BYTE


def _side(face: Face, framing: Framing) -> float:
    """The side of the square that is cropped, in the photo's pixels."""
    return max(face.box.width, face.box.height) * framing.size


def _to_photo(face: Face, framing: Framing, side: float, samples: int) -> NDArray[np.float64]:
    """The affine map, float64 (2, 3), from the centres of the square's samples to the photo's pixels."""
    angle = _tilt(face) if framing.level else 0.0
    step = side / samples
    across = step * np.array([math.cos(angle), math.sin(angle)])
    down = step * np.array([-math.sin(angle), math.cos(angle)])
    box = face.box
    centre = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2]) + down * samples * framing.down
    # A pixel's centre is half a pixel from its corner; boxes are measured from corners.
    origin = centre - (across + down) * (samples - 1) / 2 - 0.5
    return np.stack([across, down, origin], axis=1)


def _tilt(face: Face) -> float:
    """The angle of the line between the eyes to the horizontal, in radians; 0 where it is not known."""
    if face.landmarks is None:
        return 0.0
    (x1, y1), (x2, y2) = face.landmarks.left_eye, face.landmarks.right_eye
    return math.atan2(y2 - y1, x2 - x1)


def _window(
    rgb: NDArray[np.uint8], matrix: NDArray[np.float64], samples: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the photo that the samples touch, and the map into it.

    OpenCV cannot warp a picture of more than 32,767 pixels a side; a face is never that large.
    """
    last = samples - 1
    corners = matrix @ np.array([[0, last, 0, last], [0, 0, last, last], [1, 1, 1, 1]])
    height, width = rgb.shape[:2]
    limits = np.array([width, height])
    start = np.clip(np.floor(corners.min(axis=1)).astype(int) - 1, 0, limits - 1)
    stop = np.clip(np.ceil(corners.max(axis=1)).astype(int) + 2, start + 1, limits)
    moved = matrix.copy()
    moved[:, 2] -= start
    return rgb[start[1] : stop[1], start[0] : stop[0]], moved
