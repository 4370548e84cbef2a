"""The networks that a model.json can describe, without a framework: each backend builds from these."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fercli.errors import UnavailableError
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDE = 48
"""Pixels on a side of a network's input."""

NORMALISATION_EPSILON = 1e-5
"""What batch normalisation adds to a variance, in every framework."""

DEVIATION_FLOOR = 1.0 / SIDE
"""The least deviation that a picture is divided by, so that a flat one's noise is not blown up."""


@dataclass(frozen=True, slots=True)
class ArticleArchitecture:
    """The article's net: 5x5 convolutions, each pooled 3x3 with stride 2, then dense layers.

    Each picture is shifted and scaled to mean 0 and variance 1 first. Batch normalisation follows every
    convolution and hidden dense layer, which therefore carry no bias. `dropout` is the share of a hidden
    dense layer's outputs that is dropped while training.
    """

    convolutions: tuple[int, ...] = (64, 64, 128)
    kernel: int = 5
    dense: tuple[int, ...] = (512, 512)
    dropout: float = 0.6

    def __post_init__(self) -> None:
        """Refuses what no network can be built from.

        Raises:
            ValueError: a width is no positive whole number, or an entry is out of its range.
        """
        for width in (*self.convolutions, *self.dense):
            if type(width) is not int or width < 1:
                raise ValueError(f"a layer's width is {width!r}, not a positive whole number")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"the kernel is {self.kernel}, not an odd number")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"the dropout is {self.dropout}, not 0 or more, below 1")

    @property
    def last_maps(self) -> tuple[int, int]:
        """Channels and side of the last convolution's pooled maps."""
        side = SIDE
        for _ in self.convolutions:
            side = (side + 1) // 2
        return (self.convolutions or (1,))[-1], side

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor of weights.safetensors, in torch's layout."""
        shapes: dict[str, tuple[int, ...]] = {}
        channels = 1
        for number, width in enumerate(self.convolutions):
            layer = f"convolutions.{number}"
            shapes[f"{layer}.convolution.weight"] = (width, channels, self.kernel, self.kernel)
            shapes |= _normalisation(layer, width)
            channels = width
        channels, side = self.last_maps
        features = channels * side * side
        for number, width in enumerate(self.dense):
            shapes[f"dense.{number}.dense.weight"] = (width, features)
            shapes |= _normalisation(f"dense.{number}", width)
            features = width
        classes = len(EXPRESSIONS)
        return shapes | {"classifier.weight": (classes, features), "classifier.bias": (classes,)}

    def description(self) -> dict[str, Any]:
        """The `architecture` entry of model.json."""
        return {
            "name": "article",
            "convolutions": list(self.convolutions),
            "kernel": self.kernel,
            "dense": list(self.dense),
            "dropout": self.dropout,
        }

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> ArticleArchitecture:
        """The architecture of a model.json.

        Raises:
            UnavailableError: the description names another architecture or lacks an entry.
        """
        name = description.get("name")
        if name != "article":
            raise UnavailableError(
                f"This version knows no architecture {name!r}.", "Update fercli, or choose another one."
            )
        missing = [field.name for field in fields(ArticleArchitecture) if field.name not in description]
        if missing:
            raise UnavailableError(f"The description of the architecture lacks {', '.join(missing)}.")
        try:
            return ArticleArchitecture(
                tuple(description["convolutions"]),
                int(description["kernel"]),
                tuple(description["dense"]),
                float(description["dropout"]),
            )
        except (TypeError, ValueError) as error:
            raise UnavailableError(f"The architecture is described wrongly: {error}.") from error


def _normalisation(layer: str, width: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{layer}.normalisation.{name}": (width,) for name in names}
