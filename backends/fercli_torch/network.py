"""Builds the network that a bundle's model.json describes, in PyTorch.

This package's whole job is torch, so it imports torch at module level; nothing in `fercli` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from fercli.architecture import (
    DEVIATION_FLOOR,
    LRN_ALPHA,
    LRN_BETA,
    LRN_SIZE,
    NORMALISATION_EPSILON,
    ArticleArchitecture,
    Normalisation,
)
from fercli.records import EXPRESSIONS
from fercli.weights import read_weights

if TYPE_CHECKING:
    from fercli.architecture import Architecture, ResidualArchitecture
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
            self.convolutions.add_module(str(number), _pooled_convolution(channels, width, architecture))
            channels = width
        self.dense = nn.Sequential()
        channels, side = architecture.last_maps
        features = channels * side * side
        for number, width in enumerate(architecture.dense):
            self.dense.add_module(str(number), _dense(features, width, architecture))
            features = width
        self.classifier = nn.Linear(features, len(EXPRESSIONS))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 7) in the order of EXPRESSIONS."""
        maps = self.convolutions(self.standardise(pictures))
        logits: torch.Tensor = self.classifier(self.dense(maps.flatten(1)))
        return logits


class ResidualNetwork(nn.Module):
    """The residual network: float32 (N, 1, 48, 48) grey in 0..1 to logits (N, 7)."""

    def __init__(self, architecture: ResidualArchitecture) -> None:
        super().__init__()
        self.standardise = Standardise()
        self.stem = _convolution(1, architecture.stem, 3)
        self.stem.add_module("activation", nn.ReLU(inplace=True))
        self.stages = nn.Sequential(*(nn.Sequential() for _ in architecture.stages))
        features = architecture.stem
        for name, inputs, features, stride in architecture.blocks():
            stage, _, number = name.removeprefix("stages.").partition(".")
            self.get_submodule(f"stages.{stage}").add_module(number, Block(inputs, features, stride))
        self.dropout = nn.Dropout(architecture.dropout)
        self.classifier = nn.Linear(features, len(EXPRESSIONS))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 7) in the order of EXPRESSIONS."""
        maps = self.stages(self.stem(self.standardise(pictures)))
        logits: torch.Tensor = self.classifier(self.dropout(maps.mean(dim=(2, 3))))
        return logits


class Block(nn.Module):
    """A residual block; the last scale begins at 0, so that a fresh network begins without it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, 3, stride)
        self.first.add_module("activation", nn.ReLU(inplace=True))
        self.second = _convolution(outputs, outputs, 3)
        nn.init.zeros_(self.second.get_parameter("normalisation.weight"))
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.add_module("pooling", nn.AvgPool2d(stride))
            for name, layer in _convolution(inputs, outputs, 1).named_children():
                self.shortcut.add_module(name, layer)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Float32 (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        return functional.relu(self.second(self.first(maps)) + self.shortcut(maps))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    layers = nn.Sequential()
    layers.add_module("convolution", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))
    layers.add_module("normalisation", nn.BatchNorm2d(outputs, NORMALISATION_EPSILON))
    return layers


def _pooled_convolution(inputs: int, outputs: int, architecture: ArticleArchitecture) -> nn.Sequential:
    kernel, biased = architecture.kernel, architecture.convolutions_biased
    layers = nn.Sequential()
    layers.add_module("convolution", nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=biased))
    if architecture.normalisation == Normalisation.BATCH:
        layers.add_module("normalisation", nn.BatchNorm2d(outputs, NORMALISATION_EPSILON))
    layers.add_module("activation", _activation(architecture.leak))
    layers.add_module("pooling", nn.MaxPool2d(3, stride=2, padding=1))
    if architecture.normalisation == Normalisation.LOCAL_RESPONSE:
        # torch divides alpha by the size.
        layers.add_module("local_response", nn.LocalResponseNorm(LRN_SIZE, LRN_ALPHA * LRN_SIZE, LRN_BETA))
    return layers


def _dense(inputs: int, outputs: int, architecture: ArticleArchitecture) -> nn.Sequential:
    layers = nn.Sequential()
    layers.add_module("dense", nn.Linear(inputs, outputs, bias=architecture.dense_biased))
    if architecture.dense_normalisation == Normalisation.BATCH:
        layers.add_module("normalisation", nn.BatchNorm1d(outputs, NORMALISATION_EPSILON))
    layers.add_module("activation", _activation(architecture.leak))
    layers.add_module("dropout", nn.Dropout(architecture.dropout))
    return layers


def _activation(leak: float) -> nn.Module:
    return nn.LeakyReLU(leak, inplace=True) if leak else nn.ReLU(inplace=True)


def build_network(architecture: Architecture) -> nn.Module:
    """The network of an architecture, with fresh weights."""
    if isinstance(architecture, ArticleArchitecture):
        return ArticleNetwork(architecture)
    return ResidualNetwork(architecture)


def load_network(bundle: Bundle) -> nn.Module:
    """The bundle's network with its weights, in evaluation mode.

    Raises:
        ModelError: the weights are not what they should be.
    """
    weights = {name: torch.from_numpy(tensor) for name, tensor in read_weights(bundle).items()}
    network = build_network(bundle.architecture)
    # Bundles lack the count of batches, which only training needs. read_weights has checked the rest.
    network.load_state_dict(weights, strict=False)
    return network.eval()
