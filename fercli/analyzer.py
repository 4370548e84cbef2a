"""One batch of pictures in, their records out. Knows no files, threads or reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

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
from fercli.records import Photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from fercli.images import Picture
    from fercli.plugins import Detector, FastDetector
    from fercli.prediction import Predictor

    Reducible = Callable[[Callable[[int, int], int]], Picture]
    """Gives a picture that is so many times smaller as it is told for the photo's height and width."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo whose faces are found and cropped, float32 (N, 48, 48), but not classified yet."""

    photo: Photo
    crops: NDArray[np.float32]


def prepare(path: str, picture: Callable[[], NDArray[np.uint8]], detector: Detector) -> Prepared:
    """Finds and crops the faces of a picture; whatever goes wrong becomes the photo's error.

    Args:
        path: the photo's, for its record.
        picture: gives the upright picture, uint8 (H, W, 3) RGB, or raises PhotoError.
        detector: finds the faces.
    """
    return _prepared(path, lambda: _whole(picture(), detector))


def prepare_fast(path: str, picture: Reducible, detector: FastDetector) -> Prepared:
    """As `prepare`, by the detector's fast way; boxes and landmarks are in the photo's pixels all the same.

    Args:
        path: as of `prepare`.
        picture: gives the upright picture for a `reduction`, as of `fercli.images.decode_reduced`.
        detector: finds the faces.
    """
    return _prepared(path, lambda: _reduced(picture(detector.reduction), detector))


def _whole(rgb: NDArray[np.uint8], detector: Detector) -> tuple[Photo, list[NDArray[np.float32]]]:
    faces = tuple(detector.detect(rgb))
    height, width = rgb.shape[:2]
    return Photo("", faces, width, height), [crop_face(rgb, face, detector.framing) for face in faces]


def _reduced(picture: Picture, detector: FastDetector) -> tuple[Photo, list[NDArray[np.float32]]]:
    faces = detector.detect_fast(picture)
    height, width = picture.rgb.shape[:2]
    scaled = tuple(face.scaled(picture.width / width, picture.height / height) for face in faces)
    crops = [crop_face(picture.rgb, face, detector.framing) for face in faces]
    return Photo("", scaled, picture.width, picture.height), crops


def _prepared(path: str, work: Callable[[], tuple[Photo, list[NDArray[np.float32]]]]) -> Prepared:
    try:
        photo, crops = work()
    except PhotoError as error:
        return unprepared(path, error)
    except Exception as error:  # noqa: BLE001 - one photo must never end the run, whatever a plugin does
        if isinstance(shortage(error), MemoryShortageError):
            return unprepared(path, PhotoError(PhotoErrorKind.TOO_LARGE, _NO_MEMORY))
        words = error.message if isinstance(error, FercliError) else in_one_line(error)
        return unprepared(path, PhotoError(PhotoErrorKind.INTERNAL, words))
    return Prepared(replace(photo, path=path), np.stack(crops) if crops else _NO_CROPS)


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
    """Both steps in one process."""

    def __init__(self, detector: Detector, predictor: Predictor) -> None:
        self._detector = detector
        self._predictor = predictor

    def analyze(self, batch: Iterable[tuple[str, Callable[[], NDArray[np.uint8]]]]) -> list[Photo]:
        """The records of a batch of photos, each given as its path and its picture, as of `prepare`.

        Raises:
            UnavailableError: the classifier fails, or gives something else than logits.
        """
        prepared = [prepare(path, picture, self._detector) for path, picture in batch]
        return classify(prepared, self._predictor)

    def analyze_fast(self, batch: Iterable[tuple[str, Reducible]]) -> list[Photo]:
        """The same by the fast way of the detector, which must have one; pictures as of `prepare_fast`.

        Raises:
            UnavailableError: likewise.
        """
        detector = cast("FastDetector", self._detector)
        prepared = [prepare_fast(path, picture, detector) for path, picture in batch]
        return classify(prepared, self._predictor)


_NO_MEMORY = "It does not fit into the memory that is left; try fewer --workers."

_NO_CROPS = np.empty((0, SIDE, SIDE), np.float32)


def _classified(photo: Photo, rows: Iterable[list[float]]) -> Photo:
    """The photo with the next rows of probabilities, one a face."""
    faces = tuple(
        replace(face, probabilities=tuple(row)) for face, row in zip(photo.faces, rows, strict=False)
    )
    return replace(photo, faces=faces)
