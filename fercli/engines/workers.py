"""The worker processes: photos in, prepared photos out, whatever happens to a process."""

from __future__ import annotations

import pickle
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from fercli.engines.memory import Budget, Memory
from fercli.engines.process import LostError, WorkerProcess
from fercli.engines.worker import SMALL_FILE, Setup, Task, Use
from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import is_own, is_remote, printable_path, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fercli.analyzer import Prepared
    from fercli.plugins import Detector

_SHARE_OF_PIXELS, _SHARE_OF_FILES = 2, 8
_ATTEMPTS = 2
"""A worker may be killed for another's sake, by the system out of memory for instance."""


class Workers:
    """Processes that prepare photos, each one at a time; one that dies is replaced.

    Together they hold no more than half of the memory for pixels, an eighth for files and an eighth for
    what is read ahead from elsewhere, unless a single photo needs more: that one has it to itself.
    """

    def __init__(
        self,
        load_detector: Callable[[], Detector],
        max_pixels: int,
        count: int,
        timeout: float,
        memory: Memory,
        *,
        fast: bool = False,
    ) -> None:
        """Starts the processes, and does not wait for them.

        Args:
            load_detector: called in each; must survive pickling.
            max_pixels: the largest picture, in pixels.
            count: how many.
            timeout: seconds that a photo may take.
            memory: what there is.
            fast: whether the detector's fast way is taken.

        Raises:
            OSError, RuntimeError: the system lets no further process or thread start.
        """
        self._setup = pickle.dumps(Setup(load_detector, max_pixels, memory.available + memory.swap, fast))
        self._timeout = timeout
        self._budgets = {
            Use.PIXELS: Budget(memory.available // _SHARE_OF_PIXELS),
            Use.FILE: Budget(memory.available // _SHARE_OF_FILES),
        }
        # Of its own: who holds some of it waits for a worker, which may wait for a file's.
        self._ahead = Budget(memory.available // _SHARE_OF_FILES)
        self.is_closed = False
        """Whether they have been ended."""
        self._all: list[WorkerProcess] = []
        try:
            for _ in range(count):
                self._all.append(WorkerProcess(self._setup, self._budgets))
        except BaseException:
            self.close()
            raise
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)

    @property
    def count(self) -> int:
        """How many photos are worked on at once."""
        return len(self._all)

    def describe(self) -> Mapping[str, str]:
        """What the detector says it is, once a worker has loaded it; to be asked before any photo.

        Raises:
            UnavailableError: it cannot be loaded.
        """
        return self._all[0].describe()

    def prepare(self, path: str, data: bytes | None = None) -> Prepared:
        """Reads, decodes, detects and crops in a free worker, for many threads at a time.

        What another computer has is read here, so that no worker waits for it, and so is what only this
        process has open. A photo that takes too long is an error, `timeout`; one that ends the process
        twice, `crashed`.

        Raises:
            UnavailableError: a new worker cannot load the detector, or what reaches a store is missing.
        """
        if data is not None or not (is_remote(path) or is_own(path)):
            return self._prepared(path, data)
        with ExitStack() as held:
            held.enter_context(self._ahead.held(SMALL_FILE))

            def admit(size: int) -> None:
                if size > SMALL_FILE:
                    held.close()  # or all might wait for each other
                    held.enter_context(self._ahead.held(size))

            try:
                read = read_photo(path, admit, self._timeout)
            except PhotoError as error:
                return _unprepared(path, error)
            return self._prepared(path, read)

    def _prepared(self, path: str, data: bytes | None) -> Prepared:
        for _ in range(_ATTEMPTS):
            worker = self._idle.get()
            try:
                prepared = worker.ask(Task(path, data), self._timeout)
            except Empty:
                worker = self._replaced(worker)
                sentence = f"It took longer than {self._timeout:g} s (--timeout)."
                return _failed(path, PhotoErrorKind.TIMEOUT, sentence)
            except LostError as lost:
                worker = self._replaced(worker)
                reason = str(lost)
            else:
                if worker.has_swollen():
                    worker = self._replaced(worker)
                return prepared
            finally:
                self._idle.put(worker)
        sentence = f"Reading it ended the process {_ATTEMPTS} times: {reason}."
        return _failed(path, PhotoErrorKind.CRASHED, sentence)

    def _replaced(self, worker: WorkerProcess) -> WorkerProcess:
        worker.kill()
        worker.wait()
        if self.is_closed:
            return worker
        fresh = WorkerProcess(self._setup, self._budgets)
        self._all[self._all.index(worker)] = fresh
        if self.is_closed:  # meanwhile
            fresh.kill()
            fresh.wait()
        return fresh

    def close(self) -> None:
        """Ends all workers at once, and what they work on with them."""
        self.is_closed = True
        for worker in self._all:
            worker.kill()
        for worker in self._all:  # which ended side by side
            worker.wait()


def _failed(path: str, kind: PhotoErrorKind, sentence: str) -> Prepared:
    return _unprepared(path, PhotoError(kind, sentence))


def _unprepared(path: str, error: PhotoError) -> Prepared:
    from fercli.analyzer import unprepared  # needs NumPy and OpenCV, which workers do not wait for

    return unprepared(printable_path(path), error)
