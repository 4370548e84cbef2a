"""The pictures that the detector is held to its reference on, made from the samples.

Decoded by OpenCV, then cut, averaged and pasted by NumPy alone, so that every environment makes the same
pixels; the goldens hold their sha256.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Picture = NDArray[np.uint8]

SAMPLES = Path(__file__).parents[2] / "samples" / "photos"

HOPPER, COLLINS, CAMERAMAN = (
    "admiral-grace-hopper.jpg",
    "astronaut-eileen-collins.jpg",
    "cameraman-profile-grey.png",
)
BLUE_ROOM, PORTRAIT = "president-obama-blue-room.jpg", "president-obama-portrait.jpg"
SPEAKING, BIDEN, GROUP = "president-obama-speaking.jpg", "vice-president-biden.jpg", "group.jpg"
CAT, COFFEE = "cat-chelsea-no-face.jpg", "coffee-no-face.jpg"

HEADS = (
    (HOPPER, 60, 35, 405),
    (COLLINS, 110, 25, 190),
    (BLUE_ROOM, 240, 65, 310),
    (PORTRAIT, 210, 0, 560),
    (SPEAKING, 40, 130, 580),
    (BIDEN, 140, 40, 330),
    (CAMERAMAN, 160, 95, 125),
    (GROUP, 480, 110, 230),
)
"""Squares around faces: sample, left, top, side."""


@cache
def sample(name: str) -> Picture:
    bgr = cv2.imread(str(SAMPLES / name), cv2.IMREAD_COLOR)
    assert bgr is not None, f"{name} is not in {SAMPLES}"
    return np.ascontiguousarray(bgr[..., ::-1], dtype=np.uint8)


def averaged(picture: Picture, k: int) -> Picture:
    """`k` times smaller, each pixel the whole-number mean of `k` by `k`."""
    height, width = (side // k for side in picture.shape[:2])
    blocks = picture[: height * k, : width * k].reshape(height, k, width, k, 3)
    means: Picture = (blocks.sum(axis=(1, 3), dtype=np.int64) // (k * k)).astype(np.uint8)
    return means


def sampled(picture: Picture, height: int, width: int) -> Picture:
    """The nearest pixels on a grid of any size: no filter, so any ratio, also enlarging."""
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    pixels: Picture = picture[rows][:, columns]
    return pixels


def head(number: int, side: int) -> Picture:
    """One of the heads at `side` pixels; every second round of them mirrored, every third darker."""
    name, left, top, size = HEADS[number % len(HEADS)]
    picture = sample(name)[top : top + size, left : left + size]
    picture = sampled(averaged(picture, max(size // side, 1)), side, side)
    number //= len(HEADS)
    if number % 2:
        picture = picture[:, ::-1]
    return picture if number < 2 else (picture // 4 * 3).astype(np.uint8)


def collage(sides: Sequence[int], height: int, width: int, background: int | None = 118) -> Picture:
    """Heads of these sides on a grid of a plain background, or on noise where it is None."""
    canvas = (
        noise(height, width) if background is None else np.full((height, width, 3), background, np.uint8)
    )
    cell = max(sides, default=1) + 3
    for number, side in enumerate(sides):
        top, left = (cell * place for place in divmod(number, width // cell))
        top, left = top + (cell - side) // 2, left + number * 7 % (cell - side)
        canvas[top : top + side, left : left + side] = head(number, side)
    return canvas


def noise(height: int, width: int) -> Picture:
    """Noise from a linear congruential generator, the same everywhere."""
    state = np.arange(height * width * 3, dtype=np.uint64) * np.uint64(6364136223846793005)
    state = (state + np.uint64(1442695040888963407)) * np.uint64(6364136223846793005)
    return (state >> np.uint64(56)).astype(np.uint8).reshape(height, width, 3)


def plain(height: int, width: int, level: int) -> Picture:
    return np.full((height, width, 3), level, np.uint8)


def grey(picture: Picture) -> Picture:
    return np.repeat((picture.sum(axis=2, keepdims=True, dtype=np.int64) // 3).astype(np.uint8), 3, axis=2)


def halved(name: str) -> Picture:
    return averaged(sample(name), 2)


def mirrored_half(name: str) -> Picture:
    return halved(name)[:, ::-1]


def mixed(count: int, smallest: int, largest: int) -> list[int]:
    return [smallest + number * 37 % (largest - smallest + 1) for number in range(count)]


PICTURES: dict[str, Callable[[], Picture]] = {
    **{name: partial(sample, name) for name in (HOPPER, COLLINS, CAMERAMAN, BLUE_ROOM, PORTRAIT)},
    **{name: partial(sample, name) for name in (SPEAKING, BIDEN, GROUP, CAT, COFFEE)},
    # scaled
    **{f"halved {name}": partial(halved, name) for name in (BLUE_ROOM, PORTRAIT, SPEAKING, BIDEN, GROUP)},
    "third hopper": lambda: averaged(sample(HOPPER), 3),
    "fifth portrait": lambda: averaged(sample(PORTRAIT), 5),
    "hopper by 0.37, unfiltered": lambda: sampled(sample(HOPPER), 222, 189),
    "collins's head tripled": lambda: sampled(sample(COLLINS)[25:215, 110:300], 570, 570),
    "cameraman's head by 2.6": lambda: sampled(head(6, 125), 325, 325),
    # mirrored and turned
    **{f"mirrored {name}": partial(mirrored_half, name) for name in (HOPPER, COLLINS, SPEAKING)},
    "mirrored group": lambda: sample(GROUP)[:, ::-1],
    "hopper turned left": lambda: np.rot90(sample(HOPPER)),
    "biden turned right": lambda: np.rot90(halved(BIDEN), 3),
    "collins upside down": lambda: np.rot90(sample(COLLINS), 2),
    "collage turned left": lambda: np.rot90(collage([90] * 6, 200, 300)),
    # collages
    "collage of 0": lambda: collage([], 300, 400),
    "collage of 1": lambda: collage([100], 300, 400),
    "collage of 5": lambda: collage([130, 110, 120, 90, 100], 280, 420),
    "collage of 12": lambda: collage(mixed(12, 60, 110), 340, 460),
    "collage of 30": lambda: collage(mixed(30, 64, 96), 500, 600),
    "collage of 30 on noise": lambda: collage(mixed(30, 50, 120), 640, 740, None),
    "collage of 30, 30 to 60 px": lambda: collage(mixed(30, 30, 60), 330, 400, 200),
    "collage of 24, 24 to 40 px": lambda: collage(mixed(24, 24, 40), 180, 350, 30),
    "collage of 8 large": lambda: collage([300, 280, 310, 290, 260, 300, 125, 230], 640, 1270),
    # odd sizes and faces cut by the edge
    "511 by 333": lambda: sample(COLLINS)[:511, 60:393],
    "301 by 397, from an odd corner": lambda: sample(HOPPER)[53:450, 77:378],
    "prime sides": lambda: sampled(sample(SPEAKING), 613, 317),
    "hopper's left half": lambda: sample(HOPPER)[:, :265],
    "collins without her hair": lambda: sample(COLLINS)[95:],
    "biden's chin cut off": lambda: sample(BIDEN)[:280],
    "only a nose and eyes": lambda: sample(SPEAKING)[300:520, 200:460],
    # tiny
    "19 by 19": lambda: head(1, 19),
    "20 by 20": lambda: head(1, 20),
    "39 by 41": lambda: sampled(head(0, 80), 39, 41),
    "40 by 40": lambda: head(2, 40),
    "48 by 48": lambda: head(4, 48),
    "12 by 200": lambda: sample(HOPPER)[200:212, 100:300],
    "one pixel": lambda: plain(1, 1, 128),
    "one row": lambda: plain(1, 5000, 128),
    # panoramas
    "wide panorama": lambda: collage(mixed(14, 60, 110), 116, 1700),
    "tall panorama": lambda: collage(mixed(9, 50, 100), 1100, 104),
    "strip of 21 rows": lambda: sampled(collage([100] * 6, 105, 640), 21, 640),
    # without colour, without contrast, without anything
    "grey collins": lambda: grey(sample(COLLINS)),
    "dark hopper": lambda: (sample(HOPPER) // 8).astype(np.uint8),
    "pale biden": lambda: (halved(BIDEN) // 4 + 180).astype(np.uint8),
    "negative collins": lambda: (255 - sample(COLLINS)).astype(np.uint8),
    "noise": lambda: noise(240, 320),
    "all black": lambda: plain(300, 400, 0),
    "all white": lambda: plain(301, 299, 255),
}
"""Name to what makes the picture, uint8 (H, W, 3) RGB."""
