"""From a path or URL as it was given to a photo's bytes."""

# Paths stay as the user wrote them, and may be bytes in disguise; pathlib would rewrite `./photos`.
# ruff: noqa: PTH114, PTH116, PTH119, PTH123

from __future__ import annotations

import os
import platform
import re
import stat
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from fercli.defaults import TIMEOUT
from fercli.errors import PhotoError, PhotoErrorKind
from fercli.redaction import redacted
from fercli.sources.members import member_of
from fercli.sources.patience import Patience, check_size
from fercli.sources.remote import read_remote
from fercli.sources.suffixes import unread_format
from fercli.stores import store_scheme

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# A scheme of one letter is a drive of Windows: C://photos.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|file:/", re.IGNORECASE)
_FILE_URL = re.compile(r"file:(?://([^/]*))?(/.*)", re.IGNORECASE | re.DOTALL)
_DRIVE = re.compile(r"/([A-Za-z])[:|](?=/|$)")
_OWN = re.compile(r"/dev/(?:stdin$|fd/)|/proc/(?:self|thread-self)/")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")

# Where a FIFO takes a file's place between the look and the opening, opening it must not wait.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def is_url(path: str) -> bool:
    """Whether it begins as a URL does."""
    return _URL.match(path) is not None


def local_path(path: str, flavour: ModuleType = os.path) -> str:
    """The path that is meant on this computer.

    `file://` URLs become the path that they name, on Windows with its drive or server, unless they name
    another computer. `~` is the user's home, as in a quoted pattern, where no shell sees it, unless a file
    has such a name. All else stays as it is.

    Args:
        path: as the user gave it.
        flavour: `posixpath` or `ntpath`, whose rules hold.
    """
    if path.startswith("~") and "\0" not in path and not flavour.lexists(path):
        return str(flavour.expanduser(path))
    url = _FILE_URL.fullmatch(path)
    if url is None:
        return path
    host = (url[1] or "").lower()
    name = os.fsdecode(unquote_to_bytes(os.fsencode(url[2])))
    windows = flavour.sep == "\\"
    if host in ("", "localhost", platform.node().lower()):
        return _DRIVE.sub(r"\1:", name, count=1) if windows else name
    return f"//{host}{name}" if windows else path


def is_web_address(path: str) -> bool:
    """Whether it is an `http://` or `https://` URL."""
    return path.lower().startswith(("http://", "https://"))


def is_remote(path: str) -> bool:
    """Whether reading it asks another computer, on which it may wait."""
    member = member_of(path)
    place = member.archive if member else path
    return is_web_address(place) or store_scheme(place) is not None


def is_own(path: str) -> bool:
    """Whether it names what this process has open, as `/dev/stdin` does: no other process can read it."""
    return _OWN.match(path) is not None


def read_photo(path: str, admit: Callable[[int], None] = lambda _: None, timeout: float = TIMEOUT) -> bytes:
    """The bytes of a photo's file; never waits for a FIFO or a device.

    Args:
        path: as `local_path` takes it, or a URL: of a store, of the web, or of an archive's member.
        admit: called with the file's size in bytes before it is read, where that is known; may wait.
        timeout: seconds that a file on another computer may take, without what `admit` takes.

    Raises:
        PhotoError: `missing`, `not-a-file`, `unreadable`, `empty`, `too-large` (above 1 GiB), `timeout`; in
            an archive `truncated` or `damaged`; for a URL of another kind and for a format that is known
            but not read `unsupported`.
        UnavailableError: what reaches a store is not installed.
    """
    located = local_path(path)
    try:
        data = _read(located, admit, Patience(timeout))
    except (FileNotFoundError, NotADirectoryError):
        raise PhotoError(PhotoErrorKind.MISSING, _why_missing(located)) from None
    except PermissionError:
        raise PhotoError(PhotoErrorKind.UNREADABLE, "There is no permission to read it.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PhotoError(PhotoErrorKind.UNREADABLE, f"It cannot be read: {reason}.") from None
    except ValueError:
        raise PhotoError(PhotoErrorKind.UNREADABLE, "No file can have such a name.") from None
    if not data:
        raise PhotoError(PhotoErrorKind.EMPTY, "The file is empty.")
    if (unread := unread_format(_name(located), data)) is not None:
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED, f"{unread} is not read; save the picture as JPEG or PNG."
        )
    return data


def printable_path(path: str) -> str:
    r"""The path as valid UTF-8: each byte that is not becomes `\xNN`; a URL is without its secrets."""
    path = redacted(path) if is_url(path) else path
    shown = _ESCAPED_BYTE.sub(lambda escaped: f"\\x{ord(escaped[0]) - 0xDC00:02x}", path)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def _read(located: str, admit: Callable[[int], None], patience: Patience) -> bytes:
    if (member := member_of(located)) is not None:
        from fercli.sources.archives import read_member

        return read_member(member, admit)
    if is_web_address(located):
        from fercli.sources.web import read_web

        return read_web(located, admit, patience)
    if store_scheme(located) is not None:
        return read_remote(located, admit, patience)
    if is_url(located):
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED, "It is on another computer; download or copy the picture first."
        )
    _check_file(os.stat(located), located)
    with open(os.open(located, _OPEN_FLAGS), "rb") as file:
        status = os.fstat(file.fileno())
        _check_file(status, located)
        admit(status.st_size)
        return file.read()


def _name(located: str) -> str:
    """The name that the photo's file has, with its suffix."""
    if (member := member_of(located)) is not None:
        return member.name
    return os.path.basename(re.split("[?#]", located)[0] if is_web_address(located) else located)


def _check_file(status: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        with os.scandir(path):  # one that cannot be listed is refused for that
            raise PhotoError(PhotoErrorKind.NOT_A_FILE, "It is a folder, not a file.")
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError(PhotoErrorKind.NOT_A_FILE, "It is a pipe, socket or device, not a file.")
    check_size(status.st_size)


def _why_missing(path: str) -> str:
    if os.path.islink(path):
        return "It is a link to a file that is not there."
    return "There is no such file."
