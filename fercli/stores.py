"""Stores on other computers, by URL: S3, Google Cloud Storage and Azure, as fsspec reaches them.

Nothing here is imported, and nothing asked of a network, before a path is such a URL. Each store finds
credentials in its provider's own ways. What libraries say of an error is not passed on, since it may hold
what nobody should read: errors are told by their kind.
"""

from __future__ import annotations

import logging
import random
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from fercli.errors import FercliError, PhotoError, UnavailableError
from fercli.extras import install

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
_LOGGERS = ("asyncio", "aiobotocore", "botocore", "s3fs", "gcsfs", "adlfs", "azure", "google", "fsspec")
_NO_CREDENTIALS = (
    "NoCredentials", "PartialCredentials", "CredentialRetrieval", "TokenRetrieval", "SSOToken",
    "UnauthorizedSSO", "ProfileNotFound", "DefaultCredentials", "RefreshError", "ClientAuthentication",
    "CredentialUnavailable",
)  # fmt: skip
_PART = 8 << 20
"""Bytes of a file that are read or written at once; a store takes 10,000 parts."""

_PAUSES = (0.2, 0.6, 1.8)
"""Seconds between attempts, beside those that a library makes itself."""

_LASTING = (400, 401, 402, 403, 404, 405, 409, 410, 412, 416)


def store_scheme(path: str) -> str | None:
    """The scheme of a store's URL, `s3` of `s3://bucket/key`; None for every other path."""
    scheme, separator, _ = path.partition("://")
    return scheme.lower() if separator and scheme.lower() in _PACKAGES else None


class Store:
    """A store, which may be asked by many threads at once.

    Every method raises a `StoreError` for what goes wrong.
    """

    def __init__(self, files: Any) -> None:
        self._files = files

    def ask(self, method: str, *arguments: object, timeout: float | None = None, **named: object) -> Any:
        """What a method of fsspec's asynchronous file systems answers, within so many seconds."""
        from fsspec.asyn import sync

        asked = getattr(self._files, f"_{method}")
        with store_errors():
            return sync(self._files.loop, asked, *arguments, timeout=timeout, **named)

    def read(self, url: str, start: int, end: int, timeout: float | None = None) -> bytes:
        """Bytes of a file from `start` to before `end`, or to its own end."""
        data: bytes = self.ask("cat_file", self.path(url), start=start, end=end, timeout=timeout)
        return data

    def size(self, url: str, timeout: float | None = None) -> int:
        """How many bytes a file has."""
        return int(self.ask("info", self.path(url), timeout=timeout)["size"])

    def pages(self, url: str) -> Iterator[list[tuple[str, bool]]]:
        """What lies in a folder, by pages: names, and whether each is a folder's; one is held at a time.

        S3 has pages of a thousand, in the order of names. The other stores give all of a folder at once.
        """
        path = self.path(url)
        if store_scheme(url) == "s3":
            yield from self._pages_of_s3(path)
            return
        found = self._insist("ls", path.rstrip("/"), detail=True)
        own = len(path.rstrip("/")) + 1
        entries = ((str(entry["name"]).rstrip("/")[own:], entry["type"] == "directory") for entry in found)
        yield sorted(entry for entry in entries if entry[0])

    def _pages_of_s3(self, path: str) -> Iterator[list[tuple[str, bool]]]:
        bucket: str = self._files.split_path(path)[0]
        prefix = path[len(bucket) + 1 :]  # s3fs would drop a `/` at its end
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        further: dict[str, str] = {}
        while True:
            page = self._insist(
                "call_s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/", **further
            )
            keys = [(item["Key"][len(prefix) :], False) for item in page.get("Contents", ())]
            folders = [(item["Prefix"][len(prefix) : -1], True) for item in page.get("CommonPrefixes", ())]
            # A key that ends in / stands for its folder.
            yield sorted([*(key for key in keys if key[0]), *folders])
            if not page.get("IsTruncated"):
                return
            further = {"ContinuationToken": page["NextContinuationToken"]}

    def _insist(self, method: str, *arguments: object, **named: Any) -> Any:
        """As `ask`, and again after a passing fault, for what is worse to miss than a photo."""
        for pause in _PAUSES:
            try:
                return self.ask(method, *arguments, **named)
            except StoreError as error:
                if error.is_lasting:
                    raise
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
        return self.ask(method, *arguments, **named)

    def path(self, url: str) -> str:
        """The path that fsspec knows a file or folder by."""
        return url.partition("://")[2]

    def open(self, url: str, mode: str) -> Any:
        """A file of fsspec's, for `store_errors`; one that is written appears when it is closed."""
        if mode == "wb" and store_scheme(url) == "s3":  # better known now than at the end of a run
            bucket, key, _ = self._files.split_path(self.path(url))
            begun = self.ask("call_s3", "create_multipart_upload", Bucket=bucket, Key=key)
            self.ask(
                "call_s3", "abort_multipart_upload", Bucket=bucket, Key=key, UploadId=begun["UploadId"]
            )
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
    package = _PACKAGES[scheme]
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
        return Store(fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=True))
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
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        code = _code(error)
        self.is_missing = isinstance(error, FileNotFoundError)
        self.is_late = isinstance(error, TimeoutError)
        nobody = any(sign in type(error).__name__ for sign in _NO_CREDENTIALS)
        refused = isinstance(error, PermissionError | IsADirectoryError | ValueError) or code in _LASTING
        self.is_lasting = self.is_missing or nobody or refused
        if self.is_missing:
            self.sentence = "There is no such file or bucket."
        elif isinstance(error, PermissionError):
            self.sentence = (
                "There is no permission for it; see whether the credentials are those of its owner."
            )
        elif nobody:
            self.sentence = "There are no valid credentials for it; give them in the provider's own way."
        elif self.is_late:
            self.sentence = "The store does not answer in time."
        else:
            self.sentence = f"The store refuses it, or cannot be reached ({code or type(error).__name__})."


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
    cause = error.__cause__ or error
    response = getattr(cause, "response", None)
    found = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    )
    for name in ("code", "status", "status_code"):
        found = found or getattr(cause, name, None)
    text = str(found)
    return int(text) if text.isdecimal() else None
