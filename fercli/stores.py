"""Stores on other computers, by URL: S3, Google Cloud Storage and Azure, as fsspec reaches them.

Nothing here is imported, and nothing asked of a network, before a path is such a URL. Each store finds
credentials in its provider's own ways. What libraries say of an error is not passed on, since it may hold
what nobody should read: errors are told by their kind.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from fercli.attempts import insist
from fercli.errors import FercliError, PhotoError, UnavailableError
from fercli.extras import install
from fercli.providers import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from fercli.providers import Provider

_LOGGERS = ("asyncio", "aiobotocore", "botocore", "s3fs", "gcsfs", "adlfs", "azure", "google", "fsspec")
_NO_CREDENTIALS = (
    "NoCredentials", "PartialCredentials", "CredentialRetrieval", "TokenRetrieval", "SSOToken",
    "UnauthorizedSSO", "ProfileNotFound", "DefaultCredentials", "RefreshError", "ClientAuthentication",
    "CredentialUnavailable", "AzureSigning",
)  # fmt: skip
_PART = 8 << 20
"""Bytes of a file that are read or written at once; a store takes 10,000 parts."""

_UNKNOWN, _FORBIDDEN, _MISSING, _BEYOND = 401, 403, (404, 410), 416
_LASTING = (400, 402, 405, 409, 412, _BEYOND)


def store_scheme(path: str) -> str | None:
    """The scheme of a store's URL, `s3` of `s3://bucket/key`; None for every other path."""
    scheme, separator, _ = path.partition("://")
    return scheme.lower() if separator and scheme.lower() in PROVIDERS else None


class Store:
    """A store, which may be asked by many threads at once.

    Every method raises a `StoreError` for what goes wrong.
    """

    def __init__(self, files: Any, provider: Provider) -> None:
        self._files = files
        self._provider = provider

    def ask(self, method: str, *arguments: object, timeout: float | None = None, **named: object) -> Any:
        """What a method of fsspec's asynchronous file systems answers, within so many seconds."""
        return self._sync(getattr(self._files, f"_{method}"), *arguments, timeout=timeout, **named)

    def read(self, url: str, start: int, end: int, timeout: float | None = None) -> bytes:
        """Bytes of a file from `start` to before `end`, or to its own end."""
        data: bytes = self._sync(self._provider.read, self.path(url), start, end, timeout=timeout)
        return data

    def size(self, url: str, timeout: float | None = None) -> int:
        """How many bytes a file has."""
        size: int = self._sync(self._provider.size, self.path(url), timeout=timeout)
        return size

    def pages(self, url: str) -> Iterator[list[tuple[str, bool]]]:
        """What lies in a folder, by pages: names, and whether each is a folder's; one is held at a time.

        A key that ends in `/` stands for its folder, and is left out.
        """
        bucket, prefix = self._provider.split(self.path(url))
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        further = None
        while True:
            page = self._insist(self._provider.page, bucket, prefix, further)
            keys = [(key[len(prefix) :], False) for key in page.keys if key != prefix]
            yield sorted([*keys, *((key[len(prefix) : -1], True) for key in page.folders)])
            further = page.further
            if further is None:
                return

    def _sync(
        self,
        asked: Callable[..., Awaitable[Any]],
        *arguments: object,
        timeout: float | None = None,
        **named: object,
    ) -> Any:
        """What a coroutine of the store answers."""
        from fsspec.asyn import sync

        with store_errors():
            return sync(self._files.loop, asked, *arguments, timeout=timeout, **named)

    def _insist(self, asked: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        """As `_sync`, and again after a passing fault, for what is worse to miss than a photo."""
        return insist(lambda: self._sync(asked, *arguments), _least_pause)

    def path(self, url: str) -> str:
        """The path that fsspec knows a file or folder by."""
        return url.partition("://")[2]

    def open(self, url: str, mode: str) -> Any:
        """A file of fsspec's, for `store_errors`; one that is written appears when it is closed."""
        if mode == "wb":  # better known now than at the end of a run
            self._sync(self._provider.try_upload, *self._provider.split(self.path(url)))
        with store_errors():
            return self._files.open(self.path(url), mode, block_size=_PART)


def store_of(url: str) -> Store:
    """The store that a URL leads to.

    Raises:
        UnavailableError: what reaches it is not installed, or does not work.
    """
    return _store(store_scheme(url) or "")


@cache
def _store(scheme: str) -> Store:
    package, provider = PROVIDERS[scheme]
    import logging  # takes time, and most commands meet no store

    try:
        import fsspec

        __import__(package)
    except ImportError as error:
        raise UnavailableError(
            f"Paths of {scheme}:// need {package}, which cannot be imported: {error}.",
            install("cloud") if scheme == "s3" else f"{install('cloud')} {package}",
        ) from None
    for name in _LOGGERS:  # or Python would print what they warn of
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        files = fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=True)
        return Store(files, provider(files))
    except Exception as error:  # noqa: BLE001 - each library has errors of its own
        raise UnavailableError(
            f"{package} cannot reach {scheme}:// ({type(error).__name__}).",
            "Give an account in the provider's own way: docs/remote.md has the list.",
        ) from None


class StoreError(OSError):
    """What a store's library has raised, told by its kind.

    Attributes:
        sentence: what it means, without secrets.
        is_missing: whether there is no such thing in the store.
        is_lasting: whether asking again would bring the same.
        is_late: whether the answer took too long.
        is_beyond: whether the bytes that were asked for lie behind the file's end.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        code = _code(error)
        self.is_missing = isinstance(error, FileNotFoundError) or code in _MISSING
        self.is_late = isinstance(error, TimeoutError)
        self.is_beyond = code == _BEYOND
        nobody = code == _UNKNOWN or any(sign in type(error).__name__ for sign in _NO_CREDENTIALS)
        forbidden = isinstance(error, PermissionError) or code == _FORBIDDEN
        refused = isinstance(error, IsADirectoryError | ValueError) or code in _LASTING
        self.is_lasting = self.is_missing or nobody or forbidden or refused
        if self.is_missing:
            self.sentence = "There is no such file or bucket."
        elif nobody:
            self.sentence = "There are no valid credentials for it; give them in the provider's own way."
        elif forbidden:
            self.sentence = (
                "There is no permission for it; see whether the credentials are those of its owner."
            )
        elif self.is_late:
            self.sentence = "The store does not answer in time."
        else:
            self.sentence = f"The store refuses it, or cannot be reached ({code or type(error).__name__})."


def _least_pause(error: Exception) -> float | None:
    return 0.0 if isinstance(error, StoreError) and not error.is_lasting else None


@contextmanager
def store_errors() -> Iterator[None]:
    """What a store's library raises becomes a `StoreError`."""
    try:
        yield
    except (StoreError, FercliError, PhotoError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - each library has errors of its own
        raise StoreError(error) from None


def _code(error: BaseException) -> int | None:
    """The number that the server has answered with, where a library keeps it."""
    if type(error) is OSError and str(error).startswith("Forbidden:"):  # gcsfs keeps no number of it
        return _FORBIDDEN
    cause = error.__cause__ or error
    response = getattr(cause, "response", None)
    found = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    )
    for name in ("code", "status", "status_code"):
        found = found or getattr(cause, name, None)
    text = str(found)
    return int(text) if text.isdecimal() else None
