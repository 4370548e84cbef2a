"""Files that reports are written to: growing ones, and ones that appear complete or not at all."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Output:
    """A file whose every write reaches the operating system at once, and whole or not at all."""

    def __init__(self, file: FileIO, name: str) -> None:
        self._file = file
        self._name = name
        self._cuttable = stat.S_ISREG(os.fstat(file.fileno()).st_mode)

    def write(self, data: bytes) -> None:
        """Writes all of `data`; of a file, nothing stays of a write that fails.

        Raises:
            BrokenPipeError: the reader of a pipe has gone.
            ReportError: anything else, a full disk for instance.
        """
        start = self._file.tell() if self._cuttable else 0
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            if self._cuttable:
                self._file.truncate(start)
            raise cannot_write(self._name, error) from error


@contextmanager
def claimed_standard_output() -> Iterator[int]:
    """The descriptor of standard output, for data alone.

    Meanwhile whatever a library or a plugin prints goes to standard error. The descriptor is unbuffered,
    so nothing is left to fail when Python ends after the reader of a pipe has gone.

    Raises:
        ReportError: standard output is closed.
    """
    if sys.stdout is None:
        raise ReportError("Standard output is closed.", "Name a file with --out.")
    sys.stdout.flush()
    data = os.dup(1)
    os.dup2(2, 1)
    try:
        yield data
    finally:
        sys.stdout.flush()  # what was printed meanwhile is still in Python's buffer
        os.dup2(data, 1)
        os.close(data)


@contextmanager
def open_growing(out: str | int, name: str = "") -> Iterator[Output]:
    """A file that is replaced now and grows write by write; a number is an open descriptor.

    `name` is what messages call it, where that is not its own.

    Raises:
        ReportError: it cannot be opened or written.
    """
    name = name or ("standard output" if isinstance(out, int) else out)
    try:
        file = FileIO(out, "wb", closefd=not isinstance(out, int))
    except OSError as error:
        raise cannot_write(name, error) from error
    with file:
        yield Output(file, name)


@contextmanager
def open_appearing(out: str | int) -> Iterator[Output]:
    """A file that takes its name once everything is written; a number is an open descriptor.

    A device or a FIFO cannot be replaced, and is written to as it is.

    Raises:
        ReportError: it cannot be opened, written or renamed.
    """
    if isinstance(out, int) or not replaceable(out):
        with open_growing(out) as file:
            yield file
        return
    target = Path(out).resolve()  # a link goes on leading to its file
    partial = target.with_name(f"{target.name}.partial")
    with open_growing(str(partial), out) as file:
        try:
            yield file
        except BaseException:
            partial.unlink()
            raise
    try:
        partial.replace(target)
    except OSError as error:
        raise cannot_write(out, error) from error


def replaceable(out: str) -> bool:
    """Whether the name is free or an ordinary file's.

    Raises:
        ReportError: what the name leads to cannot be looked at.
    """
    try:
        return stat.S_ISREG(Path(out).stat().st_mode)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise cannot_write(out, error) from error


def cannot_write(name: str, error: OSError) -> ReportError:
    """The error that a report cannot be written, in words."""
    return ReportError(
        f"{name} cannot be written: {error.strerror}.",
        "Choose another place with --out, or make room there.",
    )
