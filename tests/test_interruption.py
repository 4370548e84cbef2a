"""Signals that a step ends before."""

import signal
import threading
from collections.abc import Iterator

import pytest

from fercli.interruption import Interruption, deferred

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture(autouse=True)
def _raising() -> Iterator[None]:
    """As in a run: what is asked a second time is raised."""

    def interrupt(number: int, _: object) -> None:
        raise Interruption(number)

    before = {number: signal.signal(number, interrupt) for number, _ in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_is_noted_and_nothing_raised(number: signal.Signals, code: int) -> None:
    with deferred() as asked:
        assert asked() is None
        signal.raise_signal(number)
        interruption = asked()
        assert interruption is not None
        assert interruption.exit_code == code


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_asked_again_by_any_signal_it_ends_at_once(
    first: signal.Signals, number: signal.Signals, code: int
) -> None:
    with deferred():
        signal.raise_signal(first)
        with pytest.raises(Interruption) as caught:
            signal.raise_signal(number)
    assert caught.value.exit_code == code


def test_afterwards_signals_do_what_they_did() -> None:
    with deferred():
        pass
    with pytest.raises(Interruption):
        signal.raise_signal(signal.SIGTERM)


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with deferred() as asked:
        signal.raise_signal(signal.SIGHUP)
        assert asked() is None
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_another_thread_is_never_asked() -> None:
    answers: list[object] = []

    def train() -> None:
        with deferred() as asked:
            answers.append(asked())

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert answers == [None]
