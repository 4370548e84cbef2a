"""A model's network on one backend, as the subject of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.bundle import Bundle
from fercli.classifiers import load_classifiers
from fercli.comparison.memory import peak_megabytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.plugins import Classifier

_SECONDS = 0.2
"""How long each batch size is run in a round, at least."""
_BATCH = 64

Timings = dict[int, list[float]]
"""The seconds of every call, by batch size."""


def calls(timings: Sequence[Timings], size: int) -> list[float]:
    """The seconds of every call of a batch size, of all rounds."""
    return [seconds for timing in timings for seconds in timing[size]]


def faces_per_second(timings: Sequence[Timings], size: int) -> float:
    """The speed of the median call of a batch size."""
    return size / median(calls(timings, size))


class Measured(NamedTuple):
    """What is known of a network that ran.

    Attributes:
        backend: its name.
        about: what really runs, as the backend describes it.
        logits: float32 (N, 7), of all faces.
        load_seconds: from nothing imported to the first face read.
        peak_megabytes: of its whole process; None where the system does not tell.
        size_megabytes: of the model's files that it read; None where that is unknown.
    """

    backend: str
    about: dict[str, str]
    logits: NDArray[np.float32]
    load_seconds: float
    peak_megabytes: float | None
    size_megabytes: float | None


class Network:
    """A network that is timed on faces, float32 (N, 48, 48), repeated to fill a batch."""

    def __init__(
        self,
        bundle: Bundle,
        backend: str,
        device: str,
        threads: int,
        faces: NDArray[np.float32],
        batch_sizes: Sequence[int],
    ) -> None:
        self._bundle = _WatchedBundle(bundle.folder, bundle.description)
        self._backend = backend
        self._device = device
        self._threads = threads
        self._faces = faces[:, np.newaxis]
        self._batch_sizes = batch_sizes
        self._classifier: Classifier
        self._load_seconds = 0.0

    def load(self) -> None:
        """Imports the runtime and loads the network.

        Raises:
            UnavailableError: the backend, the device or the model does not work.
        """
        started = perf_counter()
        loaded = load_classifiers([self._bundle], self._backend, self._device, self._threads)
        self._load_seconds = perf_counter() - started
        self._backend, (self._classifier,) = loaded

    def measure(self) -> Timings:
        """The seconds of every call in a fifth of a second or more for each batch size."""
        return {size: self._time(size) for size in self._batch_sizes}

    def _time(self, size: int) -> list[float]:
        batch = np.resize(self._faces, (size, *self._faces.shape[1:]))
        seconds: list[float] = []
        self._classifier(batch)  # after other processes' turns, caches and clocks are cold
        while sum(seconds) < _SECONDS:
            started = perf_counter()
            self._classifier(batch)
            seconds.append(perf_counter() - started)
        return seconds

    def result(self) -> Measured:
        """What the network answers for every face, and what it cost.

        Raises:
            UnavailableError: the backend fails, or gives no finite logits.
        """
        starts = range(0, len(self._faces), _BATCH)
        logits = [self._classifier(self._faces[start : start + _BATCH]) for start in starts]
        return Measured(
            self._backend,
            dict(self._classifier.describe()),
            np.concatenate(logits),
            self._load_seconds,
            peak_megabytes(),
            self._bundle.megabytes(),
        )


@dataclass(frozen=True)
class _WatchedBundle(Bundle):
    """A bundle that remembers which of its files a backend took: no backend tells."""

    taken: set[Path] = field(default_factory=set)

    def verified(self, name: str) -> Path:
        path = super().verified(name)
        self.taken.add(path)
        return path

    def megabytes(self) -> float | None:
        return sum(path.stat().st_size for path in self.taken) / 1e6 if self.taken else None
