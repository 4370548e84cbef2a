"""One batch of encoded photos in, their records out. Knows no files, threads or reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fercli.architecture import SIDE
from fercli.crop import crop_face
from fercli.errors import (
    FercliError,
    MemoryShortageError,
    PhotoError,
    PhotoErrorKind,
    in_one_line,
    shortage,
)
from fercli.images import decode
from fercli.records import Photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from fercli.plugins import Detector
    from fercli.prediction import Predictor


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo whose faces are found and cropped, float32 (N, 48, 48), but not classified yet."""

    photo: Photo
    crops: NDArray[np.float32]


def prepare(
    path: str,
    read: Callable[[], bytes],
    detector: Detector,
    max_pixels: int,
    admit: Callable[[int], None] = lambda _: None,
) -> Prepared:
    """Reads, decodes, detects and crops; whatever goes wrong becomes the photo's error.

    Args:
        path: the photo's, for its record.
        read: gives its encoded bytes.
        detector: finds the faces.
        max_pixels: the largest picture, in pixels.
        admit: called with the number of pixels before they are decoded; may wait, or raise PhotoError.
    """
    try:
        rgb = decode(read(), max_pixels, admit)
        faces = tuple(detector.detect(rgb))
        crops = [crop_face(rgb, face, detector.framing) for face in faces]
    except PhotoError as error:
        return unprepared(path, error)
    except Exception as error:  # noqa: BLE001 - one photo must never end the run, whatever a plugin does
        if isinstance(shortage(error), MemoryShortageError):
            return unprepared(path, PhotoError(PhotoErrorKind.TOO_LARGE, _NO_MEMORY))
        words = error.message if isinstance(error, FercliError) else in_one_line(error)
        return unprepared(path, PhotoError(PhotoErrorKind.INTERNAL, words))
    height, width = rgb.shape[:2]
    return Prepared(Photo(path, faces, width, height), np.stack(crops) if crops else _NO_CROPS)


def unprepared(path: str, error: PhotoError) -> Prepared:
    """A photo with the error that ended it."""
    return Prepared(Photo(path, error=str(error)), _NO_CROPS)


def classify(batch: Sequence[Prepared], predictor: Predictor) -> list[Photo]:
    """The finished records, in the order of the batch; all its faces go through the network at once.

    Raises:
        UnavailableError: the classifier fails, or gives something else than logits.
    """
    crops = np.concatenate([prepared.crops for prepared in batch]) if batch else _NO_CROPS
    if not len(crops):
        return [prepared.photo for prepared in batch]
    rows = iter(predictor(crops).tolist())
    return [_classified(prepared.photo, rows) for prepared in batch]


class Analyzer:
    """Both steps in one process, for an engine that brings the parallel work itself."""

    def __init__(self, detector: Detector, predictor: Predictor, max_pixels: int) -> None:
        self._detector = detector
        self._predictor = predictor
        self._max_pixels = max_pixels

    def analyze(self, batch: Iterable[tuple[str, Callable[[], bytes]]]) -> list[Photo]:
        """The records of a batch of photos, each given as its path and what reads its encoded bytes.

        Raises:
            UnavailableError: the classifier fails, or gives something else than logits.
        """
        prepared = [prepare(path, read, self._detector, self._max_pixels) for path, read in batch]
        return classify(prepared, self._predictor)


_NO_MEMORY = "It does not fit into the memory that is left; try fewer --workers."

_NO_CROPS = np.empty((0, SIDE, SIDE), np.float32)


def _classified(photo: Photo, rows: Iterable[list[float]]) -> Photo:
    """The photo with the next rows of probabilities, one a face."""
    faces = tuple(
        replace(face, probabilities=tuple(row)) for face, row in zip(photo.faces, rows, strict=False)
    )
    return replace(photo, faces=faces)
