"""Checkpoints: the whole state of a run, written whole or not at all."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import torch

from fercli.errors import ReportError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replaces the folder's checkpoint; a crash or a full disk leaves the last good one.

    Raises:
        ReportError: the checkpoint cannot be written.
    """
    partial = folder / f"{FILE}.partial"
    try:
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / FILE)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise ReportError(
            f"The checkpoint in {folder} cannot be written: {error}.",
            "Make room; the last good checkpoint is kept, and --resume goes on from it.",
        ) from error


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """The folder's checkpoint; no code in it is ever run.

    Raises:
        UsageError: there is none, or it is broken.
    """
    path = folder / FILE
    if not path.is_file():
        raise UsageError(f"{folder} holds no checkpoint to resume from.", "Leave out --resume.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise UsageError(f"{path} is not a checkpoint of fercli: {error}.") from error
    return state
