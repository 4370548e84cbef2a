"""Plugins as strangers might write them, most of them wrong in one way each."""

# ruff: noqa: ARG002 - methods have the parameters of their interface

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fercli.bundle import ONNX
from fercli.crop import WHOLE
from fercli.errors import UnavailableError
from fercli.plugins import Availability, Format, find_backend
from fercli.records import Box, Face, Landmarks
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.plugins import Classifier

ENTRY_POINTS = """
[fercli.backends]
raises-in-load = fercli_faulty:RaisesInLoad
raises-in-call = fercli_faulty:RaisesInCall
wrong-shape = fercli_faulty:WrongShape
not-finite = fercli_faulty:NotFinite
unavailable = fercli_faulty:Unavailable
raises-in-answer = fercli_faulty:RaisesInAnswer
no-backend = fercli_faulty:NoPlugin
off = fercli_faulty:Off
near = fercli_faulty:Near
coarse = fercli_faulty:Coarse
exits = fercli_faulty:Exits
killed = fercli_faulty:Killed
gives-nothing = fercli_faulty:GivesNothing
gives-words = fercli_faulty:GivesWords
loads-nothing = fercli_faulty:LoadsNothing
leaves = fercli_faulty:Leaves
leaves-in-load = fercli_faulty:LeavesInLoad
interrupts = fercli_faulty:Interrupts
is-speechless = fercli_faulty:IsSpeechless
describes-nothing = fercli_faulty:DescribesNothing
prints = fercli_faulty:Prints
forgets = fercli_faulty:Forgets
waits = fercli_faulty:Waits
waits-at-the-end = fercli_faulty:WaitsAtTheEnd
leaves-in-import = fercli_faulty_leaving:Plugin

[fercli.detectors]
two-halves = fercli_faulty:TwoHalvesPlugin
raises-in-detect = fercli_faulty:RaisesInDetectPlugin
by-width = fercli_faulty:ByWidthPlugin
killed-in-load = fercli_faulty:KilledInLoadPlugin
raises-in-import = fercli_faulty_import:Plugin
leaves-in-import = fercli_faulty_leaving:Plugin
raises-in-constructor = fercli_faulty:RaisesInConstructor
not-there = fercli_faulty:NotThere
no-detector = fercli_faulty:NoPlugin
waits = fercli_faulty:WaitsPlugin
gives = fercli_faulty:GivesPlugin
leaves = fercli_faulty:LeavesPlugin
interrupts = fercli_faulty:InterruptsPlugin
framed-by-words = fercli_faulty:FramedByWordsPlugin
loads-nothing = fercli_faulty:LoadsNothingPlugin
computes-in-numpy = fercli_faulty:ComputesInNumpyPlugin
kills-its-reader = fercli_faulty:KillsItsReaderPlugin
has-errors-of-its-own = fercli_faulty:HasErrorsOfItsOwnPlugin

[fercli.exporters]
copies = fercli_faulty:Copies
copies-into-a-folder = fercli_faulty:CopiesIntoAFolder
writes-nothing = fercli_faulty:WritesNothing
raises-in-write = fercli_faulty:RaisesInWrite
leaves-in-write = fercli_faulty:LeavesInWrite
misshapen = fercli_faulty:Misshapen
not-numbers = fercli_faulty:NotNumbers
described-in-words = fercli_faulty:DescribedInWords
no-exporter = fercli_faulty:NoPlugin
"""


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


def wait() -> None:
    """Says so, and waits for ever."""
    sys.stderr.write("WAITING\n")
    sys.stderr.flush()
    threading.Event().wait()


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


class NoPlugin:
    """Has nothing that a plugin has."""


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


class Copies:
    """A sound exporter: the model's own file, for ONNX Runtime."""

    name = "copies"
    format = Format(".model", (b"pictures",))

    def is_available(self) -> Availability:
        return Availability(True)

    def write(self, bundle: Bundle, path: Path) -> None:
        print("POLLUTION on writing")  # noqa: T201 - what it is for
        path.write_bytes(bundle.verified(ONNX).read_bytes())

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        session = import_onnxruntime().InferenceSession(path)

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            logits: NDArray[np.float32] = session.run(None, {"pictures": faces})[0]
            return logits

        return run


class CopiesIntoAFolder(Copies):
    format = Format("", (b"pictures",), ("network", "words"))

    def write(self, bundle: Bundle, path: Path) -> None:
        super().write(bundle, path / "network")
        (path / "words").write_text("words", "utf-8")

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        return super().load(path / "network")


class WritesNothing(Copies):
    def write(self, bundle: Bundle, path: Path) -> None:
        pass


class RaisesInWrite(Copies):
    def write(self, bundle: Bundle, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise RuntimeError("it would not write")


class LeavesInWrite(Copies):
    def write(self, bundle: Bundle, path: Path) -> None:
        sys.exit(7)


class Misshapen(Copies):
    """Loads a network that gives three logits a face."""

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        network = super().load(path)
        return lambda faces: network(faces)[:, :3]


class NotNumbers(Copies):
    """Loads a network that gives numbers that are none."""

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        network = super().load(path)
        return lambda faces: network(faces) * np.float32(np.nan)


class DescribedInWords(Copies):
    format = "a file"  # type: ignore[assignment]
