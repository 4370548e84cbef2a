"""A bundle's network as a .keras file or a SavedModel, which need nothing of fercli to be loaded."""

from __future__ import annotations

from errno import EIO
from typing import TYPE_CHECKING, Any

from fercli.errors import in_one_line
from fercli.runtimes import import_tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.export_formats import Network

_CPU = "CPU:0"


class _TensorFlow:
    """What both formats share."""

    def __init__(self) -> None:
        self._tensorflow = import_tensorflow()

    def _network(self, bundle: Bundle) -> Any:
        # Keras imports TensorFlow, which must have been done quietly before.
        from fercli_tensorflow.network import load_network

        return load_network(bundle)


class Keras(_TensorFlow):
    """One file, for keras.models.load_model."""

    def write(self, bundle: Bundle, path: Path) -> None:
        """Saves the Keras model, which is made of Keras's own layers and operations alone."""
        self._network(bundle).save(path)

    def load(self, path: Path) -> Network:
        """The model; Keras refuses one that could run code."""
        with self._tensorflow.device(_CPU):
            model = self._tensorflow.keras.models.load_model(path, compile=False)

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            with self._tensorflow.device(_CPU):
                logits: NDArray[np.float32] = model(faces, training=False).numpy()
            return logits

        return run


class SavedModel(_TensorFlow):
    """A folder, for tf.saved_model.load, keras.layers.TFSMLayer and TensorFlow Serving."""

    def write(self, bundle: Bundle, path: Path) -> None:
        """Saves the function `serve` and the signature `serving_default`, `pictures` to `logits`.

        Keras's own way to a SavedModel would keep every weight twice.

        Raises:
            OSError: TensorFlow cannot write it.
        """
        tensorflow = self._tensorflow
        model = self._network(bundle)
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

    def load(self, path: Path) -> Network:
        """The signature `serving_default`."""
        with self._tensorflow.device(_CPU):
            # The object owns the variables; its signatures alone would lose them.
            model = self._tensorflow.saved_model.load(str(path))

        def run(faces: NDArray[np.float32]) -> NDArray[np.float32]:
            with self._tensorflow.device(_CPU):
                answer = model.signatures["serving_default"](self._tensorflow.constant(faces))
            logits: NDArray[np.float32] = answer["logits"].numpy()
            return logits

        return run
