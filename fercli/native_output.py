"""What C code prints to standard error, kept from the terminal and given to the caller."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDERR = 2

# The descriptor belongs to the process, so one thread at a time may turn it.
_lock = threading.Lock()


@dataclass(slots=True)
class Caught:
    """What was printed; set after the `with`."""

    text: str = ""


@contextmanager
def caught_stderr() -> Iterator[Caught]:
    """Catches what is written to the descriptor of standard error inside the `with`.

    Codecs print to that descriptor, past `sys.stderr`, and offer no other way to learn what they found. The
    descriptor belongs to the whole process: threads wait for one another here, and what another thread
    prints meanwhile is caught too.
    """
    caught = Caught()
    with _lock:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # it is closed: there is nothing to keep clean
            yield caught
            return
        with ExitStack() as stack:
            stack.callback(os.close, kept)
            memory = _memory()
            stack.callback(os.close, memory)
            os.dup2(memory, _STDERR)
            try:
                yield caught
            finally:
                os.dup2(kept, _STDERR)
                size = os.lseek(memory, 0, os.SEEK_CUR)
                os.lseek(memory, 0, os.SEEK_SET)
                caught.text = os.read(memory, size).decode(errors="replace")


def _memory() -> int:
    """The descriptor of an empty file without a name.

    A pipe would not do: once it was full, C++ would never print again.
    """
    if hasattr(os, "memfd_create"):  # Linux
        return os.memfd_create("stderr")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
