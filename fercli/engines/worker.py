"""A worker process: reads, decodes, detects and crops the photos that it is told of, one after another.

A process of its own, because a codec that crashes, a picture that eats the memory or a file that never
comes must cost one photo and not the run. It speaks pickles: told what loads the detector, it answers what
the detector is, or the error that kept it from loading; told photos, it answers each with a `Prepared`.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from fercli.analyzer import prepare
from fercli.errors import FercliError
from fercli.sources import printable_path, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    from fercli.plugins import Detector


class Setup(NamedTuple):
    """The first thing that a worker is told."""

    load_detector: Callable[[], Detector]
    max_pixels: int


class Task(NamedTuple):
    """A photo to prepare: `data` are its bytes where they were read already."""

    path: str
    data: bytes | None = None


def main() -> None:
    """Works until the process that started it closes the pipe or ends."""
    tasks, answers = _claimed_pipes()
    told = _listen(tasks)
    setup: Setup = told.get()
    try:
        detector = setup.load_detector()
        _answer(answers, dict(detector.describe()))
    except FercliError as error:
        _answer(answers, error)
        return
    while True:
        task: Task = told.get()
        read = partial(_bytes, task)
        _answer(answers, prepare(printable_path(task.path), read, detector, setup.max_pixels))


def _bytes(task: Task) -> bytes:
    return read_photo(task.path) if task.data is None else task.data


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
        finally:
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return told


def _answer(answers: BinaryIO, value: object) -> None:
    pickle.dump(value, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()
