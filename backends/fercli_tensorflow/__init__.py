"""The backend `tensorflow`: the network of a bundle's model.json in Keras, with its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.devices import cuda_number
from fercli.errors import DeviceError
from fercli.extras import install, missing
from fercli.plugins import Availability
from fercli.runtimes import import_tensorflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_NEEDED = ("tensorflow", "safetensors")


class TensorFlowBackend:
    """Runs the network as one traced function, on a CPU or a CUDA device."""

    name = "tensorflow"

    def is_available(self) -> Availability:
        """Whether TensorFlow and safetensors are installed; it is not imported for that."""
        lacking = missing(*_NEEDED)
        if lacking:
            return Availability(False, f"{' and '.join(lacking)} not installed", install("tensorflow"))
        return Availability(True)

    def load(self, bundle: Bundle, device: str, threads: int) -> TensorFlowClassifier:
        """The bundle's network; `threads` holds for all of TensorFlow in this process, from the first on.

        Raises:
            DeviceError: TensorFlow has no such CUDA device.
            ModelError: the weights are not what they should be.
        """
        tensorflow = import_tensorflow()
        from fercli_tensorflow.network import load_network

        place = _place(tensorflow, device)
        # 19 bits of precision would break the agreement of the backends.
        tensorflow.config.experimental.enable_tensor_float_32_execution(False)
        _set_threads(tensorflow, threads)
        return TensorFlowClassifier(load_network(bundle), place)


class TensorFlowClassifier:
    """A Keras model, traced once for batches of any size."""

    def __init__(self, model: Any, place: str) -> None:
        tensorflow = import_tensorflow()
        self._tensorflow = tensorflow
        self._place = place
        signature = [tensorflow.TensorSpec((None, *model.input_shape[1:]), tensorflow.float32)]
        self._function = tensorflow.function(
            lambda pictures: model(pictures, training=False),
            input_signature=signature,
            autograph=False,  # there is no Python to translate, which leaves files in the temporary folder
        )

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7), for float32 (N, 1, 48, 48) grey in 0..1."""
        with self._tensorflow.device(self._place):
            logits: NDArray[np.float32] = self._function(self._tensorflow.constant(batch)).numpy()
        return logits

    def describe(self) -> Mapping[str, str]:
        """What really runs."""
        return {
            "runtime": "TensorFlow",
            "version": self._tensorflow.__version__,
            "device": self._place,
            "precision": "float32",
            "threads": str(self._tensorflow.config.threading.get_intra_op_parallelism_threads()),
        }


def _set_threads(tensorflow: Any, threads: int) -> None:
    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        # Only one operation of this network can run at a time.
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # It has begun already; describe() says with how many threads.
        return


def _place(tensorflow: Any, device: str) -> str:
    number = cuda_number(device)
    if number is None:
        return "CPU:0"
    found = tensorflow.config.list_physical_devices("GPU")
    if not found:
        built = tensorflow.test.is_built_with_cuda()
        raise DeviceError(
            f"The installed TensorFlow {tensorflow.__version__} cannot use {device}:"
            f" it {'finds no CUDA device' if built else 'was built without CUDA'}.",
            "Check the NVIDIA driver, pip install 'tensorflow[and-cuda]', or use --device cpu.",
        )
    if number >= len(found):
        raise DeviceError(
            f"There is no {device}: TensorFlow sees {len(found)} CUDA devices.",
            "Choose a lower number, or use --device cpu.",
        )
    return f"GPU:{number}"
