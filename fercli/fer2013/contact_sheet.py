"""One sheet with some pictures of every class and split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.architecture import SIDE
from fercli.png_output import write_png
from fercli.records import EXPRESSIONS
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.fer2013.rows import Pictures, Split

_SHOWN = 16
_SEED = 0
_MARGIN = 96
"""Pixels at the left, for the names."""

_WHITE, _BLACK = 255, 0


def write_contact_sheet(splits: Mapping[Split, Pictures], path: Path) -> None:
    """Writes a PNG with up to 16 pictures of each class and split, the same ones on every call.

    Raises:
        ReportError: it cannot be written.
    """
    rows = [_title(f"{split}: {count_of(len(pictures), 'picture')}") for split, pictures in splits.items()]
    parts = [
        part
        for title, pictures in zip(rows, splits.values(), strict=True)
        for part in (title, *(_row(name, pictures, label) for label, name in enumerate(EXPRESSIONS)))
    ]
    _, encoded = cv2.imencode(".png", np.concatenate(parts))
    write_png(encoded.tobytes(), path)


def _row(name: str, pictures: Pictures, label: int) -> NDArray[np.uint8]:
    places = np.flatnonzero(pictures.labels == label)
    chosen = np.sort(np.random.default_rng(_SEED).permutation(places)[:_SHOWN])
    row = np.full((SIDE, _MARGIN + _SHOWN * SIDE), _WHITE, np.uint8)
    for number, place in enumerate(chosen):
        start = _MARGIN + number * SIDE
        row[:, start : start + SIDE] = pictures.pixels[place]
    return _write(row, name, SIDE // 2 + 5)


def _title(text: str) -> NDArray[np.uint8]:
    return _write(np.full((SIDE // 2, _MARGIN + _SHOWN * SIDE), _WHITE, np.uint8), text, SIDE // 2 - 6)


def _write(picture: NDArray[np.uint8], text: str, line: int) -> NDArray[np.uint8]:
    cv2.putText(picture, text, (4, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _BLACK, 1, cv2.LINE_AA)
    return picture
