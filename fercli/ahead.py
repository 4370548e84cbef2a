"""Work that threads do ahead, whose results are taken in the order in which it was given."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

_T = TypeVar("_T")

_THREADS = 4
_AHEAD = 16
"""Results that wait at most, so that memory does not grow with the work."""


class Ahead(Generic[_T]):
    """A few threads, and the results that wait for those before them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "fercli-ahead")
        self._waiting: deque[Future[_T]] = deque()

    def add(self, work: Callable[[], _T]) -> Iterator[_T]:
        """Gives work, and takes the results that are due; raises what the work did."""
        self._waiting.append(self._pool.submit(work))
        while len(self._waiting) > _AHEAD:
            yield self._waiting.popleft().result()

    def rest(self) -> Iterator[_T]:
        """Takes all other results; nothing may be added any more."""
        while self._waiting:
            yield self._waiting.popleft().result()
        self._pool.shutdown()
