"""Builds the network that a bundle's model.json describes, as a Keras functional model.

This package's whole job is TensorFlow, so it imports Keras at module level; nothing in `fercli` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from fercli.architecture import (
    DEVIATION_FLOOR,
    LRN_ALPHA,
    LRN_BETA,
    LRN_SIZE,
    NORMALISATION_EPSILON,
    SIDE,
    ArticleArchitecture,
    Normalisation,
)
from fercli.records import EXPRESSIONS
from fercli.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fercli.architecture import Architecture, ResidualArchitecture
    from fercli.bundle import Bundle

_LOWEST = float(np.finfo(np.float32).min)
"""What a pooled map is padded with; minus infinity cannot be written into a .keras file."""


def load_network(bundle: Bundle) -> Any:
    """The bundle's network with its weights: float32 (N, 1, 48, 48) grey in 0..1 to logits (N, 7).

    Raises:
        ModelError: the weights are not what they should be.
    """
    weights = read_weights(bundle)
    model = _build(bundle.architecture)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_layer_weights(layer, weights, bundle.architecture))
    return model


def _build(architecture: Architecture) -> Any:
    pictures = keras.Input((1, SIDE, SIDE), name="pictures")
    # With one channel, channels first and channels last differ only in shape.
    maps = _standardise(layers.Reshape((SIDE, SIDE, 1))(pictures))
    if isinstance(architecture, ArticleArchitecture):
        features = _article(maps, architecture)
    else:
        features = _residual(maps, architecture)
    return keras.Model(pictures, layers.Dense(len(EXPRESSIONS), name="classifier")(features))


def _article(maps: Any, architecture: ArticleArchitecture) -> Any:
    batch = Normalisation.BATCH
    for number, width in enumerate(architecture.convolutions):
        name = f"convolutions.{number}"
        maps = layers.Conv2D(
            width, architecture.kernel, padding="same", use_bias=architecture.convolutions_biased,
            name=f"{name}.convolution",
        )(maps)  # fmt: skip
        maps = _normalise(maps, name) if architecture.normalisation == batch else maps
        maps = layers.ReLU(negative_slope=architecture.leak)(maps)
        # Keras's own padding would begin the windows of an even side one pixel later than torch's.
        maps = ops.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=_LOWEST)
        maps = layers.MaxPooling2D(3, strides=2)(maps)
        if architecture.normalisation == Normalisation.LOCAL_RESPONSE:
            maps = _respond_locally(maps)
    features = layers.Flatten()(maps)
    for number, width in enumerate(architecture.dense):
        name = f"dense.{number}"
        features = layers.Dense(width, use_bias=architecture.dense_biased, name=f"{name}.dense")(features)
        features = _normalise(features, name) if architecture.dense_normalisation == batch else features
        features = layers.ReLU(negative_slope=architecture.leak)(features)
    return features


def _residual(maps: Any, architecture: ResidualArchitecture) -> Any:
    maps = layers.ReLU()(_convolution(maps, architecture.stem, 3, 1, "stem"))
    for name, _, outputs, stride in architecture.blocks():
        shortcut = maps
        if stride > 1:
            shortcut = layers.AveragePooling2D(stride)(maps)
            shortcut = _convolution(shortcut, outputs, 1, 1, f"{name}.shortcut")
        maps = layers.ReLU()(_convolution(maps, outputs, 3, stride, f"{name}.first"))
        maps = layers.ReLU()(_convolution(maps, outputs, 3, 1, f"{name}.second") + shortcut)
    return layers.GlobalAveragePooling2D()(maps)


def _convolution(maps: Any, width: int, kernel: int, stride: int, name: str) -> Any:
    """A convolution and its normalisation, padded as torch does it, whatever the stride."""
    maps = layers.ZeroPadding2D(kernel // 2)(maps)
    convolution = layers.Conv2D(width, kernel, strides=stride, use_bias=False, name=f"{name}.convolution")
    return _normalise(convolution(maps), name)


def _respond_locally(maps: Any) -> Any:
    """Local response normalisation: the sums over neighbouring channels are a mean over a line of them."""
    squares = ops.expand_dims(ops.square(maps), -1)
    squares = ops.pad(squares, ((0, 0), (0, 0), (0, 0), (LRN_SIZE // 2, LRN_SIZE // 2), (0, 0)))
    sums = ops.average_pool(squares, (1, 1, LRN_SIZE), 1, "valid", "channels_last")[..., 0] * LRN_SIZE
    return maps / ops.power(1 + LRN_ALPHA * sums, LRN_BETA)


def _standardise(pictures: Any) -> Any:
    """Each picture, (N, 48, 48, 1), with mean 0 and variance 1, as the torch network does it."""
    centred = pictures - ops.mean(pictures, axis=(1, 2, 3), keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True))
    return centred / ops.maximum(deviation, DEVIATION_FLOOR)


def _normalise(features: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=NORMALISATION_EPSILON, name=f"{name}.normalisation")(features)


def _layer_weights(
    layer: Any, weights: Mapping[str, NDArray[np.float32]], architecture: Architecture
) -> list[NDArray[np.float32]]:
    """A layer's tensors in Keras's order and layout: channels last, inputs before outputs."""
    if isinstance(layer, layers.BatchNormalization):
        names = ("weight", "bias", "running_mean", "running_var")
        return [weights[f"{layer.name}.{name}"] for name in names]
    kernel = weights[f"{layer.name}.weight"]
    bias = [weights[f"{layer.name}.bias"]] if layer.use_bias else []
    if isinstance(layer, layers.Conv2D):
        return [kernel.transpose(2, 3, 1, 0), *bias]
    if isinstance(architecture, ArticleArchitecture) and layer.name == _first_dense(architecture):
        # torch flattens channels first, Keras channels last.
        channels, side = architecture.last_maps
        maps = kernel.reshape(len(kernel), channels, side, side)
        kernel = maps.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
    return [kernel.T, *bias]


def _first_dense(architecture: ArticleArchitecture) -> str:
    return "dense.0.dense" if architecture.dense else "classifier"
