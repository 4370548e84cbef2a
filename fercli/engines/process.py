"""A worker process as the run sees it: told, listened to, and ended."""

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

from fercli.engines.memory import resident, room_in_process
from fercli.engines.worker import Request
from fercli.errors import FercliError, UnavailableError
from fercli.interruption import signal_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import BufferedWriter, FileIO

    from fercli.analyzer import Prepared
    from fercli.engines.memory import Budget
    from fercli.engines.worker import Task, Use

_START = "import sys; sys.path[:] = {path!r}; from fercli.engines.worker import main; main()"
# A photo a worker uses the cores already; threads of a library's own would only get in the way.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_SWOLLEN = 1 << 30
"""Bytes; a worker has some 150 MB, and gives back what a photo takes."""
_YES = pickle.dumps(None)
_ENDED = object()
_GLANCE = 0.2
"""Seconds after which whoever waits for a worker to begin looks up."""
_GRACE = 1.0
"""Seconds to wait for a killed process; more only where it waits for a dead disk."""


class LostError(Exception):
    """The worker process ended instead of answering; its words say how."""


class WorkerProcess:
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
        # Without its buffer, whose lock would stay locked in a process that is forked during a write.
        self._tasks = cast("FileIO", cast("BufferedWriter", self._process.stdin).detach())
        self._told = cast("BinaryIO", self._process.stdout)
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
        self._tell(setup)  # so that it loads the detector while this process goes on

    def _listen(self) -> None:
        with self._told as pipe:
            try:
                while True:
                    self._answers.put(pickle.load(pipe))  # noqa: S301 - from a process of our own
            except Exception:  # noqa: BLE001 - whatever it is, no answer comes any more, and somebody may wait
                self._answers.put(_ENDED)

    def describe(self) -> Mapping[str, str]:
        """What the detector says it is, once it is loaded.

        Raises:
            UnavailableError: it cannot be loaded.
        """
        if self._description is None:
            try:
                answer = self._answer(None)
            except LostError as lost:
                raise UnavailableError(
                    f"A worker process ended before the detector was loaded: {lost}.",
                    "Choose another --detector, or see what fercli doctor says.",
                ) from None
            if isinstance(answer, FercliError):
                raise answer
            self._description = answer
        return self._description

    def ask(self, task: Task, timeout: float) -> Prepared:
        """The prepared photo. The process may ask for memory first; it has that until the photo is done.

        Raises:
            Empty: it took too long; the time that it waited for memory does not count.
            LostError: the process ended before it was done.
            UnavailableError: the detector cannot be loaded.
        """
        self.describe()
        told = pickle.dumps(task, pickle.HIGHEST_PROTOCOL)
        with ExitStack() as held:
            while True:
                started = time.monotonic()
                self._tell(told)
                answer: Request | Prepared = self._answer(min(max(timeout, 0), threading.TIMEOUT_MAX))
                if not isinstance(answer, Request):
                    return answer
                timeout -= time.monotonic() - started
                held.enter_context(self._budgets[answer.use].held(answer.amount))
                told = _YES

    def _tell(self, told: bytes) -> None:
        # Where the pipe is broken, its other end has ended and says so.
        rest = memoryview(told)
        with suppress(OSError):
            while rest:
                rest = rest[self._tasks.write(rest) :]

    def _answer(self, timeout: float | None) -> Any:
        answer = self._next_answer() if timeout is None else self._answers.get(timeout=timeout)
        if answer is _ENDED:
            self._answers.put(_ENDED)  # for whoever asks next
            raise LostError(_ending(self._process))
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


def _ending(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    try:
        code = process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    if code >= 0:
        return f"exit code {code}"
    name = signal_name(-code)
    # The system kills where memory runs out; where a process has a limit of its own, libraries crash.
    short = -code == signal.SIGKILL or room_in_process() is not None
    return f"{name}, perhaps out of memory; try fewer --workers" if short else name
