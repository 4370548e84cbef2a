"""Tries again what may work a moment later, as what asks other computers does."""

from __future__ import annotations

import random
import time
from math import inf
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_ATTEMPTS = 4
_FIRST_PAUSE = 0.2
"""Seconds; each further pause is three times as long, all give or take a half."""

_LONGEST_PAUSE = 30.0

Answer = TypeVar("Answer")


def insist(
    attempt: Callable[[], Answer],
    least_pause: Callable[[Exception], float | None],
    time_left: Callable[[], float] = lambda: inf,
) -> Answer:
    """What an attempt gives, tried again after a pause where a fault that may pass ended it.

    Args:
        attempt: is called up to four times.
        least_pause: gives the seconds to wait after an error at least; None where it will not pass.
        time_left: gives the seconds that are left; no pause is made that would last as long.

    Raises:
        Exception: the last attempt's, or one that will not pass.
    """
    attempts = 0
    while True:
        attempts += 1
        try:
            return attempt()
        except Exception as error:
            least = least_pause(error)
            if least is None or attempts == _ATTEMPTS:
                raise
            # Give or take a half, so that not all come again at once.
            usual = _FIRST_PAUSE * 3 ** (attempts - 1) * random.uniform(0.5, 1.5)  # noqa: S311
            pause = min(_LONGEST_PAUSE, max(usual, least))
            if pause >= time_left():
                raise
        time.sleep(pause)
