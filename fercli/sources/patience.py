"""The limits of reading a photo: its size, and the time and attempts that another computer gets."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fercli.attempts import Answer, insist
from fercli.errors import PhotoError, PhotoErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAX_BYTES = 1 << 30


def check_size(size: int) -> None:
    """Raises a `PhotoError`, `too-large`, if a photo's file has more bytes than are read."""
    if size > _MAX_BYTES:
        raise PhotoError(PhotoErrorKind.TOO_LARGE, "The file is larger than 1 GiB.")


class PassingError(PhotoError):
    """A photo's fault that may be gone when it is tried again; `pause` are seconds to wait at least."""

    def __init__(
        self, sentence: str, kind: PhotoErrorKind = PhotoErrorKind.UNREADABLE, pause: float = 0.0
    ) -> None:
        super().__init__(kind, sentence)
        self.pause = pause


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
        """What an attempt gives, tried again as by `fercli.attempts.insist`.

        Raises:
            PhotoError: of the fault's kind after the last attempt; `timeout`; what the attempt raises.
        """
        faults = 0

        def least_pause(error: Exception) -> float | None:
            nonlocal faults
            faults += 1
            return error.pause if isinstance(error, PassingError) else None

        try:
            return insist(attempt, least_pause, self.left)
        except PassingError as fault:
            raise PhotoError(fault.kind, f"{fault.sentence} It was tried {faults} times.") from None
