"""Output that appears whole or not at all, and takes nothing's place."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from fercli.errors import ReportError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def refuse_existing(path: Path) -> None:
    """Raises a `UsageError` where writing would lose something: only an empty folder may be there."""
    empty_folder = path.is_dir() and not path.is_symlink() and not any(path.iterdir())
    if (path.exists() or path.is_symlink()) and not empty_folder:
        raise UsageError(f"{path} exists already.", "Remove it first, or choose another name.")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A partial name beside the path, for a file that gets the path's name once it is whole.

    Raises:
        ReportError: it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):  # there is none where its folder could not be made
            partial.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """As `whole_file`, for a folder, made anew: what a killed run left of it goes."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if path.exists():
            path.rmdir()
        partial.rename(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"{path} cannot be written: {error.strerror or error}.", "Choose another place, or make room."
    )
