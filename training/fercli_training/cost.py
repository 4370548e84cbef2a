"""What a network costs: its parameters, and the multiply-adds for one face."""

from __future__ import annotations

import torch
from torch import nn

from fercli.architecture import SIDE
from fercli_training.layers import watched


def count_cost(network: nn.Module) -> dict[str, int]:
    """`parameters`, and `multiply_adds` of the convolutions and dense layers for one 48x48 face.

    Args:
        network: in evaluation mode, which takes a single face.
    """
    layers = {
        name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    counts: list[int] = []

    def count(name: str, output: torch.Tensor) -> None:
        weight = layers[name].weight
        # A convolution's kernel is laid on every place of its maps, a dense layer's weights on one face.
        counts.append(weight[0].numel() * output[0].numel())

    with watched(layers, count), torch.inference_mode():
        network(torch.zeros(1, 1, SIDE, SIDE))
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": sum(counts),
    }
