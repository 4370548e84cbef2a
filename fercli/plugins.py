"""The interfaces of backends and detectors, and their discovery through entry points.

Built-in plugins go the same way as a stranger's: the entry-point groups `fercli.backends` and
`fercli.detectors`, each naming a class that is made without arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.records import Face


class Availability(NamedTuple):
    """Whether a plugin can run here; where it cannot, why, and what to do."""

    ok: bool
    reason: str = ""
    remedy: str = ""


@runtime_checkable
class Classifier(Protocol):
    """A network that is loaded and ready. Called from one thread at a time."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7) in the order of EXPRESSIONS, for float32 (N, 1, 48, 48) grey in 0..1."""
        ...

    def describe(self) -> Mapping[str, str]:
        """What really runs: `runtime`, `version`, `device`, `precision`, `threads`."""
        ...


@runtime_checkable
class Backend(Protocol):
    """A runtime that can run a bundle's network."""

    name: str

    def is_available(self) -> Availability:
        """Whether the runtime is installed and usable; must not raise."""
        ...

    def load(self, bundle: Bundle, device: str, threads: int) -> Classifier:
        """The bundle's network on `device` (`auto`, `cpu`, `cuda`, `cuda:N`), by `threads` threads.

        Raises:
            UnavailableError: the device is not there, or the bundle cannot be run by this runtime.
        """
        ...


@runtime_checkable
class Detector(Protocol):
    """A face detector that is loaded and ready. Called from several threads at once."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces in an upright picture, uint8 (H, W, 3) RGB, largest box first; no face, no error."""
        ...

    def describe(self) -> Mapping[str, str]:
        """What really runs: `detector`, `runtime`, `version`, `min_face`, `min_score`."""
        ...


@runtime_checkable
class DetectorPlugin(Protocol):
    """A way to find faces."""

    name: str

    def is_available(self) -> Availability:
        """Whether what the detector runs on is installed and usable; must not raise."""
        ...

    def load(self, min_face: int, min_score: float, threads: int) -> Detector:
        """A detector of faces from `min_face` pixels and `min_score` up, `threads` threads a call.

        Raises:
            UnavailableError: what the detector runs on is not installed or does not work.
        """
        ...
