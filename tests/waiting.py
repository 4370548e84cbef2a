"""Waiting for what a program does meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LONG = 120
"""Seconds after which a test fails that waits for what never comes."""
_PAUSE = 0.01
"""Seconds between two looks, which leave the processor to the program that is waited for."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Looks again and again until the condition holds."""
    ended = threading.Event()
    timer = threading.Timer(_LONG, ended.set)
    timer.start()
    try:
        while not condition():
            assert not ended.wait(_PAUSE), "it never came"
    finally:
        timer.cancel()


def wait_for(file: Path, lines: int) -> bytes:
    """The file's content once it is there and has so many lines."""
    wait_until(lambda: file.exists() and file.read_bytes().count(b"\n") >= lines)
    return file.read_bytes()
