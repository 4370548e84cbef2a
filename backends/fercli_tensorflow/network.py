"""Builds the network that a bundle's model.json describes, as a Keras functional model.

This package's whole job is TensorFlow, so it imports Keras at module level; nothing in `fercli` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from fercli.architecture import DEVIATION_FLOOR, NORMALISATION_EPSILON, SIDE
from fercli.records import EXPRESSIONS
from fercli.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fercli.architecture import ArticleArchitecture
    from fercli.bundle import Bundle

_LOWEST = float(np.finfo(np.float32).min)
"""What a pooled map is padded with; minus infinity cannot be written into a .keras file."""


def load_network(bundle: Bundle) -> Any:
    """The bundle's network with its weights: float32 (N, 1, 48, 48) grey in 0..1 to logits (N, 7).

    Raises:
        ModelError: weights.safetensors is not what it should be.
    """
    weights = read_weights(bundle)
    model = _build(bundle.architecture)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_layer_weights(layer, weights, bundle.architecture))
    return model


def _build(architecture: ArticleArchitecture) -> Any:
    pictures = keras.Input((1, SIDE, SIDE), name="pictures")
    # With one channel, its place is a matter of shape alone.
    maps = _standardise(layers.Reshape((SIDE, SIDE, 1))(pictures))
    for number, width in enumerate(architecture.convolutions):
        name = f"convolutions.{number}"
        maps = layers.Conv2D(
            width, architecture.kernel, padding="same", use_bias=False, name=f"{name}.convolution"
        )(maps)
        maps = layers.ReLU()(_normalise(maps, name))
        # Keras's own padding would begin the windows of an even side one pixel later than torch's.
        maps = ops.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=_LOWEST)
        maps = layers.MaxPooling2D(3, strides=2)(maps)
    features = layers.Flatten()(maps)
    for number, width in enumerate(architecture.dense):
        name = f"dense.{number}"
        features = layers.Dense(width, use_bias=False, name=f"{name}.dense")(features)
        features = layers.ReLU()(_normalise(features, name))
    return keras.Model(pictures, layers.Dense(len(EXPRESSIONS), name="classifier")(features))


def _standardise(pictures: Any) -> Any:
    """Each picture, (N, 48, 48, 1), with mean 0 and variance 1, as the torch network does it."""
    centred = pictures - ops.mean(pictures, axis=(1, 2, 3), keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True))
    return centred / ops.maximum(deviation, DEVIATION_FLOOR)


def _normalise(features: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=NORMALISATION_EPSILON, name=f"{name}.normalisation")(features)


def _layer_weights(
    layer: Any, weights: Mapping[str, NDArray[np.float32]], architecture: ArticleArchitecture
) -> list[NDArray[np.float32]]:
    """A layer's tensors in Keras's order and layout: channels last, inputs before outputs."""
    if isinstance(layer, layers.BatchNormalization):
        names = ("weight", "bias", "running_mean", "running_var")
        return [weights[f"{layer.name}.{name}"] for name in names]
    kernel = weights[f"{layer.name}.weight"]
    if isinstance(layer, layers.Conv2D):
        return [kernel.transpose(2, 3, 1, 0)]
    channels, side = architecture.last_maps
    if layer.name == _first_dense(architecture):
        # torch flattens channels first, Keras channels last.
        maps = kernel.reshape(len(kernel), channels, side, side)
        kernel = maps.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
    return [kernel.T, weights[f"{layer.name}.bias"]] if layer.use_bias else [kernel.T]


def _first_dense(architecture: ArticleArchitecture) -> str:
    return "dense.0.dense" if architecture.dense else "classifier"
