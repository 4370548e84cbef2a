"""Files and folders that appear whole or not at all; nothing else in fercli writes under a temporary name.

What is written is first in a hidden folder of its own beside its place; then it takes its name in one step.
Where that is not possible (a bind mount, a folder that may not be written to), it is copied into its place
once it is whole. Nothing temporary stays after an end that can be caught.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from fercli.errors import ReportError
from fercli.flushing import flush, flush_names
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

MAKE_ROOM = "Choose another place, or make room there."

_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_LINKS = 40
"""Linux follows as many links."""

_SHOWN = 40
"""Letters of a name that are in its temporary one, which must not become too long."""

_NO_WRITING = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_RENAMING = _NO_WRITING | {errno.EBUSY, errno.EXDEV, errno.ETXTBSY}
"""What the system says of a name that is not to change; the file behind it may be written all the same."""


@contextmanager
def whole_file(path: str | Path, remedy: str = MAKE_ROOM) -> Iterator[Path]:
    """A path to write a file to. The file takes its name at the end; after a failure nothing is left.

    It is flushed to the disk before it takes its name. A link keeps pointing to its file, and the new file
    gets the permissions and the owner of the one it replaces. A device, a FIFO or a
    descriptor gets the bytes.

    Raises:
        ReportError: it cannot be written; the message names `path`.
    """
    with blamed_on_place(path, remedy):
        number = descriptor(path)
        target = Path(os.path.realpath(path))
        status = _status(target) if number is None else os.fstat(number)
        _refuse_unwritable(status)
        renamed = number is None and (status is None or stat.S_ISREG(status.st_mode))
        with _workspace(target, target.parent if renamed else None, status) as workspace:
            made = workspace / f"whole{Path(path).suffix}"
            yield made
            flush(made)
            if number is not None:
                _copy(made, number)
            elif not renamed or not _renamed(made, target, status):
                _copy(made, target)


@contextmanager
def whole_folder(path: Path, remedy: str = MAKE_ROOM, *, replace: bool = False) -> Iterator[Path]:
    """A folder to fill, which takes its name at the end; its parents are made.

    Args:
        path: its name; there is no such folder yet, or an empty one.
        remedy: what the error says to do.
        replace: whether a folder that holds something is replaced.

    Raises:
        ReportError: it cannot be written; the message names `path`.
    """
    with blamed_on_place(path, remedy):
        target = Path(os.path.realpath(path))
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
        # A mount cannot be renamed, nor can anything in a folder that may not be written to.
        inside = target.is_dir() and (target.is_mount() or not os.access(target.parent, os.W_OK))
        with _workspace(target, target if inside else target.parent, None) as workspace:
            made, earlier = workspace / "whole", workspace / "earlier"
            made.mkdir()
            yield made
            if not replace:
                _refuse_full(target, workspace)
            if inside or not _swapped(made, target, earlier):
                _exchange(made, target, earlier)


def make_folder(folder: Path, remedy: str = MAKE_ROOM) -> None:
    """Makes a folder and its parents if they are missing; raises a `ReportError`."""
    with blamed_on_place(folder, remedy):
        folder.mkdir(parents=True, exist_ok=True)


def real_path(path: str | Path) -> Path:
    """Where a path leads once links are followed; `Path.resolve` raises where they lead in a circle."""
    return Path(os.path.realpath(path))


def refuse_unreachable(path: str | Path, remedy: str = MAKE_ROOM) -> None:
    """Refuses a place that cannot be looked at, before any work is done; raises a `ReportError`."""
    with blamed_on_place(path, remedy), suppress(FileNotFoundError):
        Path(path).stat()


def descriptor(path: str | Path) -> int | None:
    """The open descriptor that a name means: `/dev/stdout`, `/dev/fd/3`, or a link to such a name."""
    name = os.path.abspath(path)  # noqa: PTH100 - a link in it must stay
    own = re.compile(rf"(?:/dev/fd|/proc/(?:self|{os.getpid()})/fd)/(\d+)")
    for _ in range(_LINKS):
        folder, last = os.path.split(name)
        name = os.path.join(os.path.realpath(folder), last)  # noqa: PTH118 - the text is what is looked at
        if name in _STREAMS:
            return _STREAMS[name]
        if number := own.fullmatch(name):
            return int(number[1])
        try:
            name = os.path.join(folder, os.readlink(name))  # noqa: PTH115, PTH118 - as above
        except (OSError, ValueError):
            return None
    return None


@contextmanager
def blamed_on_place(path: str | Path, remedy: str = MAKE_ROOM) -> Iterator[None]:
    """What the system refuses becomes a `ReportError` that names the path; a closed pipe stays one."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(quoted(path), error, remedy) from error


