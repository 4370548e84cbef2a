"""What C code prints to standard error is caught, and nothing else is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from fercli.images import decode
from fercli.native_output import caught_stderr
from tests.corpus import encoded, photo

WORDS = b"words past sys.stderr\n"


def test_it_is_caught_and_the_rest_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    with caught_stderr() as caught:
        os.write(2, WORDS)
    os.write(2, b"later\n")
    assert caught.text == WORDS.decode()
    assert capfd.readouterr().err == "later\n"


def test_more_than_a_pipe_holds() -> None:
    with caught_stderr() as caught:
        for _ in range(20_000):
            os.write(2, WORDS)
    assert len(caught.text) == 20_000 * len(WORDS)


def test_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress(ZeroDivisionError), caught_stderr() as caught:
        os.write(2, WORDS)
        _ = 1 // 0
    os.write(2, b"later\n")
    assert caught.text == WORDS.decode()
    assert capfd.readouterr().err == "later\n"


def test_no_descriptor_is_left_open() -> None:
    before = os.dup(1)
    os.close(before)
    for _ in range(50):
        with caught_stderr():
            pass
    after = os.dup(1)
    os.close(after)
    assert after == before


def test_no_descriptor_is_left_open_where_there_are_too_few() -> None:
    code = """
import os, resource
from contextlib import suppress
from fercli.native_output import caught_stderr

def count():
    return len(os.listdir("/proc/self/fd"))

before = count()
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (before, limits[1]))
for _ in range(3):
    with suppress(OSError), caught_stderr():
        raise AssertionError("it has had two descriptors")
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
assert count() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_do_not_get_each_others_words(capfd: pytest.CaptureFixture[str]) -> None:
    def speak(number: int) -> bool:
        with caught_stderr() as caught:
            for _ in range(100):
                os.write(2, b"%d\n" % number)
        return caught.text == f"{number}\n" * 100

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(speak, range(64)))
    assert capfd.readouterr().err == ""


def test_several_threads_decode_what_one_does() -> None:
    files = [encoded(photo(), suffix) for suffix in ("png", "tif", "webp", "jpg")] * 4
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode, files))
    assert all((picture == decode(data)).all() for picture, data in zip(together, files, strict=True))


@pytest.mark.skipif(os.name != "posix", reason="the shell of POSIX closes it")
def test_a_closed_standard_error() -> None:
    script = """
from fercli.images import decode
from tests.corpus import encoded, photo
print(decode(encoded(photo(), "png")).shape)
"""
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout == "(256, 256, 3)\n"
