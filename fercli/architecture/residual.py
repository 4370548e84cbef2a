"""The residual network, which costs no more than the article's and sees more."""

from __future__ import annotations

from dataclasses import dataclass
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

_KERNEL = 3
_STAGE = ("a width", "a count of blocks")


@dataclass(frozen=True, slots=True)
class ResidualArchitecture:
    """A residual network (He et al., "Deep Residual Learning for Image Recognition", 2016).

    Each picture is shifted and scaled to mean 0 and variance 1. A 3x3 convolution makes the `stem`'s
    maps; then come stages of (width, blocks), each of which halves the side in its first block. A block
    is two 3x3 convolutions beside a shortcut: the maps themselves, or, where side or width change, their
    2x2 means through a 1x1 convolution (He et al., "Bag of Tricks", 2019). Batch normalisation follows
    every convolution, which has no bias. The mean over the last maps feeds the classifier; `dropout` is
    the share of these means that is dropped while training.
    """

    NAME: ClassVar = "residual"
    ANY_SIDE: ClassVar = True
    """Whether the network reads square pictures of other sides too; here the mean takes maps of any."""

    REQUIRED: ClassVar = ("stem", "stages", "dropout")

    stem: int
    stages: tuple[tuple[int, int], ...]
    dropout: float

    def __post_init__(self) -> None:
        """Refuses what no network can be built from.

        Raises:
            TypeError: the stages, or one of them, are not a list.
            ValueError: a stage is not a pair, a width or a count is not a positive whole number, there
                are no stages or too many to halve the side for, or the dropout is out of its range.
        """
        require_whole([self.stem], "the stem's width")
        require_list(self.stages, "stages")
        for stage in self.stages:
            require_list(stage, "a stage")
            if len(stage) != len(_STAGE):
                raise ValueError(f"a stage is {list(stage)}, not {' and '.join(_STAGE)}")
            width, blocks = stage
            require_whole([width], "a stage's width")
            require_whole([blocks], "a stage's count of blocks")
        if not self.stages or SIDE % 2 ** len(self.stages):
            raise ValueError(f"{len(self.stages)} stages cannot halve a side of {SIDE} without a rest")
        require_share(self.dropout, "dropout")

    def blocks(self) -> list[tuple[str, int, int, int]]:
        """Every block in order: its name, the channels that come in and go out, and its stride."""
        blocks, channels = [], self.stem
        for stage, (width, count) in enumerate(self.stages):
            for number in range(count):
                blocks.append((f"stages.{stage}.{number}", channels, width, 1 if number else 2))
                channels = width
        return blocks

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor of the weights, in torch's layout."""
        shapes = _convolution("stem", 1, self.stem, _KERNEL)
        for name, inputs, outputs, stride in self.blocks():
            shapes |= _convolution(f"{name}.first", inputs, outputs, _KERNEL)
            shapes |= _convolution(f"{name}.second", outputs, outputs, _KERNEL)
            if stride > 1:
                shapes |= _convolution(f"{name}.shortcut", inputs, outputs, 1)
        classes, (features, _) = len(EXPRESSIONS), self.stages[-1]
        return shapes | {"classifier.weight": (classes, features), "classifier.bias": (classes,)}

    def description(self) -> dict[str, Any]:
        """The `architecture` entry of model.json."""
        return to_description(self)


def _convolution(layer: str, inputs: int, outputs: int, kernel: int) -> dict[str, tuple[int, ...]]:
    shape = (outputs, inputs, kernel, kernel)
    return {f"{layer}.convolution.weight": shape, **normalisation_tensors(layer, outputs)}
