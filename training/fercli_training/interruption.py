"""Ctrl-C, and every other signal that asks for the end, lets a step end first: what is saved is whole."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fercli.interruption import Interruption, ending_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def interruptible() -> Iterator[Callable[[], Interruption | None]]:
    """Yields a function that gives the interruption that was asked for, to be raised; None before that.

    Asked again, the program does at once what it did before this began. Outside the main thread, which gets
    no signals, nothing is ever asked.
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
