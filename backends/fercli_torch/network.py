"""Builds the network that a bundle's model.json describes, in PyTorch.

This package's whole job is torch, so it imports torch at module level; nothing in `fercli` does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from fercli.errors import UnavailableError
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

INPUT_SIZE = 48


@dataclass(frozen=True, slots=True)
class ArticleArchitecture:
    """The article's net: 5x5 convolutions, each pooled 3x3 with stride 2, then dense layers.

    Batch normalisation follows every convolution and hidden dense layer, which therefore carry no bias.
    `dropout` is the share of a hidden dense layer's outputs that is dropped while training.
    """

    convolutions: tuple[int, ...] = (64, 64, 128)
    kernel: int = 5
    dense: tuple[int, ...] = (512, 512)
    dropout: float = 0.6

    def __post_init__(self) -> None:
        """Refuses what no network can be built from.

        Raises:
            ValueError: a width is no positive whole number, or an entry is out of its range.
        """
        for width in (*self.convolutions, *self.dense):
            if type(width) is not int or width < 1:
                raise ValueError(f"a layer's width is {width!r}, not a positive whole number")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"the kernel is {self.kernel}, not an odd number")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"the dropout is {self.dropout}, not 0 or more, below 1")

    def description(self) -> dict[str, Any]:
        """The `architecture` entry of model.json."""
        return {
            "name": "article",
            "convolutions": list(self.convolutions),
            "kernel": self.kernel,
            "dense": list(self.dense),
            "dropout": self.dropout,
        }

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> ArticleArchitecture:
        """The architecture of a model.json.

        Raises:
            UnavailableError: the description names another architecture or lacks an entry.
        """
        name = description.get("name")
        if name != "article":
            raise UnavailableError(
                f"This version knows no architecture {name!r}.", "Update fercli, or choose another one."
            )
        missing = [field.name for field in fields(ArticleArchitecture) if field.name not in description]
        if missing:
            raise UnavailableError(f"The description of the architecture lacks {', '.join(missing)}.")
        try:
            return ArticleArchitecture(
                tuple(description["convolutions"]),
                int(description["kernel"]),
                tuple(description["dense"]),
                float(description["dropout"]),
            )
        except (TypeError, ValueError) as error:
            raise UnavailableError(f"The architecture is described wrongly: {error}.") from error


class Standardise(nn.Module):
    """Shifts and scales each picture to mean 0 and variance 1, as TensorFlow's per_image_standardization.

    The floor of the deviation keeps a flat picture's noise from being blown up.
    """

    floor = 1.0 / INPUT_SIZE

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Float32 (N, 1, 48, 48) in 0..1 to the same shape, standardised."""
        centred = pictures - pictures.mean(dim=(1, 2, 3), keepdim=True)
        deviation = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return centred / deviation.clamp(min=self.floor)


class ArticleNetwork(nn.Module):
    """The article's convolutional network: float32 (N, 1, 48, 48) grey in 0..1 to logits (N, 7)."""

    def __init__(self, architecture: ArticleArchitecture) -> None:
        super().__init__()
        self.standardise = Standardise()
        self.convolutions = nn.Sequential()
        channels, side = 1, INPUT_SIZE
        for number, width in enumerate(architecture.convolutions):
            self.convolutions.add_module(str(number), _convolution(channels, width, architecture.kernel))
            channels, side = width, (side + 1) // 2
        self.dense = nn.Sequential()
        features = channels * side * side
        for number, width in enumerate(architecture.dense):
            self.dense.add_module(str(number), _dense(features, width, architecture.dropout))
            features = width
        self.classifier = nn.Linear(features, len(EXPRESSIONS))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 7) in the order of EXPRESSIONS."""
        maps = self.convolutions(self.standardise(pictures))
        logits: torch.Tensor = self.classifier(self.dense(maps.flatten(1)))
        return logits


def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    layers = nn.Sequential()
    layers.add_module("convolution", nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))
    layers.add_module("normalisation", nn.BatchNorm2d(outputs))
    layers.add_module("activation", nn.ReLU(inplace=True))
    layers.add_module("pooling", nn.MaxPool2d(3, stride=2, padding=1))
    return layers


def _dense(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    layers = nn.Sequential()
    layers.add_module("dense", nn.Linear(inputs, outputs, bias=False))
    layers.add_module("normalisation", nn.BatchNorm1d(outputs))
    layers.add_module("activation", nn.ReLU(inplace=True))
    layers.add_module("dropout", nn.Dropout(dropout))
    return layers


def build_network(description: Mapping[str, Any]) -> nn.Module:
    """The network of model.json's `architecture` entry, with fresh weights.

    Raises:
        UnavailableError: the architecture is unknown or described wrongly.
    """
    return ArticleNetwork(ArticleArchitecture.from_description(description))
