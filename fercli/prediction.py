"""Probabilities of faces by one network or the mean of several, with or without their mirror images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fercli.plugins import Classifier


class Predictor:
    """The mean of the probabilities of networks for a face and, with `mirrored`, its mirror image."""

    def __init__(self, classifiers: Sequence[Classifier], *, mirrored: bool = False) -> None:
        self._classifiers = classifiers
        self._mirrored = mirrored

    def __call__(self, faces: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities, float64 (N, 7) in the order of EXPRESSIONS, for float32 (N, 48, 48) grey in 0..1.

        Raises:
            UnavailableError: a classifier fails, or gives something else than logits.
        """
        views = [faces, faces[:, :, ::-1]] if self._mirrored else [faces]
        batch = np.ascontiguousarray(np.concatenate(views)[:, np.newaxis])
        answers = [softmax(classifier(batch)) for classifier in self._classifiers]
        mean: NDArray[np.float64] = (
            np.mean(answers, axis=0).reshape(len(views), len(faces), -1).mean(axis=0)
        )
        return mean


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities, float64 (N, 7), of logits (N, 7)."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
