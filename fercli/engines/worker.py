"""A worker process: reads, decodes, detects and crops the photos that it is told of, one after another.

A process of its own, because a codec that crashes, a picture that eats the memory or a file that never
comes must cost one photo and not the run. It is sent pickles and answers with pickles. First comes a
`Setup`: the worker loads the detector and answers with its description, or with the error that kept it from
loading. Then come `Task`s, and it answers each with a `Prepared`. Before it takes much memory for a photo,
it sends a `Request` and waits for a reply.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from enum import Enum, auto
from functools import partial
from queue import SimpleQueue
from traceback import format_exception
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from fercli.engines.memory import BYTES_A_PIXEL, room_in_process
from fercli.errors import FercliError, PhotoError, PhotoErrorKind, UnavailableError, in_one_line, shortage

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from fercli.images import Picture
    from fercli.plugins import Detector, FastDetector

SMALL_FILE = 4 << 20
"""Bytes that a worker reads without asking."""


class Setup(NamedTuple):
    """The first thing that a worker is told."""

    load_detector: Callable[[], Detector]
    max_pixels: int
    memory: int
    """Bytes that a photo may take at most, all to itself."""
    fast: bool = False
    """Whether the detector's fast way is taken."""


class Task(NamedTuple):
    """A photo to prepare: `data` are its bytes where they were read already."""

    path: str
    data: bytes | None = None


class Use(Enum):
    """What memory is asked for."""

    FILE = auto()
    PIXELS = auto()


class Request(NamedTuple):
    """Memory that a worker asks for before it goes on with a photo; any reply means that it has it."""

    use: Use
    amount: int
    """Bytes."""


def main() -> None:
    """Works until the process that started it closes the pipe or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's, which ends its workers itself
    tasks, answers = _claimed_pipes()
    try:
        told = _listen(tasks)
        # Heavy, so that memory may run out here already.
        from fercli.analyzer import prepare, prepare_fast
        from fercli.images import decode, decode_reduced

        setup: Setup = _next(told)
        detector = setup.load_detector()
        _answer(answers, dict(detector.describe()))
    except Exception as error:  # noqa: BLE001 - the run says it, whatever it is
        _answer(answers, error if isinstance(error, FercliError) else shortage(error) or _unusable(error))
        return
    while True:
        photo = _Photo(_next(told), setup, told, answers)
        if setup.fast:
            has_fast_way = cast("FastDetector", detector)
            prepared = prepare_fast(photo.name, partial(photo.reduced, decode_reduced), has_fast_way)
        else:
            prepared = prepare(photo.name, partial(photo.picture, decode), detector)
        _answer(answers, prepared)


def _unusable(error: Exception) -> UnavailableError:
    """What keeps a worker from its work, as where a library that OpenCV needs is not on the system."""
    told = UnavailableError(
        f"A worker process cannot read photos: {in_one_line(error)}.", "See what fercli doctor says."
    )
    told.add_note("".join(format_exception(error)))  # shown with FERCLI_DEBUG
    return told


class _Photo:
    """A task on the way: its bytes, and the memory that it asks for."""

    def __init__(self, task: Task, setup: Setup, told: SimpleQueue[Any], answers: BinaryIO) -> None:
        from fercli.sources import printable_path

        self.name = printable_path(task.path)
        self._task = task
        self._setup = setup
        self._told = told
        self._answers = answers

    def picture(self, decode: Callable[..., NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """The upright picture, uint8 (H, W, 3) RGB, by `fercli.images.decode`."""
        return decode(self._data(), self._setup.max_pixels, self._admit)

    def reduced(self, decode: Callable[..., Picture], reduction: Callable[[int, int], int]) -> Picture:
        """The picture by `fercli.images.decode_reduced`."""
        return decode(self._data(), reduction, self._setup.max_pixels, self._admit)

    def _data(self) -> bytes:
        from fercli.sources import read_photo

        return read_photo(self._task.path, self._admit_file) if self._task.data is None else self._task.data

    def _admit_file(self, size: int) -> None:
        if size > SMALL_FILE:
            self._ask(Use.FILE, size)

    def _admit(self, pixels: int) -> None:
        """Waits until the others leave as much memory as so many pixels take.

        Raises:
            PhotoError: there would not be enough even without the others.
        """
        needed = pixels * BYTES_A_PIXEL
        room = room_in_process()
        there_is = self._setup.memory if room is None else min(room, self._setup.memory)
        if needed > there_is:
            raise PhotoError(
                PhotoErrorKind.TOO_LARGE,
                f"Its {pixels} pixels take about {_megabytes(needed)} of memory,"
                f" and there are {_megabytes(there_is)}.",
            )
        self._ask(Use.PIXELS, needed)

    def _ask(self, use: Use, amount: int) -> None:
        _answer(self._answers, Request(use, amount))
        _next(self._told)


def _megabytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 10**9 else f"{number / 1e6:.1f} MB"


def _next(told: SimpleQueue[Any]) -> Any:
    """What is told next.

    Raises:
        Exception: it could not be read, as where memory is short.
    """
    item = told.get()
    if isinstance(item, Exception):
        raise item
    return item


def _claimed_pipes() -> tuple[BinaryIO, BinaryIO]:
    """What stood at standard input and output; a library that reads or prints finds other things there."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2 if sys.stderr is not None else nothing, 1)
    return tasks, answers


def _listen(tasks: BinaryIO) -> SimpleQueue[Any]:
    """What is told. The thread that listens ends the process where the pipe ends, whatever it works on."""
    told: SimpleQueue[Any] = SimpleQueue()

    def listen() -> None:
        try:
            while True:
                told.put(pickle.load(tasks))  # noqa: S301 - from the process that started this one
        except EOFError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            told.put(error)

    threading.Thread(target=listen, daemon=True).start()
    return told


def _answer(answers: BinaryIO, value: object) -> None:
    try:
        pickle.dump(value, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()
    except BrokenPipeError:  # the run has been killed: nobody is left to answer
        os._exit(0)
