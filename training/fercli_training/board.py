"""What TensorBoard shows of a run: metrics, weights, activations, the graph, inputs and confusions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from fercli.architecture import SIDE
from fercli.evaluation.charts import confusion_chart
from fercli.runtimes import import_summary_writer
from fercli_training.layers import watched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = 8
"""How many pictures stand side by side on a sheet."""


class Board:
    """TensorBoard's files in a folder; what an earlier run wrote from `purge_step` on is hidden."""

    def __init__(self, folder: Path, purge_step: int) -> None:
        self._writer: Any = import_summary_writer()(str(folder), purge_step=purge_step)

    def scalars(self, step: int, metrics: Mapping[str, float]) -> None:
        """Numbers by their names."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def histograms(self, step: int, network: nn.Module, pictures: torch.Tensor) -> None:
        """Every weight, and what each convolution and dense layer makes of pictures, (N, 1, 48, 48)."""
        for name, weight in network.named_parameters():
            self._writer.add_histogram(f"weights/{name}", weight.detach().cpu(), step)
        for name, activation in _activations(network, pictures).items():
            self._writer.add_histogram(f"activations/{name}", activation, step)

    def graph(self, network: nn.Module) -> None:
        """The network's layers and their connections."""
        device = next(network.parameters()).device
        training = network.training
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns of itself
            self._writer.add_graph(network.eval(), torch.zeros(1, 1, SIDE, SIDE, device=device))
        network.train(training)

    def augmented(self, step: int, pictures: torch.Tensor) -> None:
        """A sheet of the pictures as the network sees them, (N, 1, 48, 48) in 0..1."""
        rows = -(-len(pictures) // _COLUMNS)
        sheet = torch.ones(rows * _COLUMNS, SIDE, SIDE)
        sheet[: len(pictures)] = pictures[:, 0].cpu()
        sheet = sheet.view(rows, _COLUMNS, SIDE, SIDE).transpose(1, 2)
        self._writer.add_image("augmented", sheet.reshape(1, rows * SIDE, _COLUMNS * SIDE), step)

    def confusion(self, step: int, matrix: NDArray[np.int64]) -> None:
        """The confusion matrix, (7, 7), rows true, columns answered, drawn as shares of each row."""
        chart = confusion_chart(matrix.tolist(), f"PublicTest, epoch {step}")
        self._writer.add_figure("confusion", chart, step)

    def close(self) -> None:
        """Writes what is not written yet."""
        self._writer.close()


def _activations(network: nn.Module, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """The outputs of the convolutions and dense layers in evaluation mode, by the layers' names."""
    layers = {
        name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    outputs: dict[str, torch.Tensor] = {}
    training = network.training
    with watched(layers, outputs.__setitem__), torch.inference_mode():
        network.eval()(pictures)
    network.train(training)
    return {name: output.float().cpu() for name, output in outputs.items()}
