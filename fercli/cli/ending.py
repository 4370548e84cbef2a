"""How a run ends: whatever was raised, in a sentence on standard error and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import ExitCode, FercliError, UsageError, in_one_line, shortage
from fercli.interruption import Interruption
from fercli.wording import quoted

if TYPE_CHECKING:
    from threading import ExceptHookArgs

DEBUG = "FERCLI_DEBUG"
"""The environment variable that asks for the traceback of whatever ends a run."""

_CLOSED_PIPE = 141
"""What a shell reports of a program that a closed pipe ended: 128 + SIGPIPE."""


def end(error: BaseException) -> int:
    """Says why a run ends, where that is to be said, and gives its exit code."""
    match error:
        case SystemExit():
            return _asked_for(error)
        case Interruption():
            return error.exit_code
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case BrokenPipeError():
            return _CLOSED_PIPE
    known = _known(error)
    _say_why(error)
    return known.exit_code if known is not None else ExitCode.PROGRAM_ERROR


def end_of_thread(ended: ExceptHookArgs) -> None:
    """Says what ended a thread; for `threading.excepthook`."""
    if ended.exc_value is not None:
        _say_why(ended.exc_value)


def flushed(code: int) -> int:
    """The exit code once standard output has all that was printed to it, which may fail only now."""
    if sys.stdout is None:
        return code
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):  # or Python would try again, and say so at length
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or end(error)
    return code


def _asked_for(error: SystemExit) -> int:
    # Typer and rich take a closed pipe for an error of the program.
    if isinstance(error.__context__, BrokenPipeError):
        return _CLOSED_PIPE
    if error.code is None or isinstance(error.code, int):
        return error.code or ExitCode.DONE
    _tell(f"fercli: {error.code}")
    return ExitCode.PROGRAM_ERROR


def _say_why(error: BaseException) -> None:
    if os.environ.get(DEBUG, "0") not in {"", "0"}:
        import traceback

        _tell("".join(traceback.format_exception(error)).rstrip())
    _tell(*_words(error))


def _known(error: BaseException) -> FercliError | None:
    """The error as fercli has it; None for one that nobody foresaw."""
    if isinstance(error, FercliError):
        return error
    if isinstance(error, FileNotFoundError) and error.filename is None and not _has_folder():
        return UsageError("The current folder is not there any more.", "Change to another one first.")
    if isinstance(error, OSError) and isinstance(error.filename, str) and error.errno in _OF_PLACES:
        return UsageError(f"{quoted(error.filename)}: {error.strerror}.", _OF_PLACES[error.errno])
    return shortage(error)


_NO_PERMISSION = "Choose another place, or change its permissions."
_OF_PLACES = {
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: "Choose a place that can be written to.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ELOOP: "Choose another place: its links lead to one another.",
}
"""What the system says of places that somebody has named, whichever command meets them; and what to do."""


def _has_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _words(error: BaseException) -> tuple[str, ...]:
    """The sentence, and what to do."""
    known = _known(error)
    if known is not None:
        return tuple(filter(None, (f"fercli: {known.message}", known.remedy)))
    if isinstance(error, RecursionError):
        return "fercli: Something is nested more deeply than Python can follow (RecursionError).", _WHERE
    if isinstance(error, OSError) and error.strerror:
        where = f"{quoted(str(error.filename))}: " if error.filename is not None else ""
        return f"fercli: {where}{error.strerror}.", _WHERE
    return f"fercli: An error that nobody foresaw: {in_one_line(error)}.", _WHERE


_WHERE = f"Run it with {DEBUG}=1 in the environment to see where that happens, and report it."


def _tell(*lines: str) -> None:
    """As `fercli.cli.messages.say`, by nothing that may be what fails."""
    with suppress(OSError, ValueError):
        for line in lines:
            if sys.stderr is not None:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
