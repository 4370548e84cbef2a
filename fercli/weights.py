"""Reads a model's weights, for frameworks that build its network.

They are in model.onnx: every tensor as it was trained, under torch's name, with the normalisations as nodes
of their own. Models that were made earlier have them in weights.safetensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fercli.bundle import ONNX, WEIGHTS
from fercli.errors import ModelError
from fercli.onnx_file import read_floats
from fercli.wording import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_PICKLES = (b"PK\x03\x04", b"\x80")
"""What files begin with that torch or pickle wrote; reading one can run code."""


def read_weights(bundle: Bundle) -> dict[str, NDArray[np.float32]]:
    """Every tensor by its name, float32, in torch's layout; exactly those of the bundle's architecture.

    Raises:
        ModelError: the file is missing, changed, not of its kind, a pickle, lacks a tensor or has one too
            many, or one has the wrong shape or type, or values that are not finite.
    """
    shapes = bundle.architecture.tensors()
    if WEIGHTS in bundle.files:
        path = bundle.verified(WEIGHTS)
        tensors = _read(path)
    else:
        path = bundle.verified(ONNX)
        # It holds constants of the computation as well.
        tensors = {name: tensor for name, tensor in read_floats(path).items() if name in shapes}
    for name in sorted(shapes.keys() | tensors.keys()):
        _check(path, name, shapes.get(name), tensors.get(name))
    return tensors


def _read(path: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load

    data = path.read_bytes()
    try:
        return load(data)
    except Exception as error:  # safetensors' own, or numpy's on a type that it does not have
        problem = "is not a whole safetensors file"
        if data.startswith(_PICKLES):
            problem = "is a pickle, which could run code and is never read"
        raise ModelError(f"{quoted(path)} {problem}.") from error


def _check(
    path: Path, name: str, shape: tuple[int, ...] | None, tensor: NDArray[np.float32] | None
) -> None:
    if tensor is None:
        problem = f"lacks {name}"
    elif shape is None:
        problem = f"has {name}, which its architecture does not have"
    elif tensor.shape != shape:
        problem = f"has {name} of shape {list(tensor.shape)} instead of {list(shape)}"
    elif tensor.dtype != np.float32:
        problem = f"has {name} of type {tensor.dtype} instead of float32"
    elif not np.isfinite(tensor).all():
        problem = f"has values in {name} that are not finite numbers"
    else:
        return
    raise ModelError(f"{quoted(path)} {problem}.")
