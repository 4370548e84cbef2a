"""Measures contenders in turn, each in a fresh process, so that none can help, slow or break another."""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Generic, cast

from fercli.comparison.worker import Result_co, Round_co, serve
from fercli.errors import FercliError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fercli.comparison.worker import Subject


@dataclass
class Outcome(Generic[Round_co, Result_co]):
    """What was measured of a contender; `reason` says why there is no result where there is none."""

    rounds: list[Round_co] = field(default_factory=list)
    result: Result_co | None = None
    reason: str = ""


def contest(
    subjects: Mapping[str, Subject[Round_co, Result_co]], rounds: int, tell: Callable[[str], None]
) -> dict[str, Outcome[Round_co, Result_co]]:
    """Loads each subject, then measures all of them once a round, and takes their results at the end.

    Only one process works at a time. A failure ends its contender, never the contest.

    Args:
        subjects: by name.
        rounds: how often each is measured.
        tell: told the name of whatever is at work.
    """
    outcomes: dict[str, Outcome[Round_co, Result_co]] = {name: Outcome() for name in subjects}
    processes: dict[str, _Process] = {}
    with ExitStack() as stack:

        def ask_all(question: str, keep: Callable[[Outcome[Round_co, Result_co], Any], None]) -> None:
            for name, outcome in outcomes.items():
                if outcome.reason:
                    continue
                tell(name)
                if name not in processes:  # not started before its turn: starting is work
                    processes[name] = _Process(subjects[name])
                    stack.callback(processes[name].end)
                try:
                    keep(outcome, processes[name].ask(question))
                except FercliError as error:
                    outcome.reason = f"{error.message} {error.remedy}".rstrip()
                    processes[name].end()

        ask_all("load", lambda outcome, answer: None)  # noqa: ARG005 - loading has no answer
        for _ in range(rounds):
            ask_all("measure", lambda outcome, answer: outcome.rounds.append(answer))
        ask_all("result", lambda outcome, answer: setattr(outcome, "result", answer))
    return outcomes


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Keeps Ctrl-C from what is started meanwhile, for good, and from this process until that is done.

    A process that has only begun would end with a traceback. Whoever started it ends it in order.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it, which the first process does, lets Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Process:
    """A process that answers questions on a subject. It ends by itself where this one has gone."""

    def __init__(self, subject: Subject[Any, Any]) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, subject))
        with _ctrl_c_held_back():
            self._process.start()
        theirs.close()

    def ask(self, question: str) -> Any:
        """What the subject's method of that name gives.

        Raises:
            FercliError: it failed, or its process ended.
        """
        try:
            self._pipe.send(question)
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            code = cast("int", self._process.exitcode)
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            raise UnavailableError(f"It fails: its process {how}.") from error
        if isinstance(answer, FercliError):
            raise answer
        return answer

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._pipe.close()
        self._process.kill()
        self._process.join()
