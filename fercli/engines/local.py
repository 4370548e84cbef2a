"""The local engine: worker processes, bounded queues, records in input order, constant memory."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from contextlib import closing
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from fercli.analyzer import classify
from fercli.sources import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from fercli.analyzer import Prepared
    from fercli.engines.workers import Workers
    from fercli.prediction import Predictor
    from fercli.records import Photo

    _Tasks = SimpleQueue[tuple[str, Future[Prepared]] | None]

_AHEAD = 256
"""Photos that may be under way or waiting for their turn, so that a slow one holds up no other for long."""

_READERS = 32
"""Photos that are read at once from other computers: most of the time that is waiting."""

_GLANCE = 0.2
"""Seconds after which a wait looks up: an interruption that comes just before does not end it."""


def run_local(
    paths: Iterable[str], workers: Workers, predictor: Predictor, batch_size: int
) -> Generator[Photo]:
    """The records of all photos, in input order, each as soon as those before it are known.

    Args:
        paths: where the photos lie; taken as they come, so a slow pipe is read while photos are worked on.
        workers: read, decode, detect and crop.
        predictor: classifies, here.
        batch_size: faces from which on a batch is classified without waiting for more.

    Raises:
        UnavailableError: the detector or the network fails.
    """
    with closing(prepare_photos(paths, workers, batch_size)) as batches:
        for batch in batches:
            yield from classify(batch, predictor)


def prepare_photos(
    paths: Iterable[str], workers: Workers, batch_size: int
) -> Generator[Sequence[Prepared]]:
    """Photos with their faces found and cropped, in input order, as many at once as are ready.

    Args:
        paths: as of `run_local`, as are the workers.
        workers: likewise.
        batch_size: faces from which on a batch is given without waiting for more.

    Raises:
        UnavailableError: the detector fails.
    """
    feeder = _Feeder(paths, workers)
    try:
        while batch := feeder.take(batch_size):
            yield batch
            feeder.release(len(batch))
    finally:
        feeder.close()


class _Feeder:
    """Takes paths in a thread of its own, so that waiting for the next path holds up no finished photo.

    Its threads are daemons: one may wait for a path on standard input or for a photo when the program ends,
    and no program should wait for them.
    """

    def __init__(self, paths: Iterable[str], workers: Workers) -> None:
        self._paths = paths
        self._workers = workers
        self._places = threading.Semaphore(_AHEAD)
        self._futures: SimpleQueue[Future[Prepared] | None] = SimpleQueue()
        self._tasks: _Tasks = SimpleQueue()
        self._remote_tasks: _Tasks = SimpleQueue()
        self._readers = 0
        self._head: Future[Prepared] | None = None
        self._ended = self._closed = False
        try:
            _start(self._feed)
            for _ in range(workers.count):
                _start(partial(self._prepare, self._tasks))
        except BaseException:
            self.close()
            raise

    def _feed(self) -> None:
        try:
            for path in self._paths:
                self._places.acquire()
                if self._closed:
                    return
                future: Future[Prepared] = Future()
                tasks = self._tasks_like(path)
                self._futures.put(future)
                tasks.put((path, future))
        except BaseException as error:  # noqa: BLE001 - raised again where the records are taken
            failure: Future[Prepared] = Future()
            failure.set_exception(error)
            self._futures.put(failure)
        else:
            self._futures.put(None)

    def _tasks_like(self, path: str) -> _Tasks:
        """The tasks that a photo belongs to; those on other computers have threads once there are some."""
        if not is_remote(path):
            return self._tasks
        if self._readers < _READERS:
            _start(partial(self._prepare, self._remote_tasks))
            self._readers += 1
        return self._remote_tasks

    def _prepare(self, tasks: _Tasks) -> None:
        while (task := tasks.get()) is not None and not self._closed:
            path, future = task
            try:
                future.set_result(self._workers.prepare(path))
            except BaseException as error:  # noqa: BLE001 - likewise
                future.set_exception(error)

    def take(self, batch_size: int) -> list[Prepared]:
        """The next photo in input order, once it is ready, and those after it that are ready too.

        Stops at `batch_size` faces. Empty after the last photo.
        """
        batch: list[Prepared] = []
        faces = 0
        while faces < batch_size and (head := self._peek(waiting=not batch)) is not None:
            # A failure waits for its turn too: the photos before it are whole.
            if batch and (not head.done() or head.exception()):
                break
            while not head.done():
                wait([head], timeout=_GLANCE)
            batch.append(head.result())
            faces += len(batch[-1].crops)
            self._head = None
        return batch

    def _peek(self, *, waiting: bool) -> Future[Prepared] | None:
        """The next photo, finished or not; None after the last or, without `waiting`, if none came yet."""
        while self._head is None and not self._ended and not self._workers.is_closed:
            try:
                item = self._futures.get(block=waiting, timeout=_GLANCE)
            except Empty:
                if waiting:
                    continue
                return None
            self._head, self._ended = item, item is None
        return self._head

    def release(self, photos: int) -> None:
        """Lets as many further photos in."""
        self._places.release(photos)

    def close(self) -> None:
        """Begins no further photo; those under way end by themselves, or with their workers."""
        self._closed = True
        self._places.release()
        for _ in range(self._workers.count):
            self._tasks.put(None)
        for _ in range(self._readers):
            self._remote_tasks.put(None)


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="fercli photos", daemon=True).start()
