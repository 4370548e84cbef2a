"""Chunks of photos that are read elsewhere: given out, halved where their reader dies, put in order."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_T = TypeVar("_T")

_ATTEMPTS = 2
"""Of a whole chunk: what read it may have been killed for another's sake, with its machine for instance."""
_ATTEMPTS_ALONE = 3
"""Of a photo that is alone, before it is blamed."""
_GLANCE = 0.2
"""Seconds of a moment."""
_AHEAD = 4
"""Chunks that wait to be given out."""


@dataclass(eq=False, slots=True)
class Piece:
    """Photos that are read together: a chunk, or a part of one that was halved."""

    number: int
    """The chunk's, from 0."""
    start: int
    """The place in the chunk of the first photo."""
    paths: tuple[str, ...]
    is_whole: bool = True
    """Whether it is all of its chunk."""
    attempts: int = 0

    def halves(self) -> list[Piece]:
        """The two halves of a piece of at least two photos."""
        middle = len(self.paths) // 2
        return [
            Piece(self.number, self.start + place, paths, is_whole=False)
            for place, paths in ((0, self.paths[:middle]), (middle, self.paths[middle:]))
        ]


@dataclass(slots=True)
class _Open(Generic[_T]):
    """A chunk that is not whole yet."""

    size: int
    done: int = 0
    results: list[tuple[int, Piece, _T]] = field(default_factory=list)


class Chunks(Generic[_T]):
    """The photos of a run, given out in pieces; what came of them is taken back in input order.

    A thread of its own takes the paths, so a slow list holds up nothing. As many chunks as `window` are
    given out or wait for those before them, so memory does not grow with the photos.
    """

    def __init__(self, paths: Iterable[str], size: int, window: int) -> None:
        self.window = window
        self._again: deque[Piece] = deque()
        self._open: dict[int, _Open[_T]] = {}
        self._next = 0
        self._feed = _Feed(paths, size)

    @property
    def is_done(self) -> bool:
        """Whether everything was given out and taken back; raises what the paths raised, in its turn."""
        if self._open or not self._feed.ended:
            return False
        if self._feed.failure is not None:
            raise self._feed.failure
        return True

    def next_piece(self, *, waiting: bool) -> Piece | None:
        """What is to be read next; None where nothing is, for now, or `waiting` a moment later."""
        if self._again:
            return self._again.popleft()
        if len(self._open) >= self.window or (piece := self._feed.take(waiting=waiting)) is None:
            return None
        self._open[piece.number] = _Open(len(piece.paths))
        return piece

    def done(self, piece: Piece, result: _T) -> None:
        """Takes back what came of a piece."""
        chunk = self._open[piece.number]
        chunk.results.append((piece.start, piece, result))
        chunk.done += len(piece.paths)

    def lost(self, piece: Piece) -> bool:
        """Gives a piece out again, whose reader was lost; False if it is a photo that is to blame."""
        piece.attempts += 1
        if len(piece.paths) == 1:
            if piece.attempts >= _ATTEMPTS_ALONE:
                return False
            self._again.append(piece)
        elif piece.is_whole and piece.attempts < _ATTEMPTS:
            self._again.append(piece)
        else:
            self._again.extend(piece.halves())
        return True

    def in_order(self) -> Iterator[tuple[int, list[tuple[Piece, _T]]]]:
        """The chunks that are whole and whose turn it is: their number, pieces and results, in order."""
        while (chunk := self._open.get(self._next)) is not None and chunk.done == chunk.size:
            number = self._next
            del self._open[number]
            self._next += 1
            yield number, [(piece, result) for _, piece, result in sorted(chunk.results, key=_start)]

    def close(self) -> None:
        """Takes no further path."""
        self._feed.close()


class _Feed:
    """Chunks of paths, taken ahead by a thread, which is a daemon: it may wait for standard input."""

    def __init__(self, paths: Iterable[str], size: int) -> None:
        self.failure: BaseException | None = None
        """What ended the paths; set once the chunks before it were taken."""
        self.ended = False
        """Whether the last chunk was taken."""
        self._paths, self._size = paths, size
        self._chunks: SimpleQueue[Piece | BaseException | None] = SimpleQueue()
        self._places = threading.Semaphore(_AHEAD)
        self._closed = False
        threading.Thread(target=self._take_paths, name="fercli chunks", daemon=True).start()

    def _take_paths(self) -> None:
        numbers, taken = count(), list[str]()
        failure: BaseException | None = None
        try:
            for path in self._paths:
                taken.append(path)
                if len(taken) == self._size:
                    self._places.acquire()
                    if self._closed:
                        return
                    self._chunks.put(Piece(next(numbers), 0, tuple(taken)))
                    taken.clear()
        except BaseException as error:  # noqa: BLE001 - raised again where the records are taken
            failure = error
        if taken:
            self._chunks.put(Piece(next(numbers), 0, tuple(taken)))
        self._chunks.put(failure)

    def take(self, *, waiting: bool) -> Piece | None:
        """The next chunk, if it is there, or `waiting` comes in a moment."""
        if self.ended:
            return None
        try:
            item = self._chunks.get(block=waiting, timeout=_GLANCE)
        except Empty:
            return None
        if isinstance(item, Piece):
            self._places.release()
            return item
        self.failure, self.ended = item, True
        return None

    def close(self) -> None:
        """Takes no further path."""
        self._closed = True
        self._places.release()


def _start(result: tuple[int, Piece, object]) -> int:
    return result[0]
