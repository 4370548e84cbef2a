"""Faulty backends, and a sound one to begin with."""

# ruff: noqa: ARG002 - methods have the parameters of their interface

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np

from fercli.plugins import Availability, find_backend

from . import wait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.plugins import Classifier


class ConstantBackend:
    """Gives every face the same logits."""

    name = "constant"

    def is_available(self) -> Availability:
        return Availability(True)

    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        return self

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros((len(batch), 7), np.float32)

    def describe(self) -> Mapping[str, str]:
        return {"runtime": "none", "version": "1"}


class RaisesInLoad(ConstantBackend):
    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        raise RuntimeError("it would not load")


class RaisesInCall(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        raise RuntimeError("it would not run")


class WrongShape(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros((len(batch), 3), np.float32)


class NotFinite(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full((len(batch), 7), np.nan, np.float32)


class Unavailable(ConstantBackend):
    def is_available(self) -> Availability:
        return Availability(False, "the moon is not full", "wait [a month]")


class RaisesInAnswer(ConstantBackend):
    def is_available(self) -> Availability:
        raise RuntimeError("no answer")


class Off(ConstantBackend):
    """The backend onnx, but for a hundredth in one logit, and with a word on standard output."""

    name = "off"
    difference = 0.01
    about: Mapping[str, str] = {}

    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        print("POLLUTION on loading")  # noqa: T201 - what it is for
        self._exact: Classifier = find_backend("onnx").load(bundle, device, threads)
        return self

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = self._exact(batch)
        logits[:, 0] += self.difference
        return logits

    def describe(self) -> Mapping[str, str]:
        return {**self._exact.describe(), **self.about}


class Near(Off):
    """As far off as another device may be."""

    difference = 5e-4
    about = {"device": "CUDA"}  # noqa: RUF012 - nobody changes it


class Coarse(Off):
    """Off, and open about it."""

    about = {"precision": "float16"}  # noqa: RUF012 - nobody changes it


class Exits(ConstantBackend):
    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        os._exit(7)


class Killed(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


class GivesNothing(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return None  # type: ignore[return-value]


class GivesWords(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return [["happy"] * 7] * len(batch)  # type: ignore[return-value]


class LoadsNothing(ConstantBackend):
    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        return None  # type: ignore[return-value]


class Leaves(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        sys.exit("nothing more to do")


class LeavesInLoad(ConstantBackend):
    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        sys.exit()


class Interrupts(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        raise KeyboardInterrupt("as if a person had")


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class IsSpeechless(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        raise SpeechlessError


class DescribesNothing(ConstantBackend):
    def describe(self) -> Mapping[str, str]:
        return None  # type: ignore[return-value]


class Prints(ConstantBackend):
    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        print("POLLUTION on reading")  # noqa: T201 - what it is for
        return super().__call__(batch)


class Forgets(ConstantBackend):
    """Reads one batch, and then no more."""

    def load(self, bundle: Bundle, device: str, threads: int) -> ConstantBackend:
        self._read = 0
        return self

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self._read += 1
        if self._read > 1:
            raise LookupError("it was here a moment ago")
        return super().__call__(batch)


class Waits(ConstantBackend):
    def is_available(self) -> Availability:
        if os.environ.get("FERCLI_WAITS") == "doctor":
            wait()
        return Availability(True)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        wait()
        return super().__call__(batch)


class WaitsAtTheEnd(Waits):
    """Never lets go."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        atexit.register(threading.Event().wait)
        return super().__call__(batch)
