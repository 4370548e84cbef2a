"""Worker processes as the run sees them: photos in, prepared photos out, whatever happens to a process."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fercli.analyzer import unprepared
from fercli.engines.memory import Budget, Memory, resident, room_in_process
from fercli.engines.worker import SMALL_FILE, Request, Setup, Task, Use
from fercli.errors import FercliError, PhotoError, PhotoErrorKind, UnavailableError
from fercli.sources import is_remote, printable_path, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fercli.analyzer import Prepared
    from fercli.plugins import Detector

_START = "import sys; sys.path[:] = {path!r}; from fercli.engines.worker import main; main()"
# A photo a worker uses the cores already; threads of a library's own would only get in the way.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ATTEMPTS = 2
"""A worker may be killed for another's sake, by the system out of memory for instance."""


class _LostError(Exception):
    """The worker process ended instead of answering; its words say how."""


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
        self._closed = False
        self._all: list[_Worker] = []
        try:
            for _ in range(count):
                self._all.append(_Worker(self._setup, self._budgets))
        except BaseException:
            self.close()
            raise
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
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

        What another computer has is read here, so that no worker waits for it. A photo that takes too long
        is an error, `timeout`; one that ends the process twice, `crashed`.

        Raises:
            UnavailableError: a new worker cannot load the detector, or what reaches a store is missing.
        """
        if data is not None or not is_remote(path):
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
                return unprepared(printable_path(path), error)
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
            except _LostError as lost:
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

    def _replaced(self, worker: _Worker) -> _Worker:
        worker.kill()
        worker.wait()
        if self._closed:
            return worker
        fresh = _Worker(self._setup, self._budgets)
        self._all[self._all.index(worker)] = fresh
        if self._closed:  # meanwhile
            fresh.kill()
            fresh.wait()
        return fresh

    def close(self) -> None:
        """Ends all workers at once, and what they work on with them."""
        self._closed = True
        for worker in self._all:
            worker.kill()
        for worker in self._all:  # which ended side by side
            worker.wait()


class _Worker:
    """One process, and the pipes to it; used by one thread at a time."""

    def __init__(self, setup: bytes, budgets: Mapping[Use, Budget]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter that runs already
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | _ONE_THREAD,
            # Ctrl-C is for the run, which ends its workers itself.
            process_group=0 if os.name == "posix" else None,
        )
        self._tasks = cast("BinaryIO", self._process.stdin)
        self._told = cast("BinaryIO", self._process.stdout)
        self._setup = setup
        self._budgets = budgets
        self._description: Mapping[str, str] | None = None
        self._answers: SimpleQueue[Any] = SimpleQueue()
        # A daemon: a process that waits for a dead disk cannot be killed, and its pipe never ends.
        try:
            threading.Thread(target=self._listen, daemon=True).start()
        except BaseException:
            self.kill()
            self.wait()
            self._told.close()
            raise

    def _listen(self) -> None:
        with self._told as pipe:
            try:
                while True:
                    self._answers.put(pickle.load(pipe))  # noqa: S301 - from a process of our own
            except (EOFError, OSError, pickle.UnpicklingError):
                self._answers.put(_ENDED)

    def describe(self) -> Mapping[str, str]:
        """What the detector says it is, once it is loaded.

        Raises:
            UnavailableError: it cannot be loaded.
        """
        if self._description is None:
            try:
                answer = self._answer(self._setup, None)
            except _LostError as lost:
                raise UnavailableError(
                    f"A worker process ended before the detector was loaded: {lost}.",
                    "Choose another --detector, or see what fercli doctor says.",
                ) from None
            if isinstance(answer, FercliError):
                raise answer
            self._description = answer
        return self._description

    def ask(self, task: Task, timeout: float) -> Prepared:
        """The prepared photo. What it asks for amid its work it gets in turn, and holds until it is done.

        Raises:
            Empty: it took too long, the time not counted that it waited for others.
            _LostError: the process ended meanwhile.
            UnavailableError: the detector cannot be loaded.
        """
        self.describe()
        told = pickle.dumps(task, pickle.HIGHEST_PROTOCOL)
        with ExitStack() as held:
            while True:
                started = time.monotonic()
                answer: Request | Prepared = self._answer(told, min(max(timeout, 0), threading.TIMEOUT_MAX))
                if not isinstance(answer, Request):
                    return answer
                timeout -= time.monotonic() - started
                held.enter_context(self._budgets[answer.use].held(answer.amount))
                told = _YES

    def _answer(self, told: bytes, timeout: float | None) -> Any:
        # Where the pipe is broken, its other end has ended and says so.
        with suppress(OSError):
            self._tasks.write(told)
            self._tasks.flush()
        answer = self._next_answer() if timeout is None else self._answers.get(timeout=timeout)
        if answer is _ENDED:
            self._answers.put(_ENDED)  # for whoever asks next
            raise _LostError(_ending(self._process))
        return answer

    def _next_answer(self) -> Any:
        # An interruption that comes just before a wait does not end it, so it looks up now and then.
        while True:
            with suppress(Empty):
                return self._answers.get(timeout=_GLANCE)

    def has_swollen(self) -> bool:
        """Whether it keeps more memory between two photos than any work needs, as what leaks does."""
        return (resident(self._process.pid) or 0) > _SWOLLEN

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._answers.put(_ENDED)

    def wait(self) -> None:
        """Waits a moment for the process to end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        with suppress(OSError):
            self._tasks.close()


_SHARE_OF_PIXELS, _SHARE_OF_FILES = 2, 8
_SWOLLEN = 1 << 30
"""Bytes; a worker has some 150 MB, and gives back what a photo takes."""
_YES = pickle.dumps(None)
_ENDED = object()
_GLANCE = 0.2
"""Seconds after which whoever waits for a worker to begin looks up."""
_GRACE = 1.0
"""Seconds to wait for a killed process; more only where it waits for a dead disk."""


def _ending(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    try:
        code = process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    # The system kills where memory runs out; where a process has a limit of its own, libraries crash.
    short = -code == signal.SIGKILL or room_in_process() is not None
    return f"{name}, perhaps out of memory; try fewer --workers" if short else name


def _failed(path: str, kind: PhotoErrorKind, sentence: str) -> Prepared:
    return unprepared(printable_path(path), PhotoError(kind, sentence))
