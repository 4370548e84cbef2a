"""What runs in the fresh process of one contender: a subject that answers questions from a pipe."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fercli.errors import FercliError, UnavailableError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_STATUS = Path("/proc/self/status")

Round_co = TypeVar("Round_co", covariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Subject(Protocol[Round_co, Result_co]):
    """What is measured. It travels to its process before it is loaded."""

    def load(self) -> None:
        """Makes it ready, and warms it up."""
        ...

    def measure(self) -> Round_co:
        """One round of timing."""
        ...

    def result(self) -> Result_co:
        """All else that is to be known, after the last round."""
        ...


def serve(pipe: Connection, subject: Subject[Any, Any]) -> None:
    """Calls the subject's methods by the names that come, until whoever asks has gone.

    What goes back is what the method gave, or the FercliError that says why it gave nothing.
    """
    os.dup2(2, 1)  # standard output carries the comparison alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the asking process's matter
    with suppress(EOFError, OSError):
        while True:
            question = pipe.recv()
            pipe.send(_answer(getattr(subject, question)))


def _answer(method: Callable[[], Any]) -> Any:
    try:
        return method()
    except FercliError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        return UnavailableError(f"It fails: {in_one_line(error)}.")


def peak_megabytes() -> float | None:
    """The most memory that this process ever held, in megabytes of 10^6 bytes; None where nothing tells."""
    with suppress(OSError):  # only Linux has it
        fields = dict(line.split(":", 1) for line in _STATUS.read_text("ascii", "replace").splitlines())
        return int(fields["VmHWM"].removesuffix("kB")) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6
