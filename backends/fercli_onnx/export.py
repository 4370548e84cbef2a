"""A bundle's ONNX files as exports: copies, their checksums made sure of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from fercli.bundle import ONNX, ONNX_INT8
from fercli.errors import UsageError
from fercli.plugins import Availability, Format
from fercli.runtimes import import_onnxruntime
from fercli_onnx import OnnxBackend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_NAMES = (b"pictures", b"logits")
"""The names of the network's input and output."""


class OnnxExporter:
    """The bundle's model.onnx."""

    name = "onnx"
    format = Format(".onnx", _NAMES, sources=("torch", "tensorflow", "onnx"))

    def is_available(self) -> Availability:
        """Whether ONNX Runtime is installed and usable."""
        return OnnxBackend().is_available()

    def write(self, bundle: Bundle, path: Path) -> None:
        """Copies the file."""
        shutil.copyfile(bundle.verified(ONNX), path)

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """A session of ONNX Runtime."""
        session = import_onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda faces: session.run(None, {name: faces})[0]


class OnnxInt8Exporter(OnnxExporter):
    """The bundle's model.int8.onnx."""

    name = "onnx-int8"
    format = Format(".onnx", _NAMES, precision="int8", sources=("onnx",))

    def write(self, bundle: Bundle, path: Path) -> None:
        """Copies the file.

        Raises:
            UsageError: the bundle has none.
        """
        if ONNX_INT8 not in bundle.files:
            raise UsageError(
                f"The model {bundle.name} in {bundle.folder} has no {ONNX_INT8}.",
                "Give --data fer2013.csv to make one.",
            )
        shutil.copyfile(bundle.verified(ONNX_INT8), path)
