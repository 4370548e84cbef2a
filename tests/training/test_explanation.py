"""Grad-CAM against captum's, which computes it in its own way."""

import cv2
import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from fercli.bundle import load_bundle
from fercli.records import EXPRESSIONS
from fercli.sample_faces import sample_faces
from fercli_torch.network import load_network
from fercli_training.explanation import convolution_weights, explain

LAYERS = {"article": "convolutions.2.pooling", "default": "stages.2.1"}
"""The last ones whose maps are at least six pixels a side."""


TITLES = {
    "article": [f"{what} {number}" for number in (1, 2, 3) for what in ("convolution", "pooling")],
    "default": ["stem", *(f"block {place}" for place in ("0.0", "1.0", "1.1", "2.0", "2.1", "3.0"))],
}


@pytest.mark.parametrize("model", LAYERS)
@pytest.mark.parametrize("expression", range(len(EXPRESSIONS)))
def test_attention_is_captums(model: str, expression: int) -> None:
    bundle, face = load_bundle(model), sample_faces()[0]
    network = load_network(bundle)
    theirs = LayerGradCam(network, network.get_submodule(LAYERS[model])).attribute(
        torch.from_numpy(face)[None, None], expression, relu_attributions=True
    )
    maps = theirs[0, 0].detach().numpy()
    enlarged = cv2.resize(maps, (48, 48), interpolation=cv2.INTER_CUBIC).clip(min=0)
    expected = enlarged / enlarged.max()
    np.testing.assert_allclose(explain(bundle, face, expression).attention, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "count", "shapes"),
    [
        ("article", 6, [(64, 48), (64, 24), (64, 24), (64, 12), (128, 12), (128, 6)]),
        ("default", 7, [(32, 48), (48, 24), (80, 12), (80, 12), (160, 6), (160, 6), (320, 3)]),
    ],
)
def test_every_layers_maps_are_kept_in_order(model: str, count: int, shapes: list[tuple[int, int]]) -> None:
    face = sample_faces()[0]
    answer = explain(load_bundle(model), face)
    assert len(answer.layers) == count
    assert [maps.values.shape for maps in answer.layers] == [(n, side, side) for n, side in shapes]
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert answer.expression == answer.probabilities.argmax()
    assert answer.face is face
    assert [maps.title for maps in answer.layers] == TITLES[model]


def test_the_weights_of_every_convolution_larger_than_a_pixel_are_given() -> None:
    bundle = load_bundle("default")
    given = convolution_weights(bundle)
    expected = {
        name: module.weight.detach().numpy()
        for name, module in load_network(bundle).named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1)
    }
    assert list(given) == list(expected)
    for name, weights in expected.items():
        np.testing.assert_array_equal(given[name], weights)
