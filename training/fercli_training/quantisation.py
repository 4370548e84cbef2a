"""A model in 8-bit integers: model.int8.onnx, made from model.onnx and faces to calibrate with.

It is quantised statically, in ONNX Runtime's QDQ form: the weights of each channel and the activations of
each layer get a scale, the activations' one from their extremes on the faces. The standardisation of
pictures is only a few sums, and stays in 32 bits.
"""

from __future__ import annotations

from importlib import import_module
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from fercli.crop import to_unit_range
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.fer2013 import Pictures

CALIBRATION = 512
"""How many pictures calibrate a network."""

_OPERATIONS = ["Conv", "Relu", "MaxPool", "Reshape", "Gemm"]
_BATCH = 64
_SEED = 0


def calibration_faces(pictures: Pictures) -> NDArray[np.float32]:
    """The same faces of every expression on every call: float32 (up to 512, 1, 48, 48), grey in 0..1."""
    chosen = np.random.default_rng(_SEED).permutation(len(pictures))[:CALIBRATION]
    return to_unit_range(pictures.pixels[chosen, np.newaxis])


def quantise(model: Path, faces: NDArray[np.float32], out: Path) -> None:
    """Writes the quantised network of an ONNX file, with the same input and output.

    Args:
        model: the network in 32-bit floats, one input.
        faces: for the activations' ranges, float32 (N, 1, 48, 48), grey in 0..1.
        out: the file that is written.
    """
    quantization = _quantization()
    network = _prepared(model)
    quantization.quantize_static(
        network,
        out,
        _reader(network.graph.input[0].name, faces),
        op_types_to_quantize=_OPERATIONS,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        # Weights get 7 bits: with 8, processors without VNNI overflow and answer differently.
        reduce_range=True,
    )


def _quantization() -> Any:
    """ONNX Runtime's package for quantisation."""
    import_onnxruntime()
    return import_module("onnxruntime.quantization")


def _prepared(model: Path) -> Any:
    """The ONNX model with folded normalisations and inferred shapes, without notes on source files."""
    import onnx
    from onnxscript import optimizer

    with TemporaryDirectory() as folder:
        folded, prepared = f"{folder}/folded.onnx", f"{folder}/prepared.onnx"
        onnx.save(optimizer.optimize(onnx.load(model)), folded)
        _quantization().shape_inference.quant_pre_process(folded, prepared, skip_symbolic_shape=True)
        network = onnx.load(prepared)
    for part in (network.graph, *network.graph.node):
        del part.metadata_props[:]
    return network


def _reader(name: str, faces: NDArray[np.float32]) -> Any:
    """The faces for ONNX Runtime's calibration: batch after batch, then None."""

    class Reader(_quantization().CalibrationDataReader):  # type: ignore[misc] # ONNX Runtime carries no types
        def __init__(self) -> None:
            self._batches = iter(range(0, len(faces), _BATCH))

        def get_next(self) -> Mapping[str, NDArray[np.float32]] | None:
            start = next(self._batches, None)
            return None if start is None else {name: faces[start : start + _BATCH]}

    return Reader()
