"""Calls of a plugin's code: what goes wrong in them is an error that names the plugin."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakSet

from fercli.errors import FercliError, PhotoError, UnavailableError, in_one_line, shortage
from fercli.interruption import is_interruption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

_Loaded = TypeVar("_Loaded")


def guarded(plugin: str, load: Callable[[], _Loaded]) -> _Loaded:
    """What `load` gives, so that whatever goes wrong then or in a later call of it names the plugin.

    Args:
        plugin: what messages call it, as in `backend onnx`.
        load: makes an object of the plugin's, whose methods may be called, or itself.

    Raises:
        UnavailableError: as of `attributed_to`.
    """
    with attributed_to(plugin):
        return cast("_Loaded", _Guarded(plugin, load()))


class _Guarded:
    """An object in whose place this one is called."""

    def __init__(self, plugin: str, loaded: Any) -> None:
        self._guard = attributed_to(plugin)
        self._loaded = loaded
        _all.add(self)

    def __call__(self, *arguments: Any) -> Any:
        return self._guard(self._loaded)(*arguments)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._loaded, name)
        return self._guard(value) if callable(value) else value


_all: WeakSet[_Guarded] = WeakSet()


def _keep_all() -> None:
    """Keeps what was loaded from being freed in a process that was forked.

    Freeing it would wait for its threads, which are not forked with it.
    """
    import ctypes  # few fork

    for guarded in _all:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(guarded))


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_keep_all)


@contextmanager
def attributed_to(plugin: str) -> Iterator[None]:
    """Whatever a plugin's code raises becomes an error that names the plugin, as in `backend onnx`.

    What it prints meanwhile goes to standard error. An interruption passes, and so does an error that says
    what the machine lacks (`fercli.errors.shortage`).

    Raises:
        ShortageError: the machine lacks what it needs.
        UnavailableError: the code raised something that is not fercli's own, even SystemExit.
    """
    try:
        with PRINTING_TO_STDERR:
            yield
    except (FercliError, PhotoError):
        raise
    except BaseException as error:
        if is_interruption(error):
            raise
        raise shortage(error) or UnavailableError(
            f"The {plugin} fails: {in_one_line(error)}.", "fercli doctor shows what runs here."
        ) from error


class _PrintingToStderr:
    """Standard error in the place of standard output, until the last of all threads has left.

    Two threads that use `contextlib.redirect_stdout` and overlap would leave it there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._stdout: TextIO | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._stdout, sys.stdout = sys.stdout, sys.stderr
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.stdout = cast("TextIO", self._stdout)


PRINTING_TO_STDERR = _PrintingToStderr()
"""While a plugin's code runs: what it prints is not the program's data."""
