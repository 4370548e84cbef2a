"""The backends `onnx`, `onnx-int8` and `tensorrt`: a bundle's ONNX model, run with ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.bundle import ONNX, ONNX_INT8
from fercli.devices import cuda_number
from fercli.errors import DeviceError, ModelError, in_one_line, shortage
from fercli.extras import install
from fercli.plugins import Availability
from fercli.runtimes import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_GPU_REMEDY = f"pip uninstall onnxruntime, then {install('gpu')}; or use --device cpu."


class OnnxBackend:
    """Runs model.onnx on a CPU, or on a CUDA device with onnxruntime-gpu."""

    name = "onnx"
    file = ONNX
    precision = "float32"
    on_cuda = _CUDA

    def is_available(self) -> Availability:
        """Whether ONNX Runtime is installed and usable."""
        try:
            import_onnxruntime()
        except (ImportError, OSError) as error:
            return Availability(False, f"onnxruntime cannot be imported ({error})", install("cpu"))
        return Availability(True)

    def load(self, bundle: Bundle, device: str, threads: int) -> OnnxClassifier:
        """The bundle's network.

        Raises:
            DeviceError: ONNX Runtime does not run it on the device.
            ModelError: the bundle's ONNX model is not what it should be.
            ShortageError: there is not enough memory, for instance.
        """
        onnxruntime = import_onnxruntime()
        path = bundle.verified(self.file)
        providers = self._providers(device)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Idle threads that spin take the cores from those that decode and detect.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:  # onnxruntime has no base class of its errors
            raise shortage(error) or ModelError(
                f"{path} cannot be run by ONNX Runtime: {in_one_line(error)}."
            ) from error
        first = providers[0][0]
        if session.get_providers()[0] != first:
            raise DeviceError(
                f"ONNX Runtime runs {path} on {session.get_providers()[0]}, not on {device} with {first}.",
                "Check the NVIDIA driver, CUDA and cuDNN, or use --device cpu.",
            )
        return OnnxClassifier(session, path, self.precision, threads)

    def _providers(self, device: str) -> list[tuple[str, dict[str, Any]]]:
        """What to ask ONNX Runtime for; it takes the CPU for what the first one cannot do."""
        available = import_onnxruntime().get_available_providers()
        number = cuda_number(device)
        if number is None:
            return [(_CPU, {})]
        if self.on_cuda not in available:
            raise DeviceError(
                f"The installed ONNX Runtime cannot use {device} with {self.on_cuda}: it has only"
                f" {', '.join(available)}.",
                _GPU_REMEDY,
            )
        # 19 bits of precision would break the agreement of the backends.
        cuda = (_CUDA, {"device_id": number, "use_tf32": 0})
        return [cuda] if self.on_cuda == _CUDA else [(self.on_cuda, {"device_id": number}), cuda]


class OnnxInt8Backend(OnnxBackend):
    """Runs model.int8.onnx, the model in 8-bit whole numbers, where a bundle has it."""

    name = "onnx-int8"
    file = ONNX_INT8
    precision = "int8"


class TensorRtBackend(OnnxBackend):
    """Runs model.onnx with TensorRT, which compiles it for a CUDA device: slow to start, then fast."""

    name = "tensorrt"
    on_cuda = _TENSORRT

    def is_available(self) -> Availability:
        """Whether the installed ONNX Runtime has TensorRT."""
        available = super().is_available()
        if not available.ok:
            return available
        if _TENSORRT in import_onnxruntime().get_available_providers():
            return available
        return Availability(False, "the installed ONNX Runtime has no TensorRT", _GPU_REMEDY)

    def _providers(self, device: str) -> list[tuple[str, dict[str, Any]]]:
        if cuda_number(device) is None:
            raise DeviceError(
                "TensorRT runs on CUDA devices only.", "Use --device cuda, or --backend onnx."
            )
        return super()._providers(device)


class OnnxClassifier:
    """A session of ONNX Runtime."""

    def __init__(self, session: Any, path: Path, precision: str, threads: int) -> None:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{path} takes or gives more than one tensor.")
        self._session = session
        self._input = inputs[0].name
        self._precision = precision
        self._threads = threads

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7), for float32 (N, 1, 48, 48) grey in 0..1."""
        logits: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return logits

    def describe(self) -> Mapping[str, str]:
        """What really runs."""
        return {
            "runtime": "ONNX Runtime",
            "version": import_onnxruntime().__version__,
            "device": self._session.get_providers()[0].removesuffix("ExecutionProvider"),
            "precision": self._precision,
            "threads": str(self._threads),
        }
