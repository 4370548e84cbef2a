"""The cascade: proposals from every level of the pyramid, refined, then decided with landmarks.

Thresholds, overlaps and the order of every step are facenet-pytorch 2.6.0's `detect_face`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.mtcnn.boxes import (
    Boxes,
    Floats,
    intersection_over_smaller,
    pixel_corners,
    regress,
    square,
    suppress,
)
from fercli.mtcnn.pyramid import CELL, Level, scales, strips
from fercli.mtcnn.resampling import Picture, crops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fercli.mtcnn.nets import Net, Nets
    from fercli.mtcnn.pyramid import Strip

    Candidates = tuple[Boxes | Floats, Floats, Floats]

_STRIDE = 2  # pixels from one cell of the proposal net to the next
_MARGIN = CELL - _STRIDE  # rows that neighbouring strips of a level share
_STRIP_PIXELS = 40_000  # of a level at once: the net's intermediate results then fit a core's cache
_REFINEMENT_SIDE = 24  # of what the second net sees, in pixels
OUTPUT_SIDE = 48
"""Side of what the last net sees, in pixels."""
_CROP_PIXELS = 1 << 20  # of candidates cropped at once: bounds the memory of the later stages
_NET_PIXELS = 64 * _REFINEMENT_SIDE**2  # that a net judges at once: more is no faster, and takes memory

PROPOSAL_SCORE = 0.6
"""From which on a cell of the proposal net is a candidate."""
_REFINEMENT_SCORE, _OUTPUT_SCORE = np.float32(0.7), np.float32(0.7)
_LEVEL_OVERLAP, _OVERLAP = 0.5, 0.7  # of candidates on one level of the pyramid, and of all later ones


class Detections(NamedTuple):
    """What the cascade found: boxes (N, 4), scores (N,), landmarks (N, 5, 2) as x, y. All float32."""

    boxes: Boxes
    scores: Floats
    landmarks: Floats


def find_faces(
    rgb: NDArray[np.uint8], nets: Nets, min_face: float, proposal_score: float = PROPOSAL_SCORE
) -> Detections:
    """The faces from `min_face` pixels up in a picture, uint8 (H, W, 3), largest box first.

    Boxes are not clipped to the picture. The reference's `proposal_score` is `PROPOSAL_SCORE`.
    """
    height, width = rgb.shape[:2]
    levels = scales(height, width, min_face)
    if not levels:
        return _NOTHING
    picture = Picture(rgb)
    proposals = _proposed(picture, levels, nets.proposal, proposal_score)
    found = _decided(picture, _refined(picture, proposals, nets.refinement), nets.output)
    widths, heights = (found.boxes[:, 2:] - found.boxes[:, :2]).T
    order = np.argsort(widths * heights, kind="stable")[::-1]
    return Detections(*(values[order] for values in found))


def _proposed(picture: Picture, levels: list[float], net: Net, least: float) -> Boxes:
    """First stage: squares around whatever looks like a face at some scale."""
    sizes = [(int(picture.height * scale + 1), int(picture.width * scale + 1)) for scale in levels]
    pyramid = [Level(picture, *size, _strips(*size)) for size in sizes]
    candidates: list[list[Candidates]] = [[] for _ in levels]
    for strip in strips(picture, pyramid):
        candidates[strip.level].append(_candidates(net, strip, least))
    found = [_level_proposals(*each) for each in zip(candidates, levels, strict=True)]
    boxes, scores, offsets = (np.concatenate(values) for values in zip(*found, strict=True))
    kept = suppress(boxes, scores, _OVERLAP)
    return square(regress(boxes[kept], offsets[kept], extra=0))


def _candidates(net: Net, strip: Strip, least: float) -> Candidates:
    """A strip's cells, x and y, that score `least` or more, their scores and their offsets."""
    (maps,) = net(strip.pixels)
    offsets, (no_face, face) = maps[0, :4], maps[0, 4:]
    scores = 1 / (1 + np.exp(no_face - face))  # the softmax of two logits
    y, x = np.nonzero(scores >= np.float32(least))
    cells = np.stack([x, y + strip.first_row // _STRIDE], axis=1).astype(np.float32)
    return cells, scores[y, x], offsets[:, y, x].T


def _level_proposals(found: list[Candidates], scale: float) -> Candidates:
    """One level's boxes in pixels of the picture, their scores and their offsets."""
    cells, scores, offsets = (np.concatenate(values) for values in zip(*found, strict=True))
    corners = [(_STRIDE * cells + 1), (_STRIDE * cells + CELL)]
    boxes = np.floor(np.concatenate(corners, axis=1) / np.float32(scale))
    kept = suppress(boxes, scores, _LEVEL_OVERLAP)
    return boxes[kept], scores[kept], offsets[kept]


def _strips(height: int, width: int) -> Iterator[range]:
    """The rows of a level in strips that overlap so that no cell of the net is lost or seen twice."""
    step = max(_STRIP_PIXELS // width // _STRIDE, CELL) * _STRIDE
    for start in range(0, max(height - _MARGIN, 1), step):
        yield range(start, min(start + step + _MARGIN, height))


def _refined(picture: Picture, boxes: Boxes, net: Net) -> Boxes:
    """Second stage: the proposals that look like a face on their own, moved onto it."""
    boxes = _in_picture(picture, boxes)
    if not len(boxes):
        return boxes
    offsets, probabilities = _judged(picture, boxes, net, _REFINEMENT_SIDE)
    scores = probabilities[:, 1]
    faces = scores > _REFINEMENT_SCORE
    boxes, scores, offsets = boxes[faces], scores[faces], offsets[faces]
    kept = suppress(boxes, scores, _OVERLAP)
    return square(regress(boxes[kept], offsets[kept], extra=1))


def _decided(picture: Picture, boxes: Boxes, net: Net) -> Detections:
    """Third stage: the faces, with landmarks."""
    boxes = _in_picture(picture, boxes)
    if not len(boxes):
        return _NOTHING
    offsets, points, probabilities = _judged(picture, boxes, net, OUTPUT_SIDE)
    scores = probabilities[:, 1]
    faces = scores > _OUTPUT_SCORE
    boxes, scores, offsets, points = boxes[faces], scores[faces], offsets[faces], points[faces]
    landmarks = _landmarks(boxes, points)
    boxes = regress(boxes, offsets, extra=1)
    kept = suppress(boxes, scores, _OVERLAP, intersection_over_smaller, last_of_equals=True)
    return Detections(boxes[kept], scores[kept], landmarks[kept])


def _landmarks(boxes: Boxes, points: Floats) -> Floats:
    """Landmarks (N, 5, 2) in pixels from the net's (N, 10): five x, then five y, as shares of a box."""
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    shares = points.reshape(-1, 2, 5).transpose(0, 2, 1)
    return sizes[:, None] * shares + boxes[:, None, :2] - 1


def _in_picture(picture: Picture, boxes: Boxes) -> Boxes:
    """The boxes that cover at least one pixel of the picture."""
    corners = pixel_corners(boxes, picture.width, picture.height)
    return boxes[(corners[:, 2:] > corners[:, :2]).all(axis=1)]


def _judged(picture: Picture, boxes: Boxes, net: Net, side: int) -> list[Floats]:
    """A net's outputs for what the boxes show, `side` by `side` pixels each."""
    corners = pixel_corners(boxes, picture.width, picture.height)
    found: list[list[Floats]] = []
    at_once, batch = (pixels // side**2 for pixels in (_CROP_PIXELS, _NET_PIXELS))
    for start in range(0, len(boxes), at_once):
        found += map(net, crops(picture, corners[start : start + at_once], side, batch))
    return [np.concatenate(outputs) for outputs in zip(*found, strict=True)]


_NOTHING = Detections(
    np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
)
