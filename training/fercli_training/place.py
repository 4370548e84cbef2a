"""The folder of a run. A new run must not replace anything there; only an existing one can be resumed."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from fercli.bundle import DESCRIPTION
from fercli.errors import UsageError
from fercli.files import make_folder, real_path
from fercli.locking import locked
from fercli.replacing import refuse_elsewhere, refuse_inside
from fercli.wording import quoted
from fercli_training.checkpoint import FILE
from fercli_training.processes import is_further

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MODEL = "model"
"""The model's folder in a run's folder."""

_BOARD = "tensorboard"
"""A run leaves this folder even without a checkpoint, and a new run adds to it."""


def refuse_place(folder: Path, resume: bool, inputs: Sequence[tuple[str, Path]]) -> None:
    """Refuses a folder in which a run would replace other files, or lie beside them.

    Hidden and empty files, such as a log that has just been opened, may be there, and so may the recipe and
    the data.

    Args:
        folder: the run's, which need not exist.
        resume: whether a run in it goes on.
        inputs: the paths that are read, each after its kind; names of models and recipes too.

    Raises:
        ReportError: it cannot be looked at.
        UsageError: it is a URL; holds a run without `resume`; holds something else; or lies in an input.
    """
    for kind, path in inputs:
        refuse_inside(folder / FILE, kind, path)
    refuse_elsewhere(folder)
    if not folder.is_dir():
        return
    model = folder / MODEL
    if model.is_dir() and any(model.iterdir()) and not (model / DESCRIPTION).is_file():
        raise UsageError(
            f"{quoted(model)} exists and is not a model.", "Remove it first, or choose another --out."
        )
    if resume:
        return
    if (folder / FILE).exists() or any(folder.glob(f"*/{FILE}")):
        raise UsageError(
            f"{quoted(folder)} holds a run already.", "Continue it with --resume, or choose another --out."
        )
    read = [real_path(path) for _, path in inputs]
    held = [path.name for path in sorted(folder.iterdir()) if _counts(path) and real_path(path) not in read]
    if held:
        raise UsageError(
            f"{quoted(folder)} holds other things: {held[0]}{' and more' if len(held) > 1 else ''}.",
            "Choose another --out: a new or empty folder.",
        )


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Makes the folder, keeps other runs out of it for this time, and removes it if it stays empty.

    Raises:
        ReportError: it cannot be made, or another run writes into it.
    """
    if is_further():  # the run's first process holds the folder
        yield
        return
    make_folder(folder, "Choose another --out.")
    try:
        with locked(folder):
            yield
    finally:
        with suppress(OSError):
            folder.rmdir()


def _counts(path: Path) -> bool:
    """Whether a file or folder would be lost, or in the way."""
    empty = path.is_file() and not path.stat().st_size
    return not (path.name.startswith(".") or path.name == _BOARD or empty)
