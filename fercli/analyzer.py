"""One batch of encoded photos in, their records out. Knows no files, threads or reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fercli.crop import SIDE, crop_face
from fercli.errors import PhotoError, PhotoErrorKind, UnavailableError, in_one_line
from fercli.images import decode
from fercli.plugins import blamed_on
from fercli.records import EXPRESSIONS, Photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from fercli.plugins import Classifier, Detector


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo whose faces are found and cropped, float32 (N, 48, 48), but not classified yet."""

    photo: Photo
    crops: NDArray[np.float32]


class Analyzer:
    """Reads photos in two steps, so that an engine can run the first one in parallel.

    `prepare` may be called from several threads at once; `classify` from one at a time.
    """

    def __init__(self, detector: Detector, classifier: Classifier, max_pixels: int) -> None:
        self._detector = detector
        self._classifier = classifier
        self._max_pixels = max_pixels

    def analyze(self, batch: Iterable[tuple[str, bytes]]) -> list[Photo]:
        """The records of a batch of photos, each given as its path and its encoded bytes."""
        return self.classify([self.prepare(path, partial(bytes, data)) for path, data in batch])

    def prepare(self, path: str, read: Callable[[], bytes]) -> Prepared:
        """Reads, decodes, detects and crops; whatever goes wrong becomes the photo's error."""
        try:
            rgb = decode(read(), self._max_pixels)
            faces = tuple(self._detector.detect(rgb))
            crops = [crop_face(rgb, face, self._detector.framing) for face in faces]
        except PhotoError as error:
            return Prepared(Photo(path, error=str(error)), _NO_CROPS)
        except Exception as error:  # noqa: BLE001 - one photo must never end the run, whatever a plugin does
            internal = PhotoError(PhotoErrorKind.INTERNAL, in_one_line(error))
            return Prepared(Photo(path, error=str(internal)), _NO_CROPS)
        height, width = rgb.shape[:2]
        return Prepared(Photo(path, faces, width, height), np.stack(crops) if crops else _NO_CROPS)

    def classify(self, batch: Sequence[Prepared]) -> list[Photo]:
        """The finished records, in the order of the batch; all its faces go through the network at once.

        Raises:
            UnavailableError: the classifier fails, or gives something else than logits.
        """
        crops = np.concatenate([prepared.crops for prepared in batch]) if batch else _NO_CROPS
        if not len(crops):
            return [prepared.photo for prepared in batch]
        with blamed_on("backend"):
            logits = _checked(self._classifier(crops[:, np.newaxis]), len(crops))
        rows = iter(softmax(logits).tolist())
        return [_classified(prepared.photo, rows) for prepared in batch]


_NO_CROPS = np.empty((0, SIDE, SIDE), np.float32)


def _checked(logits: NDArray[np.float32], faces: int) -> NDArray[np.float32]:
    if logits.shape != (faces, len(EXPRESSIONS)) or not np.isfinite(logits).all():
        raise UnavailableError(
            f"The backend gives no finite logits of shape ({faces}, {len(EXPRESSIONS)}).",
            "Choose another --backend or --model.",
        )
    return logits


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities, float64 (N, 7), of logits (N, 7)."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def _classified(photo: Photo, rows: Iterable[list[float]]) -> Photo:
    """The photo with the next rows of probabilities, one a face."""
    faces = tuple(
        replace(face, probabilities=tuple(row)) for face, row in zip(photo.faces, rows, strict=False)
    )
    return replace(photo, faces=faces)
