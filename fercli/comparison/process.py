"""An object in a fresh process of its own, where functions are called on it."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Generic, TypeVar

from fercli.errors import FercliError, UnavailableError, in_one_line
from fercli.interruption import signal_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

Held = TypeVar("Held")
Answer = TypeVar("Answer")


class Process(Generic[Held]):
    """A process that holds an object, which travels there first. It ends where this one has gone."""

    def __init__(self, held: Held) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, held))
        with _ctrl_c_held_back():
            self._process.start()
        theirs.close()

    def call(self, function: Callable[[Held], Answer]) -> Answer:
        """What a function of a module, which can travel, gives for the object.

        Raises:
            FercliError: it failed, or its process ended.
        """
        try:
            self._pipe.send(function)
            answer: Answer | FercliError = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            how = _ending(self._process.exitcode)
            raise UnavailableError(f"It fails: its process {how}.") from error
        if isinstance(answer, FercliError):
            raise answer
        return answer

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, held: Held) -> None:
    """Calls the functions that come on the object, until whoever sends them has gone.

    What goes back is what a function gave, or the FercliError that says why it gave nothing.
    """
    os.dup2(2, 1)  # standard output carries the comparison alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks handles Ctrl-C
    with suppress(EOFError, OSError):
        while True:
            function: Callable[[Held], object] = pipe.recv()
            pipe.send(_answer(function, held))


def _answer(function: Callable[[Held], Answer], held: Held) -> Answer | FercliError:
    try:
        return function(held)
    except FercliError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything
        return UnavailableError(f"It fails: {in_one_line(error)}.")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal_name(-code)}"
    return f"ended with {code}"


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Keeps Ctrl-C from what is started meanwhile, for good, and from this process until then.

    A process that has only begun would end with a traceback. Whoever started it ends it in order.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it, which the first process does, lets Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
