"""What C code prints to standard error, kept from the terminal and given to the caller."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDERR = 2
_MOST = 1 << 16
"""Bytes that are read of it: what a pipe holds."""

# The descriptor belongs to the process, so one thread at a time may turn it.
_lock = threading.Lock()


@dataclass(slots=True)
class Caught:
    """What was printed; complete after the `with`."""

    text: str = ""


@contextmanager
def caught_stderr() -> Iterator[Caught]:
    """While inside, what is written to the descriptor of standard error is caught, at most 64 KiB of it.

    Codecs print to that descriptor, past `sys.stderr`, and offer no other way to learn what they think. It
    is the whole process's: threads wait for one another here, and what another thread prints meanwhile is
    caught too. Where the system cannot do it, nothing is caught.
    """
    caught = Caught()
    with _lock:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # it is closed: there is nothing to keep clean
            yield caught
            return
        reading, writing = os.pipe()
        with suppress(AttributeError, OSError):  # Windows before Python 3.12
            # A codec that prints more than a pipe holds must not wait for a reader.
            os.set_blocking(writing, False)
            os.set_blocking(reading, False)
        os.dup2(writing, _STDERR)
        os.close(writing)
        try:
            yield caught
        finally:
            os.dup2(kept, _STDERR)  # closes the pipe's last writing end
            os.close(kept)
            with suppress(BlockingIOError):
                caught.text = os.read(reading, _MOST).decode(errors="replace")
            os.close(reading)
