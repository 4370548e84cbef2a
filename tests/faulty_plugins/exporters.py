"""Faulty exporters, and a sound one to begin with."""

# ruff: noqa: ARG002 - methods have the parameters of their interface

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fercli.bundle import ONNX
from fercli.plugins import Availability, Format
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fercli.bundle import Bundle


class Copies:
    """A sound exporter: the model's own file, for ONNX Runtime."""

    name = "copies"
    format = Format(".model", (b"pictures",))

    def is_available(self) -> Availability:
        return Availability(True)

    def write(self, bundle: Bundle, path: Path) -> None:
        print("POLLUTION on writing")  # noqa: T201 - what it is for
        path.write_bytes(bundle.verified(ONNX).read_bytes())

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        session = import_onnxruntime().InferenceSession(path)

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            logits: NDArray[np.float32] = session.run(None, {"pictures": faces})[0]
            return logits

        return run


class CopiesIntoAFolder(Copies):
    format = Format("", (b"pictures",), ("network", "words"))

    def write(self, bundle: Bundle, path: Path) -> None:
        super().write(bundle, path / "network")
        (path / "words").write_text("words", "utf-8")

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        return super().load(path / "network")


class WritesNothing(Copies):
    def write(self, bundle: Bundle, path: Path) -> None:
        pass


class RaisesInWrite(Copies):
    def write(self, bundle: Bundle, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise RuntimeError("it would not write")


class LeavesInWrite(Copies):
    def write(self, bundle: Bundle, path: Path) -> None:
        sys.exit(7)


class Misshapen(Copies):
    """Loads a network that gives three logits a face."""

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        network = super().load(path)
        return lambda faces: network(faces)[:, :3]


class NotNumbers(Copies):
    """Loads a network that gives numbers that are none."""

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        network = super().load(path)
        return lambda faces: network(faces) * np.float32(np.nan)


class DescribedInWords(Copies):
    format = "a file"  # type: ignore[assignment]
