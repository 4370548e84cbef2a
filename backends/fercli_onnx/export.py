"""A bundle's ONNX files as exports: copies, their checksums made sure of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from fercli.bundle import ONNX, ONNX_INT8
from fercli.errors import UsageError
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

    from fercli.bundle import Bundle
    from fercli.export_formats import Network


class Onnx:
    """The bundle's model.onnx."""

    def write(self, bundle: Bundle, path: Path) -> None:
        """Copies the file."""
        shutil.copyfile(bundle.verified(ONNX), path)

    def load(self, path: Path) -> Network:
        """A session of ONNX Runtime."""
        session = import_onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda faces: session.run(None, {name: faces})[0]


class OnnxInt8(Onnx):
    """The bundle's model.int8.onnx."""

    def write(self, bundle: Bundle, path: Path) -> None:
        """Copies the file.

        Raises:
            UsageError: the bundle has none.
        """
        if ONNX_INT8 not in bundle.files:
            raise UsageError(
                f"The model {bundle.name} in {bundle.folder} has no {ONNX_INT8}.",
                "Give --data fer2013.csv, by which one can be made.",
            )
        shutil.copyfile(bundle.verified(ONNX_INT8), path)
