"""Pictures in files: read as cropped faces, written without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.architecture import SIDE
from fercli.crop import crop_face
from fercli.errors import PhotoError
from fercli.fer2013.rows import RowError, is_whole_number
from fercli.images import decode
from fercli.whole_photo import WholePhotoDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path, PurePath

    from numpy.typing import NDArray

    from fercli.fer2013.interpretation import Interpretation

_WHOLE = WholePhotoDetector()


def read_picture(read: Callable[[], bytes], where: str, taken: Interpretation) -> NDArray[np.uint8]:
    """The picture in the bytes that `read` gives, as `decode_picture` has it; `where` is its name.

    Raises:
        RowError: it cannot be read or decoded.
    """
    try:
        data = read()
    except OSError as error:
        raise RowError(f"the picture cannot be read: {error.strerror or error}") from error
    return decode_picture(data, where, taken)


def decode_picture(data: bytes, where: str, taken: Interpretation) -> NDArray[np.uint8]:
    """An encoded picture as grey, uint8 (48, 48); raises `RowError` where it cannot be decoded.

    A picture of 48x48 grey pixels stays as it is. Any other becomes one as in `fercli predict --detector
    none`: upright, grey, the square around all of it, its border continued where it is not square, averaged
    down or interpolated up.
    """
    try:
        rgb = decode(data)
    except PhotoError as error:
        raise RowError(f"the picture is {error.kind}: {error.sentence.rstrip('.')}") from error
    if rgb.shape[:2] != (SIDE, SIDE) or (rgb != rgb[:, :, :1]).any():
        taken.changed(where)
    (face,) = _WHOLE.detect(rgb)
    return np.rint(crop_face(rgb, face, _WHOLE.framing) * 255).astype(np.uint8)


def write_picture(picture: NDArray[np.uint8], path: Path) -> None:
    """Writes uint8 (48, 48) as PNG; raises `OSError` where that fails."""
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def picture_name(number: int) -> str:
    """The file name of a row, which is its number."""
    return f"{number:05d}.png"


def row_numbers(paths: Sequence[PurePath]) -> list[int]:
    """Each picture's row number: its name, if all names are different numbers; else its place."""
    numbers = [int(path.stem) for path in paths if is_whole_number(path.stem)]
    return numbers if len(set(numbers)) == len(paths) else list(range(len(paths)))
