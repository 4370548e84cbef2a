"""How long, and how often, it is tried to read a photo from another computer."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from fercli.errors import PhotoError, PhotoErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_BYTES = 1 << 30
"""A photo's file is no larger; a GiB."""

_ATTEMPTS = 4
_FIRST_PAUSE = 0.2
"""Seconds; each further pause is three times as long, all give or take a half."""

_LONGEST_PAUSE = 30.0

Answer = TypeVar("Answer")


class PassingError(Exception):
    """A fault that may be gone when it is tried again; its words are a sentence for the report."""

    def __init__(
        self,
        sentence: str,
        kind: PhotoErrorKind = PhotoErrorKind.UNREADABLE,
        pause: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.kind = kind
        self.pause = pause
        """Seconds that the server asks to wait."""


class Patience:
    """The time that a photo may take, its waiting for memory not counted."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            PhotoError: `timeout`, none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise PhotoError(
                PhotoErrorKind.TIMEOUT, f"It took longer than {self._seconds:g} s (--timeout)."
            )
        return left

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time that does not count."""
        begun = time.monotonic()
        yield
        self._end += time.monotonic() - begun

    def insist(self, attempt: Callable[[], Answer]) -> Answer:
        """What an attempt gives, tried again after a pause where a `PassingError` ended it.

        Raises:
            PhotoError: of the fault's kind after the last attempt; `timeout`; what the attempt raises.
        """
        for number in range(_ATTEMPTS):
            try:
                return attempt()
            except PassingError as error:
                fault = error
            # Give or take a half, so that not all photos come again at once.
            pause = _FIRST_PAUSE * 3**number * random.uniform(0.5, 1.5)  # noqa: S311
            pause = min(_LONGEST_PAUSE, pause if fault.pause is None else max(pause, fault.pause))
            if number < _ATTEMPTS - 1:
                if pause >= self.left():
                    break
                time.sleep(pause)
        raise PhotoError(fault.kind, f"{fault.sentence} It was tried {number + 1} times.")
