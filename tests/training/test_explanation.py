"""HiResCAM against captum's gradients, and against what hiding places of a face does."""

import cv2
import numpy as np
import pytest
import torch
from captum.attr import LayerGradientXActivation
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


NEUTRAL, SMILING = 0, 1
"""Two sample faces. Of the second, for its answer, Grad-CAM would show nothing."""


@pytest.mark.parametrize("model", LAYERS)
@pytest.mark.parametrize("number", [NEUTRAL, SMILING])
@pytest.mark.parametrize("expression", range(len(EXPRESSIONS)))
def test_attention_is_the_gradient_times_the_maps_in_each_place(
    model: str, number: int, expression: int
) -> None:
    bundle, face = load_bundle(model), sample_faces()[number]
    network = load_network(bundle)
    layer = network.get_submodule(LAYERS[model])
    theirs = LayerGradientXActivation(network, layer).attribute(
        torch.from_numpy(face)[None, None], expression
    )
    maps = theirs[0].sum(0).detach().numpy().clip(min=0)
    enlarged = cv2.resize(maps, (48, 48), interpolation=cv2.INTER_CUBIC).clip(min=0)
    assert enlarged.any()
    expected = enlarged / enlarged.max()
    np.testing.assert_allclose(explain(bundle, face, expression).attention, expected, atol=1e-4)


@pytest.mark.parametrize("model", LAYERS)
def test_what_is_bright_matters_more_to_the_answer_than_what_is_dark(model: str) -> None:
    bundle = load_bundle(model)
    network, fifth = load_network(bundle), 48 * 48 // 5
    answers, hidden = [], []
    for face in sample_faces():
        explanation = explain(bundle, face)
        order = np.argsort(explanation.attention, axis=None)
        answers += [explanation.expression] * 2
        hidden += [_blurred(face, order[-fifth:]), _blurred(face, order[:fifth])]
    with torch.inference_mode():
        probabilities = network(torch.from_numpy(np.array(hidden))[:, None]).softmax(1).numpy()
    bright, dark = probabilities[range(len(answers)), answers].reshape(-1, 2).T
    assert dark.mean() - bright.mean() > 0.1


def _blurred(face: np.ndarray, places: np.ndarray) -> np.ndarray:
    changed = face.copy()
    changed.ravel()[places] = cv2.GaussianBlur(face, (0, 0), 6).ravel()[places]
    return changed


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
