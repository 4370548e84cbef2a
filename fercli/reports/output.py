"""The files of reports: some grow, others appear complete or not at all."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from fercli import files
from fercli.errors import ReportError
from fercli.reports.remote import RemoteOutput, open_remote
from fercli.stores import store_scheme
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDY = "Choose another place with --out, or make room there."


class Output:
    """A file. Each write reaches the operating system at once, completely or not at all."""

    def __init__(self, file: FileIO, name: str) -> None:
        self._file = file
        self._name = name
        self._cuttable = stat.S_ISREG(os.fstat(file.fileno()).st_mode)

    def write(self, data: bytes) -> None:
        """Writes all of `data`. If that fails, the part that was written is removed from a regular file.

        Raises:
            BrokenPipeError: the reader of a pipe has gone.
            ReportError: anything else, a full disk for instance.
        """
        written = 0
        try:
            while written < len(data):
                written += self._file.write(memoryview(data)[written:])
        except BrokenPipeError:
            raise
        except OSError as error:
            if written and self._cuttable:
                self._cut(written)
            raise cannot_write(self._name, error) from error

    def _cut(self, count: int) -> None:
        """Removes the last bytes that were written, unless another program has appended to the file."""
        with suppress(OSError):
            end = self._file.tell()
            if end == os.fstat(self._file.fileno()).st_size:
                self._file.truncate(self._file.seek(end - count))


@contextmanager
def claimed_standard_output() -> Iterator[int]:
    """The descriptor of standard output, only for data.

    What libraries and plugins print meanwhile goes to standard error. The descriptor is unbuffered. So if
    the reader of a pipe has gone, there is nothing left to write, and to fail, when Python ends.

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
        sys.stdout.flush()  # Python's buffer still has what was printed meanwhile
        os.dup2(data, 1)
        os.close(data)


@contextmanager
def open_growing(out: str | int, name: str = "", *, appending: bool = False) -> Iterator[Output]:
    """A file that is emptied or appended to, and grows with each write; a number is an open descriptor.

    `name` is its name in messages, if that differs from its own.

    Raises:
        ReportError: it cannot be opened or written.
    """
    name = "standard output" if isinstance(out, int) else quoted(name or out)
    number = out if isinstance(out, int) else files.descriptor(out)
    try:
        file = FileIO(
            out if number is None else number, "ab" if appending else "wb", closefd=number is None
        )
    except OSError as error:
        raise cannot_write(name, error) from error
    with file:
        yield Output(file, name)


@contextmanager
def open_appearing(out: str | int) -> Iterator[Output | RemoteOutput]:
    """A file that takes its name once everything is written; a number is an open descriptor.

    A device or a FIFO cannot be replaced, and is written to as it is.

    Raises:
        ReportError: it cannot be opened, written or renamed.
    """
    if is_in_store(out):
        with open_remote(str(out)) as remote:
            yield remote
        return
    if isinstance(out, int) or not replaceable(out):
        with open_growing(out) as file:
            yield file
        return
    with files.whole_file(out, _REMEDY) as made, open_growing(str(made), out) as file:
        yield file


def is_in_store(out: str | int) -> bool:
    """Whether it is a store's URL."""
    return isinstance(out, str) and store_scheme(out) is not None


def replaceable(out: str) -> bool:
    """Whether the name is free or that of a regular file on this computer, and not of a descriptor.

    Raises:
        ReportError: the file cannot be looked at.
    """
    if is_in_store(out):
        return False
    try:
        return files.descriptor(out) is None and stat.S_ISREG(Path(out).stat().st_mode)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise cannot_write(quoted(out), error) from error


def cannot_write(name: str, error: OSError) -> ReportError:
    """The error that a report cannot be written, in words."""
    return files.cannot_write(name, error, _REMEDY)
