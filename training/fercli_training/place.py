"""The folder of a run: begun in only where nothing is lost by it, gone on with only where a run stands."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from fercli.bundle import DESCRIPTION
from fercli.errors import UsageError
from fercli.files import make_folder
from fercli.locking import locked
from fercli.replacing import refuse_inside
from fercli.wording import quoted
from fercli_training.checkpoint import FILE
from fercli_training.processes import is_further

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MODEL = "model"
"""The folder, in a run's, of the model that it made."""

_BOARD = "tensorboard"
"""What a run that has no checkpoint yet leaves, and a new one adds to."""


def refuse_place(folder: Path, resume: bool, inputs: Sequence[tuple[str, Path]]) -> None:
    """Refuses a folder in which a run would replace what is not its own, or lie among other things.

    Hidden files and empty ones, a log for instance that has just been opened, are nobody's loss, and the
    recipe or the data may lie there.

    Args:
        folder: the run's, which need not exist.
        resume: whether a run that stands there goes on.
        inputs: what is read, each after what it is; folders, files, or names that are neither.

    Raises:
        UsageError: it holds a run, and `resume` was not asked for; it holds something else; or it lies in
            what is read.
    """
    for kind, path in inputs:
        refuse_inside(folder / FILE, kind, path)
    if not folder.is_dir():
        return
    model = folder / MODEL
    if model.is_dir() and any(model.iterdir()) and not (model / DESCRIPTION).is_file():
        raise UsageError(
            f"{quoted(model)} is there and is no model.", "Remove it first, or choose another --out."
        )
    if resume:
        return
    if (folder / FILE).exists() or any(folder.glob(f"*/{FILE}")):
        raise UsageError(
            f"{quoted(folder)} holds a run already.", "Go on with it by --resume, or choose another --out."
        )
    read = [path.resolve() for _, path in inputs]
    held = [path.name for path in sorted(folder.iterdir()) if _counts(path) and path.resolve() not in read]
    if held:
        raise UsageError(
            f"{quoted(folder)} holds other things: {held[0]}{' and more' if len(held) > 1 else ''}.",
            "Choose another --out, for a folder of the run's own.",
        )


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Makes the folder, keeps other runs out of it meanwhile, and removes it if it stays empty.

    Raises:
        ReportError: it cannot be made, or another run writes into it.
    """
    if is_further():  # the run's first process has the folder
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
    empty = path.is_file() and not path.stat().st_size
    return not (path.name.startswith(".") or path.name == _BOARD or empty)
