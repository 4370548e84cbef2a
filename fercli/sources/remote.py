"""Photos in stores on other computers: what lies in their folders, and the bytes of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources.patience import PassingError, Patience, check_size
from fercli.sources.suffixes import is_photo_name
from fercli.sources.walking import Entry
from fercli.stores import Store, StoreError, store_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST = 4 << 20
"""Bytes that are read of a file before its size is known; most photos are whole with them."""


class RemoteTree:
    """The folders of a store: what the names of its files have before a `/`. Its paths are whole URLs."""

    def __init__(self, url: str) -> None:
        """Takes any URL of the store.

        Raises:
            UnavailableError: what reaches the store is not installed.
        """
        self._store = store_of(url)

    def is_folder(self, path: str) -> bool:
        """Whether it is to be listed; a photo's name is not, so that a long list of photos asks nothing."""
        bucket, _, key = self._store.path(path).partition("/")
        if not key or path.endswith("/"):
            return bool(bucket)
        if is_photo_name(path):
            return False
        try:
            return any(self._store.pages(f"{path}/"))
        except StoreError:
            return False

    def exists(self, path: str) -> bool:
        """Whether there is a file of this name."""
        try:
            self._store.size(path)
        except StoreError:
            return False
        return True

    def identity(self, folder: str) -> str:
        """Its URL: a store has no links."""
        return self.unlisted(folder)

    def entries(self, folder: str) -> Iterator[Entry]:
        """What lies in it, in the order of the store's pages, each read when it is wanted."""
        for page in self._store.pages(folder):
            yield from (Entry(name, is_folder) for name, is_folder in page)

    def join(self, folder: str, entry: Entry) -> str:
        """With a `/` between them; a folder ends in one, since it may have an empty name in a store."""
        return f"{self.unlisted(folder)}{entry.name}{'/' if entry.is_folder else ''}"

    def unlisted(self, folder: str) -> str:
        """With a `/` at its end, or it would be a photo's."""
        return folder if folder.endswith("/") else f"{folder}/"

    def shown(self, path: str) -> str:
        """The URL as it is."""
        return path


def read_remote(url: str, admit: Callable[[int], None], patience: Patience) -> bytes:
    """The bytes of a file in a store.

    Raises:
        PhotoError: `missing`, `not-a-file`, `unreadable`, `timeout` or `too-large`.
        UnavailableError: what reaches the store is not installed.
    """
    store = store_of(url)
    if url.endswith("/") or "/" not in store.path(url):
        raise _refused_folder(store, url)
    return patience.insist(_Reading(store, url, admit, patience).attempt)


class _Reading:
    """The attempts to read one file."""

    def __init__(self, store: Store, url: str, admit: Callable[[int], None], patience: Patience) -> None:
        self._store = store
        self._url = url
        self._admit: Callable[[int], None] | None = admit
        self._patience = patience

    def attempt(self) -> bytes:
        """The whole file, in one request if it is small."""
        try:
            first = self._first()
            return first if len(first) < FIRST else first + self._rest()
        except StoreError as error:
            raise _told(error) from None

    def _first(self) -> bytes:
        try:
            return self._store.read(self._url, 0, FIRST, self._patience.left())
        except StoreError as error:
            if error.is_beyond:  # no part of an empty file can be asked for
                return b""
            raise

    def _rest(self) -> bytes:
        size = self._store.size(self._url, self._patience.left())
        check_size(size)
        if self._admit is not None:
            with self._patience.stopped():
                self._admit(size)
            self._admit = None
        if size == FIRST:
            return b""
        rest = self._store.read(self._url, FIRST, size, self._patience.left())
        if FIRST + len(rest) != size:
            raise PassingError("It changes while it is read.")
        return rest


def _told(error: StoreError) -> Exception:
    """The error as a photo has it."""
    if error.is_missing:
        return PhotoError(PhotoErrorKind.MISSING, error.sentence)
    if error.is_lasting:
        return PhotoError(PhotoErrorKind.UNREADABLE, error.sentence)
    return PassingError(
        error.sentence, PhotoErrorKind.TIMEOUT if error.is_late else PhotoErrorKind.UNREADABLE
    )


def _refused_folder(store: Store, url: str) -> PhotoError:
    try:
        any(store.pages(url))
    except StoreError as error:
        kind = PhotoErrorKind.MISSING if error.is_missing else PhotoErrorKind.UNREADABLE
        return PhotoError(kind, f"It cannot be listed: {error.sentence}")
    return PhotoError(PhotoErrorKind.UNREADABLE, "It was not listed to its end.")
