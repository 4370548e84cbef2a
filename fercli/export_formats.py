"""What a model can be exported to: each format's name, and how it is made, loaded and checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

    Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Exporter(Protocol):
    """Writes and reads a format by its own runtime."""

    def write(self, bundle: Bundle, path: Path) -> None:
        """Writes a model's network: float32 (N, 1, 48, 48) grey in 0..1 to logits, float32 (N, 7)."""
        ...

    def load(self, path: Path) -> Network:
        """Reads what was written, as any program would, onto the CPU."""
        ...


class ExportFormat(StrEnum):
    """The formats, by their names on the command line."""

    ONNX = "onnx"
    ONNX_INT8 = "onnx-int8"
    KERAS = "keras"
    SAVEDMODEL = "savedmodel"
    TORCHSCRIPT = "torchscript"


@dataclass(frozen=True, slots=True)
class Making:
    """How a format is made and checked.

    Attributes:
        ending: of the file's name; empty where it is a folder.
        marks: what is in every such file that fercli wrote; of a folder, in its saved_model.pb.
        backend: the one whose runtime is needed.
        exporter: where the Exporter is defined, `MODULE:CLASS`.
        sources: the backends that may run the model to compare with; those first that share the least
            with what is written, the last one is there wherever the format can be made.
    """

    ending: str
    marks: tuple[bytes, ...]
    backend: str
    exporter: str
    sources: tuple[str, ...]


_FILE = ("onnx", "openvino")  # they run model.onnx
_WEIGHTS = ("torch", "tensorflow")  # they build the network from weights.safetensors
_TORCH, _TENSORFLOW = _WEIGHTS
_NAMES = (b"pictures", b"logits")
"""Of the network's input and output, as exports have them."""


FORMATS = {
    ExportFormat.ONNX: Making(".onnx", _NAMES, "onnx", "fercli_onnx.export:Onnx", (*_WEIGHTS, "onnx")),
    ExportFormat.ONNX_INT8: Making(".onnx", _NAMES, "onnx-int8", "fercli_onnx.export:OnnxInt8", ("onnx",)),
    ExportFormat.KERAS: Making(
        ".keras",
        (b"model.weights.h5", b"pictures"),
        _TENSORFLOW,
        "fercli_tensorflow.export:Keras",
        (*_FILE, _TORCH, _TENSORFLOW),
    ),
    ExportFormat.SAVEDMODEL: Making(
        "", _NAMES, _TENSORFLOW, "fercli_tensorflow.export:SavedModel", (*_FILE, _TORCH, _TENSORFLOW)
    ),
    ExportFormat.TORCHSCRIPT: Making(
        ".pt",
        (b"constants.pkl", b"fercli_torch"),
        _TORCH,
        "fercli_torch.export:TorchScript",
        (*_FILE, _TENSORFLOW, _TORCH),
    ),
}
