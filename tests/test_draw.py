from __future__ import annotations

import numpy as np
import pytest

from fercli.draw import with_boxes
from fercli.records import Box


def plain(width: int, height: int, grey: int = 128) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


def changed(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int, int]:
    """The rectangle that was drawn on: left, top, right, bottom."""
    ys, xs = np.nonzero((before != after).any(axis=2))
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def test_the_photo_itself_stays() -> None:
    photo = plain(640, 480)
    with_boxes(photo, [Box(100, 200, 200, 300)], ["happy 96%"])
    assert (photo == 128).all()


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_lines_and_labels_are_seen_on_any_ground(grey: int) -> None:
    drawn = with_boxes(plain(640, 480, grey), [Box(100, 200, 200, 300)], ["happy 96%"])
    line = drawn[250, 90:110]
    assert line.min() < 40
    assert line.max() > 215
    label = drawn[150:198, 100:200]
    assert (label.max(axis=2) < 40).any()
    assert (label.min(axis=2) > 215).any()


@pytest.mark.parametrize(
    ("width", "height"), [(640, 480), (6000, 4000), (48, 48), (12, 400), (1, 1), (20_000, 20)]
)
def test_a_label_has_room_in_a_photo_of_any_size(width: int, height: int) -> None:
    drawn = with_boxes(plain(width, height), [Box(0, 0, width, height)], ["surprise 100%"])
    times = drawn.shape[1] // width
    assert drawn.shape == (height * times, width * times, 3)
    assert min(drawn.shape[:2]) >= 320 or max(drawn.shape[:2]) * 2 > 1 << 15
    assert (drawn.min(axis=2) > 215).any()


@pytest.mark.parametrize("place", [(0, 0), (560, 0), (0, 400), (560, 400), (300, 200)])
def test_a_label_is_whole_wherever_the_face_is(place: tuple[int, int]) -> None:
    photo = plain(640, 480)
    left, top = place
    box = Box(left, top, left + 80, top + 80)
    # Moved to where there is room all around, it takes as much.
    letters = [white_of(photo, each) for each in (box, Box(280, 200, 360, 280))]
    assert abs(letters[0] - letters[1]) < 0.1 * letters[1]


def white_of(photo: np.ndarray, box: Box) -> int:
    """The pixels of a label's letters."""
    with_label, without = (with_boxes(photo, [box], [label]) for label in ("happy 96%", ""))
    return int((with_label.min(axis=2) > 215).sum()) - int((without.min(axis=2) > 215).sum())


def test_labels_of_neighbours_are_not_on_each_other() -> None:
    photo = plain(1000, 600)
    faces = [Box(100, 200, 220, 320), Box(150, 200, 270, 320)]
    alone = [with_boxes(photo, [face], ["neutral 50%"]) for face in faces]
    both = with_boxes(photo, faces, ["neutral 50%"] * 2)
    white = [int((each.min(axis=2) > 250).sum()) for each in (*alone, both)]
    assert white[2] > 0.9 * (white[0] + white[1])


def test_outside_of_boxes_and_labels_nothing_changes() -> None:
    photo = plain(640, 480)
    left, top, right, bottom = changed(photo, with_boxes(photo, [Box(200, 200, 400, 400)], ["sad 31%"]))
    assert left >= 190
    assert right <= 410
    assert top >= 150
    assert bottom <= 410
