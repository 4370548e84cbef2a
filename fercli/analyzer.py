"""One batch of encoded photos in, their records out. Knows no files, threads or reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fercli.architecture import SIDE
from fercli.crop import crop_face
from fercli.errors import PhotoError, PhotoErrorKind, in_one_line
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


def prepare(path: str, read: Callable[[], bytes], detector: Detector, max_pixels: int) -> Prepared:
    """Reads, decodes, detects and crops; whatever goes wrong becomes the photo's error."""
    try:
        rgb = decode(read(), max_pixels)
        faces = tuple(detector.detect(rgb))
        crops = [crop_face(rgb, face, detector.framing) for face in faces]
    except PhotoError as error:
        return Prepared(Photo(path, error=str(error)), _NO_CROPS)
    except Exception as error:  # noqa: BLE001 - one photo must never end the run, whatever a plugin does
        internal = PhotoError(PhotoErrorKind.INTERNAL, in_one_line(error))
        return Prepared(Photo(path, error=str(internal)), _NO_CROPS)
    height, width = rgb.shape[:2]
    return Prepared(Photo(path, faces, width, height), np.stack(crops) if crops else _NO_CROPS)


class Analyzer:
    """Reads photos in two steps, so that an engine can run the first one in parallel.

    `prepare` may be called from several threads at once; `classify` from one at a time.
    """

    def __init__(self, detector: Detector, predictor: Predictor, max_pixels: int) -> None:
        self._detector = detector
        self._predictor = predictor
        self._max_pixels = max_pixels

    def analyze(self, batch: Iterable[tuple[str, bytes]]) -> list[Photo]:
        """The records of a batch of photos, each given as its path and its encoded bytes."""
        return self.classify([self.prepare(path, partial(bytes, data)) for path, data in batch])

    def prepare(self, path: str, read: Callable[[], bytes]) -> Prepared:
        """A photo with its faces found and cropped, or with the error that kept it from that."""
        return prepare(path, read, self._detector, self._max_pixels)

    def classify(self, batch: Sequence[Prepared]) -> list[Photo]:
        """The finished records, in the order of the batch; all its faces go through the network at once.

        Raises:
            UnavailableError: the classifier fails, or gives something else than logits.
        """
        crops = np.concatenate([prepared.crops for prepared in batch]) if batch else _NO_CROPS
        if not len(crops):
            return [prepared.photo for prepared in batch]
        rows = iter(self._predictor(crops).tolist())
        return [_classified(prepared.photo, rows) for prepared in batch]


_NO_CROPS = np.empty((0, SIDE, SIDE), np.float32)


def _classified(photo: Photo, rows: Iterable[list[float]]) -> Photo:
    """The photo with the next rows of probabilities, one a face."""
    faces = tuple(
        replace(face, probabilities=tuple(row)) for face, row in zip(photo.faces, rows, strict=False)
    )
    return replace(photo, faces=faces)
