"""A bundle's network as a .keras file or a SavedModel, which need nothing of fercli to be loaded."""

from __future__ import annotations

from errno import EIO
from typing import TYPE_CHECKING, Any

from fercli.errors import in_one_line
from fercli.plugins import Availability, Format
from fercli.runtimes import import_tensorflow
from fercli_tensorflow import TensorFlowBackend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_CPU = "CPU:0"


class KerasExporter:
    """One file, for keras.models.load_model."""

    name = "keras"
    format = Format(".keras", (b"model.weights.h5", b"pictures"))

    def is_available(self) -> Availability:
        """Whether TensorFlow and safetensors are installed; it is not imported for that."""
        return TensorFlowBackend().is_available()

    def write(self, bundle: Bundle, path: Path) -> None:
        """Saves the Keras model, which has only Keras's own layers and operations."""
        _network(bundle).save(path)

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """The model; Keras refuses one that could run code."""
        tensorflow = import_tensorflow()
        with tensorflow.device(_CPU):
            model = tensorflow.keras.models.load_model(path, compile=False)

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            with tensorflow.device(_CPU):
                logits: NDArray[np.float32] = model(faces, training=False).numpy()
            return logits

        return run


class SavedModelExporter:
    """A folder, for tf.saved_model.load, keras.layers.TFSMLayer and TensorFlow Serving."""

    name = "savedmodel"
    format = Format(
        "",
        (b"pictures", b"logits"),
        ("saved_model.pb", "fingerprint.pb", "variables", "assets"),
    )

    def is_available(self) -> Availability:
        """Whether TensorFlow and safetensors are installed; it is not imported for that."""
        return TensorFlowBackend().is_available()

    def write(self, bundle: Bundle, path: Path) -> None:
        """Saves the function `serve` and the signature `serving_default`, `pictures` to `logits`.

        Keras's own way to a SavedModel would keep every weight twice.

        Raises:
            OSError: TensorFlow cannot write it.
        """
        tensorflow = import_tensorflow()
        model = _network(bundle)
        module = tensorflow.Module()
        module.weights = [variable.value for variable in model.variables]
        pictures = tensorflow.TensorSpec((None, *model.input_shape[1:]), tensorflow.float32, "pictures")
        module.serve = tensorflow.function(
            lambda pictures: model(pictures, training=False), input_signature=[pictures], autograph=False
        )
        signature = tensorflow.function(
            lambda pictures: {"logits": module.serve(pictures)}, input_signature=[pictures], autograph=False
        )
        try:
            tensorflow.saved_model.save(module, str(path), signatures=signature)
        except tensorflow.errors.OpError as error:
            raise OSError(EIO, in_one_line(error)) from error

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """The signature `serving_default`."""
        tensorflow = import_tensorflow()
        with tensorflow.device(_CPU):
            # The object owns the variables. Without it, its signatures would lose them.
            model = tensorflow.saved_model.load(str(path))

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            with tensorflow.device(_CPU):
                answer = model.signatures["serving_default"](tensorflow.constant(faces))
            logits: NDArray[np.float32] = answer["logits"].numpy()
            return logits

        return run


def _network(bundle: Bundle) -> Any:
    import_tensorflow()  # before Keras does it, which is not quiet
    from fercli_tensorflow.network import load_network

    return load_network(bundle)
