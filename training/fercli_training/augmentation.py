"""Random variants of a batch's pictures, another for every picture and every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from fercli_training.recipe import Training


def augment(pictures: torch.Tensor, recipe: Training, generator: torch.Generator) -> torch.Tensor:
    """Flips, rotates, scales and shifts each picture by a random amount of its own, in one resampling.

    Args:
        pictures: float32 (N, 1, H, W).
        recipe: gives the probability of a flip and the largest rotation, scale and shift.
        generator: where the random numbers come from.

    Returns:
        Float32 of the same shape; what lies outside a picture continues its border.
    """

    def between(limit: float) -> torch.Tensor:
        return (torch.rand(len(pictures), generator=generator) * 2 - 1) * limit

    angle = between(torch.pi * recipe.rotation / 180)
    zoom = torch.exp(between(recipe.scale))
    mirror = torch.where(torch.rand(len(pictures), generator=generator) < recipe.flip, -1.0, 1.0)
    # affine_grid's coordinates run from -1 to 1, so a shift by a share of the side is twice that.
    across, down = between(2 * recipe.shift), between(2 * recipe.shift)
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    matrix = torch.stack([cosine * mirror, -sine, across, sine * mirror, cosine, down], dim=1)
    grid = functional.affine_grid(matrix.view(-1, 2, 3), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
