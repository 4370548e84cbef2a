"""The progress of a training run, which people are told after every step."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run after a step.

    Attributes:
        recipe: the recipe's name.
        epoch: the current epoch, from 1.
        epochs: how many there are.
        step: how many of the epoch's steps are done.
        steps: how many an epoch has.
        loss, accuracy: the epoch's means so far.
        rate: pictures a second.
        public_accuracy: the best accuracy on PublicTest so far.
    """

    recipe: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    rate: float
    public_accuracy: float


class RateMeter:
    """Pictures a second since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._pictures = 0

    def count(self, pictures: int) -> float:
        """The rate, after so many more pictures."""
        self._pictures += pictures
        return self._pictures / (time.monotonic() - self._started)
