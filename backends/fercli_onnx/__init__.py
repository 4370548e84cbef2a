"""The backend `onnx`: a bundle's model.onnx, run by ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.bundle import ONNX
from fercli.errors import UnavailableError
from fercli.plugins import Availability

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


class OnnxBackend:
    """Runs model.onnx on a CPU, or on a CUDA device with onnxruntime-gpu."""

    name = "onnx"

    def is_available(self) -> Availability:
        """Whether ONNX Runtime is installed and usable."""
        try:
            import onnxruntime  # noqa: F401 - only whether it can be imported
        except (ImportError, OSError) as error:
            return Availability(
                False, f"onnxruntime cannot be imported ({error})", "pip install 'fercli[cpu]'"
            )
        return Availability(True)

    def load(self, bundle: Bundle, device: str, threads: int) -> OnnxClassifier:
        """The bundle's network; `auto` takes CUDA where the installed ONNX Runtime has it.

        Raises:
            UnavailableError: the device does not run it, or model.onnx is not what it should be.
        """
        import onnxruntime

        path = bundle.verified(ONNX)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Idle threads that spin take the cores from those that decode and detect.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        wanted = _providers(device, onnxruntime.get_available_providers())
        try:
            session = onnxruntime.InferenceSession(path, options, providers=wanted)
        except Exception as error:  # onnxruntime has no base class of its errors
            raise UnavailableError(f"{path} cannot be run by ONNX Runtime: {error}.") from error
        if device.startswith("cuda") and session.get_providers()[0] != _CUDA:
            raise UnavailableError(
                f"ONNX Runtime runs {path} on {session.get_providers()[0]}, not on {device}.",
                "Check the NVIDIA driver, CUDA and cuDNN, or use --device cpu.",
            )
        return OnnxClassifier(session, onnxruntime.__version__, threads)


class OnnxClassifier:
    """A session of ONNX Runtime."""

    def __init__(self, session: Any, version: str, threads: int) -> None:
        self._session = session
        self._version = version
        self._threads = threads

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7), for float32 (N, 1, 48, 48) grey in 0..1."""
        logits: NDArray[np.float32] = self._session.run(None, {"pictures": batch})[0]
        return logits

    def describe(self) -> Mapping[str, str]:
        """What really runs."""
        return {
            "runtime": "ONNX Runtime",
            "version": self._version,
            "device": self._session.get_providers()[0].removesuffix("ExecutionProvider"),
            "precision": "float32",
            "threads": str(self._threads),
        }


def _providers(device: str, available: list[str]) -> list[Any]:
    """What to ask ONNX Runtime for, the wanted one first."""
    if device == "cpu" or (device == "auto" and _CUDA not in available):
        return [_CPU]
    if device == "auto":
        return [_CUDA, _CPU]
    name, _, number = device.partition(":")
    if name != "cuda" or (number and not number.isdecimal()):
        raise UnavailableError(f"There is no device {device}.", "Choose auto, cpu, cuda or cuda:N.")
    if _CUDA not in available:
        raise UnavailableError(
            f"The installed ONNX Runtime cannot use {device}: it has only {', '.join(available)}.",
            "pip uninstall onnxruntime, then pip install 'fercli[gpu]'; or use --device cpu.",
        )
    return [(_CUDA, {"device_id": int(number or 0)})]
