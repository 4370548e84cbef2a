"""The journal of a run for people to read: metrics.jsonl, and TensorBoard's files."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from fercli.evaluation.metrics import confusion_matrix
from fercli.files import blamed_on_place, whole_file
from fercli_training.board import Board

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from fercli_training.learner import Learner

FILE = "metrics.jsonl"

_REMEDY = "Make room, and use --resume."


class Journal:
    """The journal of a run in its folder, of which `epoch` epochs are done."""

    def __init__(self, folder: Path, epoch: int, learner: Learner) -> None:
        self.path = folder / FILE
        self.learner = learner
        # Lines of an earlier run from after this epoch are removed.
        self._keep(epoch)
        self.board = Board(folder / "tensorboard", purge_step=epoch + 1)
        if epoch == 0:
            self.board.graph(learner.network)

    def write(
        self,
        epoch: int,
        computation: Mapping[str, Any],
        metrics: Mapping[str, Any],
        sheet: torch.Tensor,
        labels: NDArray[Any],
        answers: NDArray[Any],
    ) -> None:
        """Writes down the end of an epoch.

        Args:
            epoch: its number, from 1.
            computation: how the epoch was computed, by name.
            metrics: numbers by name.
            sheet: augmented pictures, float32 (N, 1, 48, 48).
            labels: PublicTest's, int64 (M,).
            answers: the answered expressions there, int64 (M,).

        Raises:
            ReportError: metrics.jsonl cannot be written.
        """
        self._append(json.dumps({"epoch": epoch, **computation, **metrics}))
        self.board.scalars(epoch, metrics)
        self.board.histograms(epoch, self.learner.network, sheet)
        self.board.augmented(epoch, sheet)
        self.board.confusion(epoch, confusion_matrix(labels, answers))

    def close(self) -> None:
        """Writes what TensorBoard has not written yet."""
        self.board.close()

    def _keep(self, epoch: int) -> None:
        lines = self.path.read_text("utf-8").splitlines() if self.path.is_file() else []
        kept = [line for line in lines if _epoch(line) <= epoch]
        with whole_file(self.path, _REMEDY) as made:
            made.write_text("".join(f"{line}\n" for line in kept), "utf-8")

    def _append(self, line: str) -> None:
        with blamed_on_place(self.path, _REMEDY), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _epoch(line: str) -> float:
    """The epoch of a line; infinity where the line was not written to its end, as on a full disk."""
    try:
        return float(json.loads(line)["epoch"])
    except (ValueError, TypeError, KeyError):
        return math.inf
