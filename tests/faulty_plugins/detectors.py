"""Faulty detectors, and a sound one to begin with."""

# ruff: noqa: ARG002 - methods have the parameters of their interface

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fercli.crop import WHOLE
from fercli.errors import UnavailableError
from fercli.plugins import Availability
from fercli.records import Box, Face, Landmarks

from . import wait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class TwoHalvesPlugin:
    """Finds a face in each half of a picture, and prints wherever it can."""

    name = "two-halves"

    def is_available(self) -> Availability:
        return Availability(True)

    def load(self, min_face: int, min_score: float, threads: int) -> TwoHalvesPlugin:
        print("POLLUTION on loading")  # noqa: T201 - what it is for
        return self

    framing = WHOLE

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        print("POLLUTION on detecting")  # noqa: T201 - what it is for
        os.write(1, b"POLLUTION past Python\n")
        height, width = (float(side) for side in rgb.shape[:2])
        return [
            Face(Box(0.0, -5.0, width / 2, height), 0.75),
            Face(Box(width / 2, 0.0, width, height + 5), 0.5),
        ]

    def describe(self) -> Mapping[str, str]:
        return {"detector": "two-halves"}


class RaisesInDetectPlugin(TwoHalvesPlugin):
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        raise ZeroDivisionError("nothing\nto divide")


class ByWidthPlugin(TwoHalvesPlugin):
    """Goes wrong in another way at each of a few widths of a picture."""

    _leaked: ClassVar[list[NDArray[np.float64]]] = []
    CRASHES, HANGS, CRASHES_ONCE, LIES, IS_NO_LIST, ABORTS, LEAKS, IS_HUGE = range(101, 109)

    def load(self, min_face: int, min_score: float, threads: int) -> TwoHalvesPlugin:
        return self

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        height, width = rgb.shape[:2]
        if width == self.CRASHES:
            os.kill(os.getpid(), signal.SIGSEGV)
        if width == self.ABORTS:
            os.abort()
        if width == self.LEAKS:
            self._leaked.append(np.ones(300 << 17))  # 300 MB
            return [Face(Box(0.0, 0.0, 9.0, 9.0), float(len(self._leaked)))]
        if width == self.IS_HUGE:
            return [Face(Box(-1e9, -1e9, 1e9, 1e9), 1.0)]
        if width == self.HANGS:
            threading.Event().wait()
        if width == self.CRASHES_ONCE:
            self._crash_once()
        if width == self.IS_NO_LIST:
            return 7  # type: ignore[return-value]
        side = np.nan if width == self.LIES else float(height)
        return [Face(Box(0.0, 0.0, side, side), 0.5)]

    @staticmethod
    def _crash_once() -> None:
        with suppress(FileExistsError):
            Path(os.environ["FERCLI_CRASHED_ONCE"]).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)


class KilledInLoadPlugin(TwoHalvesPlugin):
    def load(self, min_face: int, min_score: float, threads: int) -> TwoHalvesPlugin:
        os.kill(os.getpid(), signal.SIGKILL)
        return self


class RaisesInConstructor(TwoHalvesPlugin):
    def __init__(self) -> None:
        raise RuntimeError("not made")


class WaitsPlugin(TwoHalvesPlugin):
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        wait()
        return []


class GivesPlugin(TwoHalvesPlugin):
    """Gives as its faces whatever FERCLI_GIVES says, in Python."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        faces: list[Face] = eval(os.environ["FERCLI_GIVES"], globals())  # noqa: S307 - from the tests
        return faces


class LeavesPlugin(TwoHalvesPlugin):
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        sys.exit(3)


class InterruptsPlugin(TwoHalvesPlugin):
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        raise KeyboardInterrupt


class FramedByWordsPlugin(TwoHalvesPlugin):
    framing = "tight"  # type: ignore[assignment]


class LoadsNothingPlugin(TwoHalvesPlugin):
    def load(self, min_face: int, min_score: float, threads: int) -> TwoHalvesPlugin:
        return None  # type: ignore[return-value]


class LicenceError(UnavailableError):
    """Made in another way than fercli's errors, and with what cannot be pickled."""

    def __init__(self, licence: str, years: int) -> None:
        super().__init__(f"The licence {licence} is {years} years old.", "Buy another one.")
        self.lock = threading.Lock()


class HasErrorsOfItsOwnPlugin(TwoHalvesPlugin):
    def load(self, min_face: int, min_score: float, threads: int) -> TwoHalvesPlugin:
        raise LicenceError("X", 3)


class ComputesInNumpyPlugin(TwoHalvesPlugin):
    """Gives NumPy's numbers where Python's are meant, which JSON could not hold."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        box = Box(*np.array([1, 2, 41, 42], np.float32))
        return [Face(box, np.float32(0.5), Landmarks(*np.ones((5, 2), np.float32)))]  # type: ignore[arg-type]


def kill(process: int, name: bytes) -> None:
    """Kills a process if it is the one that is meant: an orphan's parent is not what started it."""
    if name in Path(f"/proc/{process}/cmdline").read_bytes():
        os.kill(process, signal.SIGKILL)


class KillsItsReaderPlugin(TwoHalvesPlugin):
    """Kills the actor that started its process at one width of a picture; once, at another, its node."""

    KILLS_ACTOR, KILLS_NODE_ONCE = 111, 112

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        height, width = rgb.shape[:2]
        actor = os.getppid()
        if width == self.KILLS_ACTOR:
            kill(actor, b"ray::")
            threading.Event().wait()
        if width == self.KILLS_NODE_ONCE:
            with suppress(FileExistsError):
                Path(os.environ["FERCLI_KILLED_ONCE"]).touch(exist_ok=False)
                fields = Path(f"/proc/{actor}/stat").read_text().rpartition(")")[2].split()
                kill(int(fields[1]), b"raylet")
                threading.Event().wait()
        return [Face(Box(0.0, 0.0, float(width), float(height)), 0.5)]
