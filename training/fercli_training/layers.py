"""What happens inside a network while it runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import torch
    from torch import nn


@contextmanager
def watched(
    layers: Mapping[str, nn.Module], watch: Callable[[str, torch.Tensor], torch.Tensor | None]
) -> Iterator[None]:
    """While inside, `watch` gets the name and the output of each layer that runs.

    Args:
        layers: by name.
        watch: what it returns takes the place of the output; None leaves that as it is.
    """
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output, name=name: watch(name, output))
        for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
