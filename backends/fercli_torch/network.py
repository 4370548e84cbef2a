"""Builds the network that a bundle's model.json describes, in PyTorch.

This package's whole job is torch, so it imports torch at module level; nothing in `fercli` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from fercli.architecture import DEVIATION_FLOOR, NORMALISATION_EPSILON, ArticleArchitecture
from fercli.records import EXPRESSIONS
from fercli.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fercli.bundle import Bundle


class Standardise(nn.Module):
    """Shifts and scales each picture to mean 0 and variance 1 (TensorFlow's per_image_standardization)."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Float32 (N, 1, 48, 48) in 0..1 to the same shape, standardised."""
        centred = pictures - pictures.mean(dim=(1, 2, 3), keepdim=True)
        deviation = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return centred / deviation.clamp(min=DEVIATION_FLOOR)


class ArticleNetwork(nn.Module):
    """The article's convolutional network: float32 (N, 1, 48, 48) grey in 0..1 to logits (N, 7)."""

    def __init__(self, architecture: ArticleArchitecture) -> None:
        super().__init__()
        self.standardise = Standardise()
        self.convolutions = nn.Sequential()
        channels = 1
        for number, width in enumerate(architecture.convolutions):
            self.convolutions.add_module(str(number), _convolution(channels, width, architecture.kernel))
            channels = width
        self.dense = nn.Sequential()
        channels, side = architecture.last_maps
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
    layers.add_module("normalisation", nn.BatchNorm2d(outputs, NORMALISATION_EPSILON))
    layers.add_module("activation", nn.ReLU(inplace=True))
    layers.add_module("pooling", nn.MaxPool2d(3, stride=2, padding=1))
    return layers


def _dense(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    layers = nn.Sequential()
    layers.add_module("dense", nn.Linear(inputs, outputs, bias=False))
    layers.add_module("normalisation", nn.BatchNorm1d(outputs, NORMALISATION_EPSILON))
    layers.add_module("activation", nn.ReLU(inplace=True))
    layers.add_module("dropout", nn.Dropout(dropout))
    return layers


def build_network(description: Mapping[str, Any]) -> nn.Module:
    """The network of model.json's `architecture` entry, with fresh weights.

    Raises:
        UnavailableError: the architecture is unknown or described wrongly.
    """
    return ArticleNetwork(ArticleArchitecture.from_description(description))


def load_network(bundle: Bundle) -> nn.Module:
    """The bundle's network with its weights, in evaluation mode.

    Raises:
        ModelError: weights.safetensors is not what it should be.
    """
    weights = {name: torch.from_numpy(tensor) for name, tensor in read_weights(bundle).items()}
    network = ArticleNetwork(bundle.architecture)
    # The count of batches, which training alone needs, is in no bundle; read_weights checked the rest.
    network.load_state_dict(weights, strict=False)
    return network.eval()
