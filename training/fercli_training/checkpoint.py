"""Checkpoints: the complete state of a run, written whole or not at all."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import torch

from fercli.errors import ReportError, UsageError
from fercli.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from fercli.fer2013 import Pictures

FILE = "checkpoint.pt"

_REMEDY = "Make room; the last good checkpoint is kept, and --resume continues from it."


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replaces the folder's checkpoint; a crash or a full disk leaves the last good one.

    Raises:
        ReportError: the checkpoint cannot be written.
    """
    write_whole(folder / FILE, lambda file: torch.save(state, file))


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file that appears whole or not at all.

    Raises:
        ReportError: the file cannot be written.
    """
    try:
        with whole_file(path, _REMEDY) as made, made.open("wb") as file:
            write(file)
    except RuntimeError as error:  # torch raises it for a full disk
        reason = str(error).partition("\n")[0]
        raise ReportError(f"{path} cannot be written: {reason}.", _REMEDY) from error


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """The folder's checkpoint; code in it is never run.

    Raises:
        UsageError: there is none, or it is broken.
    """
    path = folder / FILE
    if not path.is_file():
        raise UsageError(f"{folder} holds no checkpoint to resume from.", "Leave out --resume.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch warns of a pickle and then refuses it
            state: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises nearly anything on foreign bytes
        raise foreign_checkpoint(path) from error
    if not isinstance(state, dict) or "architecture" not in state:
        raise foreign_checkpoint(path)
    return state


def fingerprint(*parts: Pictures) -> str:
    """The sha256 of pictures and labels in their order; a checkpoint keeps it to recognise its data."""
    digest = hashlib.sha256()
    for pictures in parts:
        for array in (pictures.pixels, pictures.labels):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def foreign_checkpoint(path: Path) -> UsageError:
    """The error for a file that is not a complete checkpoint."""
    return UsageError(
        f"{path} is broken, or is not a checkpoint of fercli.", "Leave out --resume to begin anew."
    )
