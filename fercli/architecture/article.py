"""The article's network, with all that it tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from fercli.architecture.common import (
    SIDE,
    normalisation_tensors,
    require_list,
    require_share,
    require_whole,
    to_description,
)
from fercli.records import EXPRESSIONS


class Normalisation(StrEnum):
    """What follows a layer's weights.

    `local_response` (Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks",
    2012) makes of a value v of channel c

        v / (1 + 0.001 / 9 * the sum of squares in channels c - 4 to c + 4) ** 0.75

    after the pooling: the constants of TensorFlow's tutorial on CIFAR-10, and the place in its first layer.
    """

    BATCH = "batch"
    LOCAL_RESPONSE = "local_response"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ArticleArchitecture:
    """The article's net: 5x5 convolutions, each pooled 3x3 with stride 2, then dense layers.

    Each picture is shifted and scaled to mean 0 and variance 1 first.

    Attributes:
        convolutions: the widths of the convolutions.
        kernel: their side.
        dense: the widths of the hidden dense layers.
        dropout: the share of a hidden dense layer's outputs that is dropped while training.
        normalisation: of the convolutions.
        dense_normalisation: of the hidden dense layers; `local_response` is not for them.
        biases: whether layers before a batch normalisation carry a bias too; other layers always do.
        leak: the slope of the activation below 0; 0 is the plain ReLU.
    """

    NAME: ClassVar = "article"
    ANY_SIDE: ClassVar = False
    """Whether the network reads square pictures of other sides too; here the dense layers fix it."""

    REQUIRED: ClassVar = ("convolutions", "kernel", "dense", "dropout")

    convolutions: tuple[int, ...] = (64, 64, 128)
    kernel: int = 5
    dense: tuple[int, ...] = (512, 512)
    dropout: float = 0.6
    normalisation: str = Normalisation.BATCH.value
    dense_normalisation: str = Normalisation.BATCH.value
    biases: bool = False
    leak: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what no network can be built from.

        Raises:
            TypeError: the convolutions or the dense layers are not a list.
            ValueError: a width is not a positive whole number, or an entry is out of its range.
        """
        for name, widths in (("convolutions", self.convolutions), ("dense", self.dense)):
            require_list(widths, name)
            require_whole(widths, f"a width in {name}")
        require_whole([self.kernel], "the kernel")
        if self.kernel % 2 == 0:
            raise ValueError(f"the kernel is {self.kernel}, not an odd number")
        require_share(self.dropout, "dropout")
        require_share(self.leak, "leak")
        if type(self.biases) is not bool:
            raise ValueError(f"biases is {self.biases!r}, not true or false")
        if self.normalisation not in list(Normalisation):
            raise ValueError(f"the normalisation is {self.normalisation!r}, not {', '.join(Normalisation)}")
        if self.dense_normalisation not in {Normalisation.BATCH, Normalisation.NONE}:
            raise ValueError(f"the dense normalisation is {self.dense_normalisation!r}, not batch or none")

    @property
    def convolutions_biased(self) -> bool:
        """Whether convolutions carry a bias."""
        return self.biases or self.normalisation != Normalisation.BATCH

    @property
    def dense_biased(self) -> bool:
        """Whether hidden dense layers carry a bias."""
        return self.biases or self.dense_normalisation != Normalisation.BATCH

    @property
    def last_maps(self) -> tuple[int, int]:
        """Channels and side of the last convolution's pooled maps."""
        side = SIDE
        for _ in self.convolutions:
            side = (side + 1) // 2
        return (self.convolutions or (1,))[-1], side

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor of the weights, in torch's layout."""
        shapes: dict[str, tuple[int, ...]] = {}
        channels = 1
        for number, width in enumerate(self.convolutions):
            layer = f"convolutions.{number}"
            shapes[f"{layer}.convolution.weight"] = (width, channels, self.kernel, self.kernel)
            if self.convolutions_biased:
                shapes[f"{layer}.convolution.bias"] = (width,)
            if self.normalisation == Normalisation.BATCH:
                shapes |= normalisation_tensors(layer, width)
            channels = width
        channels, side = self.last_maps
        features = channels * side * side
        for number, width in enumerate(self.dense):
            layer = f"dense.{number}"
            shapes[f"{layer}.dense.weight"] = (width, features)
            if self.dense_biased:
                shapes[f"{layer}.dense.bias"] = (width,)
            if self.dense_normalisation == Normalisation.BATCH:
                shapes |= normalisation_tensors(layer, width)
            features = width
        classes = len(EXPRESSIONS)
        return shapes | {"classifier.weight": (classes, features), "classifier.bias": (classes,)}

    def description(self) -> dict[str, Any]:
        """The `architecture` entry of model.json."""
        return to_description(self)
