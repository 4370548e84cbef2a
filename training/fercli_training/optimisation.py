"""The optimiser, the learning rate over the run, and the moving averages of the weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

if TYPE_CHECKING:
    from fercli_training.recipe import Training


def make_optimiser(network: nn.Module, recipe: Training) -> torch.optim.Optimizer:
    """Adam or SGD with Nesterov momentum over `weight_groups`."""
    groups = weight_groups(network, recipe)
    if recipe.optimiser == "adam":
        return torch.optim.Adam(groups, lr=recipe.learning_rate)
    return torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=recipe.momentum > 0)


def weight_groups(network: nn.Module, recipe: Training) -> list[dict[str, Any]]:
    """Groups of dense layers' weights, convolutions' weights, and biases and normalisation without L2."""
    dense, convolutions, rest = [], [], []
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_weight = name == "weight"
            if is_weight and isinstance(module, nn.Linear):
                dense.append(parameter)
            elif is_weight and isinstance(module, nn.Conv2d):
                convolutions.append(parameter)
            else:
                rest.append(parameter)
    return [
        {"params": dense, "weight_decay": recipe.weight_decay + recipe.dense_l2},
        {"params": convolutions, "weight_decay": recipe.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def learning_rate(recipe: Training, done: float) -> float:
    """The learning rate after `done` epochs, which may end in a fraction."""
    if recipe.schedule == "exponential":
        rate = recipe.learning_rate * recipe.learning_rate_decay ** int(done)
        return max(rate, recipe.learning_rate_floor)
    share = (done * recipe.cycles / recipe.epochs) % 1
    if share < recipe.warmup:
        return recipe.learning_rate * share / recipe.warmup
    turn = math.pi * (share - recipe.warmup) / (1 - recipe.warmup)
    return recipe.learning_rate * (1 + math.cos(turn)) / 2


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving averages of weights and statistics; like TensorFlow's, they start fast."""

    def update(averages: Any, values: Any, updates: torch.Tensor | int) -> None:
        count = int(updates)
        average = get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))  # type: ignore[no-untyped-call] # torch's stub
        average(averages, values, updates)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
