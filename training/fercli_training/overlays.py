"""Lines of text over pictures, like the captions and watermarks of pictures from the web."""

from __future__ import annotations

import string
from functools import cache

import cv2
import numpy as np
import torch

from fercli.architecture import SIDE

_LINES = 64
"""How many lines of text there are to choose from."""

_SEED = 0


def lay_over(
    pictures: torch.Tensor, probability: float, opacity: float, generator: torch.Generator
) -> torch.Tensor:
    """Lays a line of white or black text at a random height over randomly chosen pictures.

    Args:
        pictures: float32 (N, 1, 48, 48), grey in 0..1, on the generator's device.
        probability: that a picture gets a line.
        opacity: the text's, 0 to 1.
        generator: the source of the random numbers.

    Returns:
        Float32 of the same shape.
    """
    count, device = len(pictures), pictures.device

    def random() -> torch.Tensor:
        return torch.rand(count, generator=generator, device=device)

    chosen = (random() * _LINES).long()
    fall = (random() * SIDE).long()
    grey = (random() < 1 / 2).float()
    rows = (torch.arange(SIDE, device=device) - fall[:, None]) % SIDE
    masks = _text().to(device)[chosen[:, None], rows][:, None]
    share = masks * opacity * (random() < probability).float().view(-1, 1, 1, 1)
    return pictures * (1 - share) + grey.view(-1, 1, 1, 1) * share


@cache
def _text() -> torch.Tensor:
    """Masks of a line of random letters at the bottom of a picture: float32 (64, 48, 48) in 0..1."""
    random = np.random.default_rng(_SEED)
    masks = np.zeros((_LINES, SIDE, SIDE), np.uint8)
    for mask in masks:
        words = "".join(random.choice(list(string.ascii_letters + string.digits + ".@ "), 12))
        size = random.uniform(0.25, 0.45)
        cv2.putText(mask, words, (0, SIDE - 3), cv2.FONT_HERSHEY_SIMPLEX, size, 255, lineType=cv2.LINE_AA)
    return torch.from_numpy(masks / np.float32(255))
