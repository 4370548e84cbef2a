"""Everything that can go wrong, by kind, each with its exit code and a remedy.

Two families, kept apart on purpose. A `FercliError` ends the run: the command line prints its message
and remedy and leaves with its exit code. A `PhotoError` ends one photo: it becomes that photo's row in
the report, and the run goes on.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class ExitCode(IntEnum):
    """What the shell sees; these numbers are stable (docs/architecture.md)."""

    DONE = 0
    PROGRAM_ERROR = 1
    USAGE = 2
    SOME_UNREADABLE = 3
    NO_PHOTOS = 4
    UNAVAILABLE = 5
    REPORT = 6
    INTERRUPTED = 130


class FercliError(Exception):
    """Ends the run: `message` says what happened and to which file, `remedy` what to do about it."""

    exit_code: ClassVar[ExitCode] = ExitCode.PROGRAM_ERROR

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles it, for another process, by its words and as an error of fercli's own.

        A plugin may derive its errors from this one, and the other process may be unable to make those.
        """
        kind = next(base for base in type(self).__mro__ if base.__module__.partition(".")[0] == "fercli")
        return _remade, (kind, self.message, self.remedy, getattr(self, "__notes__", []))


def _remade(kind: type[FercliError], message: str, remedy: str, notes: list[str]) -> FercliError:
    error = kind(message, remedy)
    for note in notes:
        error.add_note(note)
    return error


class UsageError(FercliError):
    """An option, a recipe or a data file that was given makes no sense."""

    exit_code = ExitCode.USAGE


class NoPhotosError(FercliError):
    """Nothing that was given is, holds or lists a photo."""

    exit_code = ExitCode.NO_PHOTOS


class UnreadablePhotoError(FercliError):
    """The one photo that a command is about cannot be read."""

    exit_code = ExitCode.SOME_UNREADABLE


class UnavailableError(FercliError):
    """A model, backend, detector or device that was asked for is not there or does not work."""

    exit_code = ExitCode.UNAVAILABLE


class DeviceError(UnavailableError):
    """The device that was asked for is not there, or a backend cannot use it."""


class ModelError(UnavailableError):
    """A model's file is not what it should be; it was not run."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(
            message, remedy or "Take the model whole from where you trust it, or make it again."
        )


class ReportError(FercliError):
    """The report, or another output file, cannot be written."""

    exit_code = ExitCode.REPORT


class PhotoErrorKind(StrEnum):
    """The first word of a report's `error` column; these names are stable."""

    MISSING = "missing"
    NOT_A_FILE = "not-a-file"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_AN_IMAGE = "not-an-image"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    INTERNAL = "internal"


class PhotoError(Exception):
    """Ends one photo. `str()` gives the report's form, `KIND: sentence`."""

    def __init__(self, kind: PhotoErrorKind, sentence: str) -> None:
        super().__init__(f"{kind}: {sentence}")
        self.kind = kind
        self.sentence = sentence


class ShortageError(UnavailableError):
    """The machine has run out of something that the run needs: memory, threads, files, room on a disk."""


class MemoryShortageError(ShortageError):
    """There is not enough memory."""


def shortage(error: BaseException) -> ShortageError | None:
    """What the machine lacks, where that is what an error of Python or a library says; else None.

    An error of fercli's own is what it is: the words in it may be the user's.
    """
    if isinstance(error, FercliError):
        return error if isinstance(error, ShortageError) else None
    number = error.errno if isinstance(error, OSError) else None
    if number not in _SHORTAGES:
        words = f"{type(error).__name__}: {_words(error)}"
        number = next(
            (known for known, signs in _SIGNS.items() if any(map(words.__contains__, signs))), None
        )
    if number is None:
        return None
    if number == errno.EAGAIN and _memory_is_limited():
        number = errno.ENOMEM  # of a thread's stack
    return (MemoryShortageError if number == errno.ENOMEM else ShortageError)(*_SHORTAGES[number])


@contextmanager
def shortages_named() -> Iterator[None]:
    """An error that says what the machine lacks is raised as that ShortageError; others pass."""
    try:
        yield
    except Exception as error:
        lacking = shortage(error)
        if lacking is None or lacking is error:
            raise
        raise lacking from error


def _memory_is_limited() -> bool:
    """Whether this process has a limit of its own (ulimit -v)."""
    try:
        import resource  # Windows has none
    except ImportError:
        return False
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


_LESS_AT_ONCE = "do less at once, with fewer --workers or a smaller --batch-size"
_NO_ROOM = ("There is no room left where this program writes.", "Make room on that disk.")
_NO_FILES = (
    "The system does not let this program open more files.",
    f"Raise the limit (ulimit -n), or {_LESS_AT_ONCE}.",
)
_SHORTAGES = {
    errno.ENOMEM: (
        "There is not enough memory.",
        f"Close other programs, raise the limit (ulimit -v, or a container's), or {_LESS_AT_ONCE}.",
    ),
    errno.EAGAIN: (
        "The system does not let this program start more threads or processes.",
        f"Raise the limit (ulimit -u, or a container's), give it more memory, or {_LESS_AT_ONCE}.",
    ),
    errno.EMFILE: _NO_FILES,
    errno.ENFILE: _NO_FILES,
    errno.ENOSPC: _NO_ROOM,
    getattr(errno, "EDQUOT", errno.ENOSPC): _NO_ROOM,  # Windows lacks it
}
_SIGNS = {
    errno.ENOMEM: (
        "MemoryError",
        "annot allocate memory",  # the system's own words, as libraries pass them on
        "failed to map segment from shared object",  # the loader's, of a library
        "cannot map zero-fill pages",
        "bad_alloc",  # C++'s
        "bad allocation",
        "Insufficient memory",  # OpenCV's
        "Failed to allocate memory",  # ONNX Runtime's
        "not enough memory",  # torch's
        "OOM when allocating",  # TensorFlow's
        "out of memory",  # CUDA's, on the device
    ),
    errno.EAGAIN: ("can't start new thread", "Resource temporarily unavailable", "pthread_create"),
}
"""Parts of the messages of errors that carry no number."""


def in_one_line(error: BaseException) -> str:
    """What an error of foreign code says, short enough for a message or a report's cell; no full stop."""
    kind, words = type(error).__name__, _words(error)
    return f"{kind}: {words.splitlines()[0]}".rstrip(".") if words else kind


def _words(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:  # noqa: BLE001 - another library's error may fail when it is printed
        return ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one was most likely meant to be; None where none is near."""
    import difflib  # at start-up nothing has been mistyped yet

    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean X?` for the known name nearest to a mistyped one; empty where none is near."""
    near = nearest(name, known)
    return f"Did you mean {near}?" if near else ""
