"""Random variants of a batch's pictures, different for every picture and every time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from fercli_training.overlays import lay_over

if TYPE_CHECKING:
    from fercli_training.recipe import Training

_ERASED = (0.02, 0.25)
"""The least and the largest share of a picture that is painted over."""

_ERASED_RATIO = 3.0
"""The largest ratio of a painted rectangle's longer side to the shorter one. Both fit into a picture."""


def augment(pictures: torch.Tensor, recipe: Training, generator: torch.Generator) -> torch.Tensor:
    """Varies each picture by its own random amounts, within the recipe's limits.

    Args:
        pictures: float32 (N, 1, H, W), grey in 0..1, on the generator's device.
        recipe: which changes there are, and their limits.
        generator: the source of the random numbers.

    Returns:
        Float32 of the same shape, in 0..1; outside a picture its border continues.
    """
    pictures = _resample(pictures, recipe, generator)
    if recipe.brightness or recipe.contrast:
        pictures = _relight(pictures, recipe, generator)
    for probability, opacity in ((recipe.text, 1.0), (recipe.watermark, 0.3)):
        if probability:
            pictures = lay_over(pictures, probability, opacity, generator)
    return _erase(pictures, recipe.erasing, generator) if recipe.erasing else pictures


def shrunk(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """Pictures, float32 (N, 1, H, W), averaged down to (N, 1, side, side)."""
    if side == pictures.shape[-1]:
        return pictures
    return functional.interpolate(pictures, (side, side), mode="bilinear", antialias=True)


def _resample(pictures: torch.Tensor, recipe: Training, generator: torch.Generator) -> torch.Tensor:
    """Flips, rotates, scales, crops and shifts, all in one interpolation."""
    angle = _between(pictures, math.pi * recipe.rotation / 180, generator)
    zoom = torch.exp(_between(pictures, recipe.scale, generator)) * recipe.centre_crop
    mirror = torch.where(_chosen(pictures, recipe.flip, generator), -1.0, 1.0)
    # affine_grid's coordinates run from -1 to 1, so a shift by a share of the side is twice that.
    across = _between(pictures, 2 * recipe.shift, generator)
    down = _between(pictures, 2 * recipe.shift, generator)
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    matrix = torch.stack([cosine * mirror, -sine, across, sine * mirror, cosine, down], dim=1)
    grid = functional.affine_grid(matrix.view(-1, 2, 3), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _relight(pictures: torch.Tensor, recipe: Training, generator: torch.Generator) -> torch.Tensor:
    """Changes brightness and contrast. The network standardises pictures, so only the clipping matters."""
    factor = 1 + _between(pictures, recipe.contrast, generator)
    offset = _between(pictures, recipe.brightness, generator)
    return (pictures * factor.view(-1, 1, 1, 1) + offset.view(-1, 1, 1, 1)).clamp(0, 1)


def _erase(pictures: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Random erasing: a rectangle of one random grey (Zhong et al., 2020)."""
    height, width = pictures.shape[-2:]
    low, high = _ERASED
    area = (low + (high - low) * _uniform(pictures, generator)) * height * width
    ratio = torch.exp(_between(pictures, math.log(_ERASED_RATIO), generator))
    rows, columns = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    inside = (
        _span(height, rows, pictures, generator)[:, :, None]
        & _span(width, columns, pictures, generator)[:, None]
    )
    inside &= _chosen(pictures, probability, generator)[:, None, None]
    grey = _uniform(pictures, generator).view(-1, 1, 1, 1)
    return torch.where(inside[:, None], grey, pictures)


def _span(
    side: int, lengths: torch.Tensor, pictures: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Bool (N, side): true over the given lengths, at random places."""
    start = ((side - lengths + 1) * _uniform(pictures, generator)).floor()[:, None]
    places = torch.arange(side, device=pictures.device)
    return (places >= start) & (places < start + lengths[:, None])


def _uniform(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random number in 0..1 for each picture: float32 (N,)."""
    return torch.rand(len(pictures), generator=generator, device=pictures.device)


def _between(pictures: torch.Tensor, limit: float, generator: torch.Generator) -> torch.Tensor:
    """A random number for each picture, between -limit and limit."""
    return (_uniform(pictures, generator) * 2 - 1) * limit


def _chosen(pictures: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Whether each picture is chosen, with a probability: bool (N,)."""
    return _uniform(pictures, generator) < probability
