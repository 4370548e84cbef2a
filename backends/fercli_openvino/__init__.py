"""The backends `openvino` and `openvino-bf16`: a bundle's model.onnx, run with OpenVINO on the CPU."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fercli.bundle import ONNX
from fercli.devices import CPU
from fercli.errors import DeviceError, ModelError, shortage
from fercli.extras import install
from fercli.plugins import Availability
from fercli.runtimes import import_openvino

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_PRECISIONS = {"f32": "float32", "bf16": "bfloat16"}
"""OpenVINO's names of precisions, and everyone else's."""


class OpenVinoBackend:
    """Runs model.onnx in 32-bit floats."""

    name = "openvino"
    precision = "f32"

    def is_available(self) -> Availability:
        """Whether OpenVINO is installed and usable."""
        try:
            import_openvino()
        except (ImportError, OSError) as error:
            return Availability(False, f"openvino cannot be imported ({error})", install("cpu"))
        return Availability(True)

    def load(self, bundle: Bundle, device: str, threads: int) -> OpenVinoClassifier:
        """The bundle's network.

        Raises:
            DeviceError: the device is not a CPU, or the processor does not compute in the precision.
            ModelError: model.onnx is not what it should be.
            ShortageError: there is not enough memory, for instance.
        """
        if device != CPU:
            raise DeviceError(
                f"OpenVINO does not run on {device}.", "Use --backend onnx or torch, or --device cpu."
            )
        path = bundle.verified(ONNX)
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": self.precision,
            # One batch at a time, each with all threads.
            "PERFORMANCE_HINT": "LATENCY",
        }
        try:
            model = _core(os.getpid()).compile_model(path, "CPU", options)
        except RuntimeError as error:
            # The message begins with the place in OpenVINO; the last line says what happened.
            reason = str(error).strip().splitlines()[-1].rstrip(".")
            raise shortage(error) or ModelError(f"{path} cannot be run by OpenVINO: {reason}.") from error
        classifier = OpenVinoClassifier(model)
        precision = classifier.describe()["precision"]
        if precision != _PRECISIONS[self.precision]:
            raise DeviceError(
                f"This processor computes in {precision}, not in {_PRECISIONS[self.precision]}.",
                "Use --backend openvino.",
            )
        return classifier


class OpenVinoBfloat16Backend(OpenVinoBackend):
    """Runs model.onnx in bfloat16: twice as fast where the processor has it, and less exact."""

    name = "openvino-bf16"
    precision = "bf16"

    def is_available(self) -> Availability:
        """Whether OpenVINO is installed and computes in bfloat16 on this processor."""
        available = super().is_available()
        if not available.ok or _computes_in_bfloat16():
            return available
        return Availability(
            False, "OpenVINO does not compute in bfloat16 on this processor", "Use --backend openvino."
        )


class OpenVinoClassifier:
    """A compiled model of OpenVINO."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._request = model.create_infer_request()

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7), for float32 (N, 1, 48, 48) grey in 0..1."""
        # Outputs are not shared: the answer is a copy, which the next call leaves alone.
        logits: NDArray[np.float32] = self._request.infer(batch, share_inputs=True)[0]
        return logits

    def describe(self) -> Mapping[str, str]:
        """What really runs."""
        precision = self._model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        return {
            "runtime": "OpenVINO",
            "version": import_openvino().__version__.partition("-")[0],
            "device": ", ".join(self._model.get_property("EXECUTION_DEVICES")),
            "precision": _PRECISIONS.get(precision, precision),
            "threads": str(self._model.get_property("INFERENCE_NUM_THREADS")),
        }


@cache
def _core(_process: int) -> Any:
    """OpenVINO's Core, one for each process: a fork does not copy the threads of its parent's Core.

    A Core installs its own stack for signals, and restores the previous one when it ends. If the first of
    two Cores ends first, the second restores a stack that no longer exists, and Ctrl-C ends Python with
    SIGSEGV (OpenVINO 2026.4).
    """
    return import_openvino().Core()


def _computes_in_bfloat16() -> bool:
    """Whether a network of a few layers can be compiled, which takes 0.1 s.

    OpenVINO lists bfloat16 among the processor's capabilities even if ONEDNN_MAX_CPU_ISA forbids it in
    layers. Compiling a pooling between two convolutions shows whether it is allowed.

    Raises:
        ShortageError: there is not enough memory, for instance.
    """
    openvino, core = import_openvino(), _core(os.getpid())
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    layers = openvino.opset8
    pictures = layers.parameter([-1, 1, 8, 8], np.float32)
    maps = layers.convolution(pictures, np.ones((8, 1, 3, 3), np.float32), [1, 1], [1, 1], [1, 1], [1, 1])
    pooled = layers.avg_pool(maps, [2, 2], [0, 0], [0, 0], [2, 2], exclude_pad=True)
    maps = layers.convolution(pooled, np.ones((8, 8, 3, 3), np.float32), [1, 1], [1, 1], [1, 1], [1, 1])
    try:
        core.compile_model(openvino.Model([maps], [pictures]), "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    except RuntimeError as error:
        if lacking := shortage(error):
            raise lacking from error
        return False
    return True
