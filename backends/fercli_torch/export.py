"""A bundle's network as a TorchScript file, which any program with torch, C++ included, can run."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fercli.architecture import SIDE
from fercli.plugins import Availability, Format
from fercli_torch import TorchBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle


class TorchScriptExporter:
    """The network as traced by torch.jit, with its weights."""

    name = "torchscript"
    format = Format(
        ".pt", (b"constants.pkl", b"fercli_torch"), sources=("onnx", "openvino", "tensorflow", "torch")
    )

    def is_available(self) -> Availability:
        """Whether torch and safetensors are installed; they are not imported for that."""
        return TorchBackend().is_available()

    def write(self, bundle: Bundle, path: Path) -> None:
        """Traces the network, for batches of any size."""
        import torch

        from fercli_torch.network import load_network

        network = load_network(bundle).requires_grad_(False)
        file = io.BytesIO()
        with _without_warnings():
            traced = torch.jit.trace(network, torch.zeros(2, 1, SIDE, SIDE), check_trace=False)  # type: ignore[no-untyped-call] # torch's
            torch.jit.save(traced, file)
        # By Python: where a disk is full, torch's own writer ends the process.
        path.write_bytes(file.getbuffer())

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """The traced network."""
        import torch

        with _without_warnings():
            network = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call] # torch's

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                logits: NDArray[np.float32] = network(torch.from_numpy(faces)).numpy()
            return logits

        return run


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hides the warning that TorchScript is deprecated: the user asked for it.

    It also hides the tracer's warning about torch's own local response normalisation, which checks whether
    there are any pictures. The traced network is tested on other numbers of faces before it is kept.
    """
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined] # torch's
        yield
