"""Written files are flushed to the disk, so that a power cut costs little of them."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS_OF_ROWS = 5.0
"""How much a power cut may cost of what grows."""


def flush(path: Path) -> None:
    """Flushes a file's bytes to the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def flush_names(folder: Path) -> None:
    """Flushes the names in a folder to the disk, if the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def sync_folder(folder: Path) -> None:
    """Flushes a folder's files and their names to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            flush(path)
        else:
            flush_names(path)
    flush_names(folder)


@contextmanager
def flushed_meanwhile(path: str | Path) -> Iterator[None]:
    """Flushes a file that grows to the disk every few seconds, and at the end: a power cut costs no more.

    A thread does it, so that nobody waits for the disk.

    Raises:
        OSError: at the end, where the disk did not take something.
    """
    with Path(path).open("r+b", buffering=0) as file:
        ended, failures = Event(), list[OSError]()
        thread = Thread(target=_flush_until, args=(ended, file.fileno(), failures), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        for failure in failures:
            raise failure


def _flush_until(ended: Event, number: int, failures: list[OSError]) -> None:
    try:
        while not ended.wait(_SECONDS_OF_ROWS):
            os.fsync(number)
        os.fsync(number)
    except OSError as error:
        failures.append(error)
