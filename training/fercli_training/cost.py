"""What a network costs: its parameters, and the multiply-adds for one face."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fercli.architecture import SIDE


def count_cost(network: nn.Module) -> dict[str, int]:
    """`parameters`, and `multiply_adds` of the convolutions and dense layers for one 48x48 face.

    Args:
        network: in evaluation mode, which takes a single face.
    """
    total = 0

    def count(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            kernel = module.weight[0].numel()
            total += kernel * output[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    with torch.inference_mode():
        network(torch.zeros(1, 1, SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": total,
    }
