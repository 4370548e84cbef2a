"""Subjects measured in turn, each in a fresh process, so that none can help, slow or break another."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fercli.comparison.process import Process
from fercli.errors import FercliError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Round_co = TypeVar("Round_co", covariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Subject(Protocol[Round_co, Result_co]):
    """What is measured. It travels to its process before it is loaded."""

    def load(self) -> None:
        """Makes it ready, and warms it up."""
        ...

    def measure(self) -> Round_co:
        """One round of timing."""
        ...

    def result(self) -> Result_co:
        """All else that is to be known, after the last round."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Round_co, Result_co]):
    """What was measured of a subject; `reason` says why `result` is None."""

    rounds: Sequence[Round_co]
    result: Result_co | None
    reason: str


def run_side_by_side(
    subjects: Mapping[str, Subject[Round_co, Result_co]], rounds: int, tell: Callable[[str], None]
) -> dict[str, Outcome[Round_co, Result_co]]:
    """Loads each subject, then measures all of them once a round, and takes their results at the end.

    Only one process works at a time. A subject that fails is measured no further; the others are.

    Args:
        subjects: by name.
        rounds: how often each is measured.
        tell: gets the name of the subject at work.
    """
    runners: dict[str, _Runner[Round_co, Result_co]] = {}
    with ExitStack() as stack:
        for name, subject in subjects.items():
            tell(name)
            runners[name] = stack.enter_context(closing(_Runner(subject)))
            runners[name].load()
        for _ in range(rounds):
            for runner in _at_work(runners, tell):
                runner.measure()
        for runner in _at_work(runners, tell):
            runner.finish()
    return {name: Outcome(runner.rounds, runner.result, runner.reason) for name, runner in runners.items()}


def _at_work(
    runners: Mapping[str, _Runner[Round_co, Result_co]], tell: Callable[[str], None]
) -> Iterator[_Runner[Round_co, Result_co]]:
    """Those that have not failed, each named when its turn comes."""
    for name, runner in runners.items():
        if not runner.reason:
            tell(name)
            yield runner


class _Runner(Generic[Round_co, Result_co]):
    """A subject in a process that is started for it, and what has been measured of it so far."""

    def __init__(self, subject: Subject[Round_co, Result_co]) -> None:
        self._process = Process(subject)
        self.rounds: list[Round_co] = []
        self.result: Result_co | None = None
        self.reason = ""

    def load(self) -> None:
        with self._reason_kept():
            self._process.call(_load)

    def measure(self) -> None:
        with self._reason_kept():
            self.rounds.append(self._process.call(_measure))

    def finish(self) -> None:
        with self._reason_kept():
            self.result = self._process.call(_result)

    def close(self) -> None:
        self._process.end()

    @contextmanager
    def _reason_kept(self) -> Iterator[None]:
        """Keeps why the subject failed, and ends its process."""
        try:
            yield
        except FercliError as error:
            self.reason = f"{error.message} {error.remedy}".rstrip()
            self._process.end()


def _load(subject: Subject[Round_co, Result_co]) -> None:
    subject.load()


def _measure(subject: Subject[Round_co, Result_co]) -> Round_co:
    return subject.measure()


def _result(subject: Subject[Round_co, Result_co]) -> Result_co:
    return subject.result()