def cannot_write(name: str, error: OSError, remedy: str = MAKE_ROOM) -> ReportError:
    """The error that a place cannot be written to; `name` is how the message names it."""
    return ReportError(f"{name} cannot be written: {error.strerror or error}.", remedy)


@contextmanager
def _workspace(target: Path, folder: Path | None, status: os.stat_result | None) -> Iterator[Path]:
    """A new folder inside another, or in the system's temporary folder; gone at the end."""
    prefix, suffix = f".{target.name[:_SHOWN]}.", ".partial"
    try:
        made = mkdtemp(suffix, prefix, folder)
    except OSError as error:
        if status is None or error.errno not in _NO_WRITING:
            raise
        made = mkdtemp(suffix, prefix)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def refuse_protected(path: str | Path, remedy: str = MAKE_ROOM) -> None:
    """Refuses a file that its owner has protected, before any work is done; raises a `ReportError`."""
    with blamed_on_place(path, remedy):
        _refuse_unwritable(_status(Path(os.path.realpath(path))))


def _refuse_unwritable(status: os.stat_result | None) -> None:
    """A folder, and a file that its owner has protected, which a rename would replace all the same."""
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISREG(status.st_mode) and not status.st_mode & 0o222:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _renamed(made: Path, target: Path, status: os.stat_result | None) -> bool:
    """Gives a file its name; False if the system refuses to replace the file that has it."""
    if status is not None:
        _take_over(made, status)
    try:
        made.replace(target)
    except OSError as error:
        if status is None or error.errno not in _NO_RENAMING:
            raise
        return False
    flush_names(target.parent)
    return True


def _take_over(made: Path, status: os.stat_result) -> None:
    """Takes over owner and permissions of the file that is replaced, as far as that is allowed."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(made, status.st_uid, status.st_gid)
    with suppress(OSError):
        made.chmod(stat.S_IMODE(status.st_mode))


def _copy(made: Path, target: Path | int) -> None:
    """Copies a whole file into the one that has the name, or into an open descriptor."""
    ordinary = isinstance(target, Path) and target.is_file()
    mode = "r+b" if ordinary else "wb"
    with made.open("rb") as source, open(target, mode, closefd=isinstance(target, Path)) as file:
        shutil.copyfileobj(source, file)
        if ordinary:
            file.truncate()
            file.flush()
            os.fsync(file.fileno())


def _refuse_full(target: Path, workspace: Path) -> None:
    """Raises if the name was taken, or the folder filled, while the new one was being made."""
    if target.is_dir() and all(child == workspace for child in target.iterdir()):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _swapped(made: Path, target: Path, earlier: Path) -> bool:
    """Gives a folder its name, which another may have had; False if the system refuses."""
    try:
        if target.exists():
            target.rename(earlier)
        made.rename(target)
    except BaseException as error:
        if earlier.exists() and not target.exists():
            earlier.rename(target)
        if isinstance(error, OSError) and error.errno in _NO_RENAMING and target.is_dir():
            return False
        raise
    if earlier.exists():
        with suppress(OSError):
            target.chmod(stat.S_IMODE(earlier.stat().st_mode))
    flush_names(target.parent)
    return True


def _exchange(made: Path, target: Path, earlier: Path) -> None:
    """Moves a folder's contents into one that must stay in place, such as a mount."""
    held = [child for child in target.iterdir() if child != made.parent]
    earlier.mkdir()
    try:
        for child in held:
            shutil.move(child, earlier)
        for child in made.iterdir():
            shutil.move(child, target)
    except BaseException:
        for child in held:
            if (earlier / child.name).exists() and not child.exists():
                shutil.move(earlier / child.name, target)
        raise
    flush_names(target)
