"""What a plugin does wrong names it, whichever of its objects is called, by however many threads."""

from __future__ import annotations

import sys
import threading

import pytest

from fercli.errors import FercliError, UnavailableError, UsageError
from fercli.guard import attributed_to, guarded


def test_what_a_plugin_raises_is_attributed_to_it() -> None:
    with (
        pytest.raises(UnavailableError, match=r"^The backend x fails: ValueError: one\.$"),
        attributed_to("backend x"),
    ):
        raise ValueError("one\ntwo")


@pytest.mark.parametrize("error", [UsageError("A sentence."), KeyboardInterrupt()])
def test_fercli_s_own_errors_and_an_interruption_pass(error: FercliError | KeyboardInterrupt) -> None:
    with pytest.raises(type(error)) as caught, attributed_to("backend x"):
        raise error
    assert caught.value is error


class Plugin:
    """Raises wherever it is called, and prints."""

    value = 7

    def __call__(self) -> None:
        raise LookupError("nothing here")

    def name(self) -> None:
        sys.exit("it leaves")

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


def test_every_call_of_what_was_loaded_is_guarded() -> None:
    plugin = guarded("backend x", Plugin)
    for call, said in ((plugin, "LookupError: nothing here"), (plugin.name, "SystemExit: it leaves")):
        with pytest.raises(UnavailableError) as caught:
            call()
        assert caught.value.message == f"The backend x fails: {said}."
    assert plugin.value == 7


def test_loading_is_guarded() -> None:
    with pytest.raises(UnavailableError, match=r"^The detector x fails: ZeroDivisionError: "):
        guarded("detector x", lambda: 1 // 0)


def test_what_a_plugin_prints_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded("backend x", Plugin).write("POLLUTION") == 9
    print("data")  # noqa: T201 - what a program prints afterwards
    assert capsys.readouterr() == ("data\n", "POLLUTION")


def test_threads_whose_calls_overlap_give_standard_output_back() -> None:
    """The first to come is the first to go, which is where `contextlib.redirect_stdout` loses it."""
    before = sys.stdout
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with attributed_to("backend x"):
            first_is_in.set()
            assert second_is_in.wait(60)
        first_is_out.set()

    thread = threading.Thread(target=first)
    thread.start()
    assert first_is_in.wait(60)
    with attributed_to("backend y"):
        second_is_in.set()
        assert first_is_out.wait(60)
        assert sys.stdout is sys.stderr
    thread.join()
    assert sys.stdout is before
