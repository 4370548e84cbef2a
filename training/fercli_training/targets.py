"""Targets, the weights of pictures, and losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from fercli_training.recipe import Training

_CLASSES = len(EXPRESSIONS)


def make_targets(labels: torch.Tensor, votes: torch.Tensor | None, recipe: Training) -> torch.Tensor:
    """Soft targets: the labels, smoothed, mixed with the FER+ votes of the pictures that have any.

    Args:
        labels: int64 (N,).
        votes: float32 (N, 7), with a row of zeros for a picture without votes; or None.
        recipe: gives `label_smoothing` and `votes`, the share of the votes.

    Returns:
        Float32 (N, 7), each row adding up to 1.
    """
    targets = functional.one_hot(labels, _CLASSES).float()
    targets = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / _CLASSES
    if votes is None:
        return targets
    share = recipe.votes * votes.sum(1, keepdim=True)
    return targets * (1 - share) + votes * recipe.votes


def picture_weights(labels: torch.Tensor, recipe: Training) -> torch.Tensor:
    """The weight of each picture's loss, float32 (N,), by its label."""
    weights = torch.tensor([recipe.class_weights.get(name, 1.0) for name in EXPRESSIONS])
    return weights[labels]


def mix(
    pictures: torch.Tensor, targets: torch.Tensor, alpha: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixup: blends each picture and target with another one, in random shares (Zhang et al., 2018).

    Args:
        pictures: float32 (N, 1, H, W).
        targets: float32 (N, 7).
        alpha: both parameters of the Beta distribution.
        generator: the source of the random numbers.
    """
    partners = torch.randperm(len(pictures), generator=generator, device=pictures.device)
    shares = _symmetric_beta(len(pictures), alpha, generator).to(pictures.device)
    kept = torch.maximum(shares, 1 - shares)
    mixed = torch.lerp(pictures[partners], pictures, kept.view(-1, 1, 1, 1))
    return mixed, torch.lerp(targets[partners], targets, kept.view(-1, 1))


def _symmetric_beta(count: int, alpha: float, generator: torch.Generator) -> torch.Tensor:
    """Float32 (N,). NumPy draws them, because torch's Beta distribution does not take a generator."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    return torch.from_numpy(np.random.default_rng(int(seed)).beta(alpha, alpha, count).astype(np.float32))


def losses(logits: torch.Tensor, targets: torch.Tensor, kind: str) -> torch.Tensor:
    """Each picture's loss, float32 (N,).

    Args:
        logits: float32 (N, 7).
        targets: float32 (N, 7), each row adding up to 1.
        kind: `cross_entropy`, or `squared_hinge`: every expression's squared margin, weighted with the
            targets' shares (Tang, "Deep Learning using Linear Support Vector Machines", 2013).
    """
    if kind == "squared_hinge":
        belongs, does_not = (1 - logits).clamp(min=0) ** 2, (1 + logits).clamp(min=0) ** 2
        return (targets * belongs + (1 - targets) * does_not).sum(1)
    return -(targets * functional.log_softmax(logits, 1)).sum(1)


def distillation(logits: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Each picture's divergence from the teachers' answer, float32 (N,) (Hinton et al., 2015).

    Args:
        logits: float32 (N, 7), the network's.
        teacher: float32 (N, 7), the teachers' probabilities at the same temperature.
        temperature: the divisor of the logits.
    """
    answers = functional.log_softmax(logits / temperature, 1)
    return functional.kl_div(answers, teacher, reduction="none").sum(1) * temperature**2
