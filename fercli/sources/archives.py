"""ZIP and tar archives, which are read as they are: nothing is unpacked to a disk."""

# An archive's path stays as the user wrote it, and the archive open for the next photo.
# ruff: noqa: PTH100, PTH116, SIM115

from __future__ import annotations

import errno
import io
import lzma
import os
import tarfile
import threading
import zipfile
import zlib
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from weakref import finalize

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources.members import Member, is_compressed_tar, plain_name
from fercli.sources.patience import check_size
from fercli.stores import StoreError, store_errors, store_of, store_scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMPRESSED = "A compressed tar is not read, since no photo in it can be found alone; decompress it first."
_PACKED = "It is packed in a way that is not read; unpack the archive first."
_OPEN = 4
"""Archives that are kept open, with what they hold, for the next photo."""


def read_member(member: Member, admit: Callable[[int], None]) -> bytes:
    """The bytes of a member.

    Args:
        member: what is read.
        admit: called with its size in bytes before that; may wait.

    Raises:
        PhotoError: `missing`, `not-a-file`, `unreadable`, `truncated`, `damaged`, `too-large` or
            `unsupported`.
        OSError: what the system says of an archive of this computer.
        UnavailableError: what reaches the archive's store is not installed.
    """
    archive = open_archive(member)
    if not member.name:
        if archive.is_cut:
            raise PhotoError(
                PhotoErrorKind.TRUNCATED, "The archive is cut off; what is left of it was read."
            )
        raise PhotoError(PhotoErrorKind.NOT_A_FILE, "It is an archive, not a photo.")
    with _faults():
        size = archive.size(member.name)
        check_size(size)
        admit(size)
        return archive.read(member.name)


@contextmanager
def _faults() -> Iterator[None]:
    """What goes wrong with a member becomes a `PhotoError`; what the system says stays."""
    try:
        yield
    except KeyError:
        kind, sentence = PhotoErrorKind.MISSING, "The archive holds no such file."
    except NotImplementedError:
        kind, sentence = PhotoErrorKind.UNSUPPORTED, _PACKED
    except RuntimeError:  # what zipfile raises for a password
        kind = PhotoErrorKind.UNREADABLE
        sentence = "It is encrypted; unpack the archive with its password first."
    except (EOFError, tarfile.ReadError):
        kind, sentence = PhotoErrorKind.TRUNCATED, "The archive is cut off inside it."
    except StoreError as error:
        kind, sentence = PhotoErrorKind.UNREADABLE, error.sentence
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError):
        kind, sentence = PhotoErrorKind.DAMAGED, _DAMAGED
    except OSError as error:
        if error.errno not in _OF_DAMAGE:
            raise
        kind, sentence = PhotoErrorKind.DAMAGED, _DAMAGED
    else:
        return
    raise PhotoError(kind, sentence)


_DAMAGED = "Its part of the archive is damaged."
_OF_DAMAGE = (None, errno.EINVAL)
"""What bz2 raises has no number; the system has this one for a place that no file can have."""


_File = IO[bytes] | io.RawIOBase


class Archive(Protocol):
    """An open archive, which many threads may read; its members are known by `plain_name`."""

    is_cut: bool
    """Whether its end is missing."""

    def names(self) -> Iterator[str]:
        """The files in it."""
        ...

    def size(self, name: str) -> int:
        """How many bytes a file has; raises a KeyError."""
        ...

    def read(self, name: str) -> bytes:
        """A file's bytes; raises what the standard library raises."""
        ...


class _Open:
    """A file that stays open as long as a thread uses it, even when it is no longer kept for others."""

    def __init__(self, file: _File) -> None:
        # Not by __del__: of a circle of objects (an error holds what it came through), Python may take
        # the file away first, and warn that nobody closed it.
        finalize(self, file.close)


class _Zip(_Open):
    is_cut = False  # its list stands at the end: without that nothing is known

    def __init__(self, file: _File) -> None:
        super().__init__(file)
        self._zip = zipfile.ZipFile(file)
        self._members = {
            name: info
            for info in self._zip.infolist()
            if not info.filename.endswith("/") and (name := plain_name(info.filename))
        }

    def names(self) -> Iterator[str]:
        return iter(self._members)

    def size(self, name: str) -> int:
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        return self._zip.read(self._members[name])  # for many threads at a time


class _Tar(_Open):
    def __init__(self, file: _File) -> None:
        super().__init__(file)
        self._lock = threading.Lock()
        self._tar = tarfile.open(fileobj=file, mode="r:", errors="surrogateescape")
        self._members: dict[str, tarfile.TarInfo] = {}
        self.is_cut = False
        try:
            for info in self._tar:
                if info.isfile() or info.islnk():
                    self._members[plain_name(info.name)] = info
        except tarfile.ReadError:
            self.is_cut = True

    def names(self) -> Iterator[str]:
        return iter(self._members)

    def size(self, name: str) -> int:
        return self._members[name].size

    def read(self, name: str) -> bytes:
        info = self._members[name]
        with self._lock:
            file = self._tar.extractfile(info)
            data = file.read() if file is not None else b""
        if len(data) < info.size:
            raise EOFError
        return data


_ARCHIVES: dict[str, type[_Zip | _Tar]] = {"zip": _Zip, "tar": _Tar}


def open_archive(member: Member) -> Archive:
    """The archive, opened and listed; it stays so while it is the same file.

    Raises:
        PhotoError: `missing`, `unreadable` or `unsupported`.
        OSError: what the system says of an archive of this computer.
        UnavailableError: what reaches its store is not installed.
    """
    scheme, _, archive = member
    remote = store_scheme(archive) is not None
    if "://" in archive and not remote:
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED, "Its archive is on another computer; download or copy that first."
        )
    version = () if remote else _version(archive)
    try:
        with _opening:
            return _kept(scheme, archive if remote else os.path.abspath(archive), version)
    except (tarfile.ReadError, zipfile.BadZipFile, EOFError, ValueError):
        if is_compressed_tar(archive):
            raise PhotoError(PhotoErrorKind.UNSUPPORTED, _COMPRESSED) from None
        words = f"The archive is not a whole {scheme} file."
        raise PhotoError(PhotoErrorKind.UNREADABLE, words) from None
    except NotImplementedError:  # a later version of ZIP, or so it says
        raise PhotoError(PhotoErrorKind.UNSUPPORTED, _PACKED) from None
    except StoreError as error:
        kind = PhotoErrorKind.MISSING if error.is_missing else PhotoErrorKind.UNREADABLE
        raise PhotoError(kind, f"Its archive cannot be read. {error.sentence}") from None


def _version(archive: str) -> tuple[int, ...]:
    """What stays the same as long as an archive of this computer does."""
    try:
        status = os.stat(archive)
    except ValueError:  # what Python says of a NUL in a name
        raise PhotoError(PhotoErrorKind.UNREADABLE, "No file can have such a name.") from None
    return status.st_mtime_ns, status.st_size


_opening = threading.Lock()
"""So that one thread lists an archive, and the others wait for it."""


class _InStore(io.RawIOBase):
    """A file in a store, read as one of this computer, with a `StoreError` for what goes wrong."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._file = store_of(url).open(url, "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def read(self, size: int = -1) -> bytes:
        with store_errors():
            return bytes(self._file.read(size))


@lru_cache(_OPEN)
def _kept(scheme: str, archive: str, _version: tuple[int, ...]) -> Archive:
    remote = store_scheme(archive) is not None
    file: _File = _InStore(archive) if remote else Path(archive).open("rb")
    try:
        return _ARCHIVES[scheme](file)
    except BaseException:
        file.close()
        raise
