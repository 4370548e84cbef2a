"""How a network reads a face: the maps of its layers, and where it looks (HiResCAM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from fercli.architecture import SIDE, ArticleArchitecture
from fercli_torch.network import load_network
from fercli_training.layers import watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fercli.architecture import Architecture
    from fercli.bundle import Bundle

_FINEST = 6
"""HiResCAM takes the last maps with at least so many pixels a side: smaller ones show a blot."""


@dataclass(frozen=True, slots=True)
class Maps:
    """A layer's output for a face, float32 (channels, height, width), and its title."""

    title: str
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a network came to its answer.

    Attributes:
        face: the input, float32 (48, 48), grey in 0..1.
        probabilities: float32 (7,).
        layers: the maps of every layer, in order.
        attention: HiResCAM, float32 (48, 48) in 0..1.
        expression: 0..6, which expression HiResCAM is for.
    """

    face: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    layers: list[Maps]
    attention: NDArray[np.float32]
    expression: int


def explain(bundle: Bundle, face: NDArray[np.float32], expression: int | None = None) -> Explanation:
    """Runs the bundle's network on a face, float32 (48, 48), and keeps the output of every layer.

    Args:
        bundle: the model.
        face: grey in 0..1, as `fercli.crop` makes it.
        expression: which one HiResCAM is for; None for the answered one.

    Raises:
        ModelError: the bundle is broken.
    """
    network = load_network(bundle)
    shown = _shown_layers(bundle.architecture)
    layers = {name: network.get_submodule(name) for name in shown}
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str, output: torch.Tensor) -> torch.Tensor:
        outputs[name] = output.clone()
        return outputs[name]

    with watched(layers, keep):
        logits = network(torch.from_numpy(face)[None, None])[0]
    chosen = int(logits.argmax()) if expression is None else expression
    fine = [maps for maps in outputs.values() if maps.shape[-1] >= _FINEST]
    return Explanation(
        face,
        logits.softmax(0).detach().numpy(),
        [Maps(title, outputs[name][0].detach().numpy()) for name, title in shown.items()],
        _hires_cam(logits[chosen], fine[-1]),
        chosen,
    )


def convolution_weights(bundle: Bundle) -> dict[str, NDArray[np.float32]]:
    """The weights, (outputs, inputs, height, width), of every convolution that is larger than a pixel."""
    return {
        name.removesuffix(".weight"): weights.detach().numpy()
        for name, weights in load_network(bundle).named_parameters()
        if weights.ndim == len("OIHW") and weights.shape[-1] > 1
    }


def _shown_layers(architecture: Architecture) -> dict[str, str]:
    """The titles of the layers whose maps are shown, by their modules' names."""
    if isinstance(architecture, ArticleArchitecture):
        return {
            f"convolutions.{number}.{part}": f"{what} {number + 1}"
            for number in range(len(architecture.convolutions))
            for part, what in (("activation", "convolution"), ("pooling", "pooling"))
        }
    blocks = {name: f"block {name.removeprefix('stages.')}" for name, *_ in architecture.blocks()}
    return {"stem": "stem"} | blocks


def _hires_cam(logit: torch.Tensor, maps: torch.Tensor) -> NDArray[np.float32]:
    """Where maps (1, C, H, W) raise a logit: Draelos and Carin, "Use HiResCAM instead of Grad-CAM", 2020.

    Grad-CAM takes the mean of the gradient over all places first. What raises the logit in one place and
    lowers it in another is then lost, and of some faces nothing is left.
    """
    (gradient,) = torch.autograd.grad(logit, maps)
    raising = (gradient * maps).sum(1).clamp(min=0)[0].detach().numpy()
    enlarged = cv2.resize(raising, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(min=0)
    attention: NDArray[np.float32] = enlarged / max(float(enlarged.max()), np.finfo(np.float32).tiny)
    return attention
