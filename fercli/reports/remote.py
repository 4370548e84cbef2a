"""Reports in stores on other computers. They appear complete or not at all."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from fercli.errors import ReportError, UsageError
from fercli.sources import is_url
from fercli.stores import StoreError, store_errors, store_of, store_scheme
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDY = "Choose another place with --out, or see that it may be written to."


class RemoteOutput:
    """A file in a store. It is uploaded in large parts, which are joined at the end."""

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name

    def write(self, data: bytes) -> None:
        """Takes all of `data`.

        Raises:
            ReportError: a part cannot be written.
        """
        with _blamed_on(self._name):
            self._file.write(data)


def refuse_unwritable(out: str) -> None:
    """Refuses URLs that nothing can be written to; raises a `UsageError`."""
    if is_url(out) and not _is_file_in_store(out) and not out.lower().startswith("file:"):
        raise UsageError(
            f"{quoted(out)} is not a place for a report.", "Name a file, here or as s3://, gs:// or az://."
        )


@contextmanager
def open_remote(out: str) -> Iterator[RemoteOutput]:
    """A file in a store. It gets its name at the end; after a failure, there is no file.

    Raises:
        ReportError: it cannot be written.
        UnavailableError: what reaches the store is not installed.
    """
    with _blamed_on(out):
        file = store_of(out).open(out, "wb")
    try:
        yield RemoteOutput(file, out)
        with _blamed_on(out):
            file.close()
    except BaseException:
        _drop(file)
        raise


def ends_of(out: str, count: int) -> tuple[bytes, bytes] | None:
    """The first and the last `count` bytes of a file in a store; None if there is no such file.

    Raises:
        ReportError: the store cannot be asked.
        UnavailableError: what reaches it is not installed.
    """
    store = store_of(out)
    with _blamed_on(out):
        try:
            size = store.size(out)
        except StoreError as error:
            if error.is_missing:
                return None
            raise
        if not size:
            return b"", b""
        return store.read(out, 0, min(count, size)), store.read(out, max(0, size - count), size)


def _drop(file: Any) -> None:
    """Ends an upload without a file; closing it, which Python does at the latest, would complete it."""
    with suppress(Exception):
        file.discard()
    file.closed = True


def _is_file_in_store(out: str) -> bool:
    _, _, key = out.partition("://")[2].partition("/")
    return store_scheme(out) is not None and bool(key) and not key.endswith("/")


@contextmanager
def _blamed_on(out: str) -> Iterator[None]:
    try:
        with store_errors():
            yield
    except StoreError as error:
        raise ReportError(f"{quoted(out)} cannot be written: {error.sentence}", _REMEDY) from None
