"""The signals that ask a program to end, SIGINT, SIGTERM and SIGHUP, all treated as Ctrl-C is.

A shell, a container and a closing terminal each send a different one. For all of them, the run cleans up by
the same `finally` and `with` that serve an exception.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Windows lacks SIGHUP, and only Windows has SIGBREAK."""
_PATIENCE = 2.0
"""Seconds that cleaning up may take before one more signal ends the program."""
_PAUSES = (0.1, 0.4)
"""Seconds until a waiting thread is woken, and until it is once more."""
_SHOW_CURSOR = b"\x1b[?25h"


class Interruption(KeyboardInterrupt):
    """A signal asked the program to end. `exit_code` is what a shell reports for that signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal_name(number))
        self.exit_code = exit_code(number)


def exit_code(number: int) -> int:
    """What a shell reports for a program that the signal ended."""
    return 128 + number


def signal_name(number: int) -> str:
    """A signal's name; its number where it has none, as most real-time signals."""
    return signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"


def ending_signals() -> list[signal.Signals]:
    """The signals that ask this program to end, except those it was started to ignore, as by nohup."""
    here = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]
    return [number for number in here if signal.getsignal(number) is not signal.SIG_IGN]


def is_interruption(error: BaseException) -> bool:
    """Whether a person or the system asks for the end, not a library that raises what only they should."""
    if isinstance(error, Interruption):
        return True
    default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return default and isinstance(error, KeyboardInterrupt)


class Endings:
    """What a program does when it is asked to end; made once, in the main thread.

    Before anything is begun, it ends at once and says nothing. Inside `interruptible` an `Interruption` is
    raised. Signals after that are ignored, so that the run can clean up; if that takes too long, one more
    ends the program at once.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._since = 0.0
        self._raises = False
        for number in ending_signals():
            signal.signal(number, self._handle)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """While something is under way that needs cleaning up."""
        _wake_main_thread()
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def _handle(self, number: int, _: object) -> None:
        if self.received is None:
            if not self._raises:
                _end_at_once(number)
            self.received, self._since = number, monotonic()
            # What ignores an exception, as the end of an object's life does, would say so at length.
            sys.unraisablehook = lambda _: None
            raise Interruption(number)
        if monotonic() - self._since > _PATIENCE:
            _end_at_once(self.received)


@contextmanager
def deferred() -> Iterator[Callable[[], Interruption | None]]:
    """Lets what is under way end first, as a step of training does.

    Yields a function that gives the interruption that was asked for, to be raised; None before that. Asked
    again, the program does at once what it did before this began. Outside the main thread, which alone gets
    signals, nothing is ever asked.
    """
    asked: list[Interruption] = []
    previous: dict[signal.Signals, Any] = {}

    def give_back() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def ask(number: int, _: object) -> None:
        asked.append(Interruption(number))
        give_back()

    if threading.current_thread() is threading.main_thread():
        for number in ending_signals():
            previous[number] = signal.signal(number, ask)
    try:
        yield lambda: asked[0] if asked else None
    finally:
        give_back()


def _wake_main_thread() -> None:
    """Makes the main thread look at its signals soon, also where it waits for a lock.

    Python runs a handler in the main thread, between two of its steps. A signal that comes a moment before
    the thread goes to wait does not end the waiting; another one does, which may be any that has a handler.
    """
    if not hasattr(signal, "SIGURG"):  # Windows
        return
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    signal.signal(signal.SIGURG, lambda *_: None)

    def wake() -> None:
        while True:
            if os.read(ours, 1)[0] != signal.SIGURG:
                for pause in _PAUSES:
                    sleep(pause)
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)

    threading.Thread(target=wake, name="fercli signals", daemon=True).start()


def _end_at_once(number: int) -> NoReturn:
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR)
    os._exit(exit_code(number))
