"""One writer at a time: a report, or the folder of a training run, belongs to one run while that lasts.

The system's own locks go with the process that holds them, whatever ends it. Where the system or the file
system has none, a file that says who holds it stands for one.
"""

from __future__ import annotations

import os
import platform
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fercli.errors import ReportError
from fercli.files import cannot_write
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = ".fercli-lock"
_REMEDY = "Choose another place with --out, or make room there."
_ours: set[Path] = set()
"""The locks that this process holds by their files' names."""

_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Keeps other runs from writing a file, which need not exist, or into a folder, which must.

    What is locked is a hidden file beside it or, of a folder, inside it; and the file itself, which may
    have several names. Where nothing can be made beside it, the file itself has to do.

    Raises:
        ReportError: another run has it, or nothing can be written there.
    """
    target = Path(os.path.realpath(path))
    lock = target / _NAME if target.is_dir() else target.with_name(f".{target.name}{_NAME}")
    with ExitStack() as stack:
        alone = sys.platform != "win32" and target.is_file() and _lock_itself(stack, target, path)
        try:
            descriptor = os.open(lock, _OPEN | os.O_CREAT, 0o666)
        except OSError as error:
            if not alone:
                raise cannot_write(quoted(path), error, _REMEDY) from error
        else:
            _lock_beside(stack, descriptor, lock, path)
        yield


def _lock_itself(stack: ExitStack, target: Path, path: str | Path) -> bool:
    """Locks a file that is there; False where that is not possible."""
    try:
        descriptor = os.open(target, _OPEN)
    except OSError:
        return False
    stack.callback(os.close, descriptor)
    taken = _take(descriptor)
    if taken is False:
        raise _busy(path, "")
    return bool(taken)


def _lock_beside(stack: ExitStack, descriptor: int, lock: Path, path: str | Path) -> None:
    taken = _take(descriptor)
    if taken is None:
        _release(descriptor, lock)
        stack.enter_context(_held_by_name(lock, path))
        return
    # The run that held it may have removed the file since it was opened here.
    if not taken or not _is_still(descriptor, lock):
        os.close(descriptor)
        raise _busy(path, _holder(lock))
    stack.callback(_release, descriptor, lock)
    with suppress(OSError):  # a full disk
        os.ftruncate(descriptor, 0)
        os.write(descriptor, _own_name().encode())


def _take(descriptor: int) -> bool | None:
    """Locks an open file: False where another process has it, None where there are no locks."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def _is_still(descriptor: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), lock.stat())
    except OSError:
        return False


def _release(descriptor: int, lock: Path) -> None:
    """Removes the file while it is locked, where the system removes open files, and else after that."""
    if sys.platform == "win32":
        os.close(descriptor)
    with suppress(OSError):
        lock.unlink()
    if sys.platform != "win32":
        os.close(descriptor)


@contextmanager
def _held_by_name(lock: Path, path: str | Path) -> Iterator[None]:
    """A lock that is there as long as its file is; that of a process which has ended counts for nothing."""
    holder = lock.with_name(f"{lock.name}-holder")
    if holder not in _ours and _is_gone(_holder(holder)):
        with suppress(OSError):
            holder.unlink()
    try:
        descriptor = os.open(holder, _OPEN | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        raise _busy(path, _holder(holder), f" If that run is gone, remove {quoted(holder)}.") from None
    except OSError as error:
        raise cannot_write(quoted(path), error, _REMEDY) from error
    _ours.add(holder)
    try:
        with suppress(OSError):
            os.write(descriptor, _own_name().encode())
        yield
    finally:
        _ours.remove(holder)
        os.close(descriptor)
        with suppress(OSError):
            holder.unlink()


def _own_name() -> str:
    return f"process {os.getpid()} on {platform.node()}"


def _holder(lock: Path) -> str:
    """Who holds a lock, as it says itself; empty where it does not."""
    try:
        return lock.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_gone(holder: str) -> bool:
    """Whether it was a process of this machine that has ended; one with this one's number has."""
    word, _, rest = holder.partition(" ")
    number, _, host = rest.partition(" on ")
    if word != "process" or not number.isdecimal() or host != platform.node():
        return False
    if int(number) == os.getpid():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _busy(path: str | Path, holder: str, more: str = "") -> ReportError:
    return ReportError(
        f"{quoted(path)} is being written by another run.",
        f"Wait for {holder or 'that'}, or choose another --out.{more}",
    )
