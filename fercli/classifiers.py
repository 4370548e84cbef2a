"""Which backend runs a model, and where: by name, or the fastest that is installed and fits the device.

This is the one place that loads backends, so that whoever calls a network needs no care of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.architecture import SIDE
from fercli.devices import AUTO, CPU, places
from fercli.errors import DeviceError, UnavailableError
from fercli.guard import guarded
from fercli.plugins import find_backend
from fercli.records import EXPRESSIONS
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.plugins import Backend, Classifier

_ON_CPU = ("openvino", "onnx", "torch", "tensorflow")
_ON_CUDA = ("onnx", "torch", "tensorflow")
"""The built-in backends, the fastest first (benchmarks/README.md); any other is taken by its name only."""

_BLANK = np.zeros((1, 1, SIDE, SIDE), np.float32)


class Loaded(NamedTuple):
    """Networks that are ready, a classifier a bundle, and the backend that runs them."""

    backend: str
    classifiers: list[Classifier]


def load_classifiers(bundles: Sequence[Bundle], backend: str, device: str, threads: int) -> Loaded:
    """The bundles' networks by one backend on one device; each has read a blank face already.

    Args:
        bundles: the models.
        backend: a backend's name, or `auto`.
        device: `auto` (CUDA where it works, else the CPU), `cpu`, `cuda` or `cuda:N`.
        threads: how many threads a network may use.

    Raises:
        DeviceError: the device is not there, or the backend cannot use it.
        UnavailableError: there is no such backend, it cannot run here, or it cannot run a bundle.
    """
    refusals: list[UnavailableError] = []
    absences: list[UnavailableError] = []
    for place in places(device):
        for name in _candidates(backend, place):
            try:
                plugin = find_backend(name)
            except UnavailableError as error:
                absences.append(error)
                continue
            try:
                return Loaded(name, [_load(name, plugin, bundle, place, threads) for bundle in bundles])
            except DeviceError as error:
                refusals.append(error)
    raise (refusals + absences)[0]


def load_classifier(name: str, backend: Backend, bundle: Bundle, device: str, threads: int) -> Classifier:
    """A backend's network, checked and guarded; `name` is the backend's, the rest as of `Backend.load`.

    A call raises UnavailableError where the network fails, or gives anything but finite logits (N, 7).

    Raises:
        DeviceError: the device is not there, or the backend cannot use it.
        UnavailableError: the backend fails, or cannot run the bundle.
    """
    plugin = f"backend {name}, with the model in {quoted(bundle.folder)},"
    return guarded(plugin, lambda: _Checked(plugin, backend.load(bundle, device, threads)))


def _candidates(backend: str, place: str) -> Sequence[str]:
    if backend != AUTO:
        return (backend,)
    return _ON_CPU if place == CPU else _ON_CUDA


def _load(name: str, plugin: Backend, bundle: Bundle, place: str, threads: int) -> Classifier:
    classifier = load_classifier(name, plugin, bundle, place, threads)
    # What a network cannot do with a face is better said before the first photo than after it.
    classifier(_BLANK)
    return classifier


class _Checked:
    """A network whose answers are logits, or an error."""

    def __init__(self, plugin: str, network: Classifier) -> None:
        self._plugin = plugin
        self._network = network
        if not callable(network):
            raise TypeError("it loads nothing that can be called")

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = np.asarray(self._network(batch), np.float32)
        shape = (len(batch), len(EXPRESSIONS))
        if logits.shape != shape or not np.isfinite(logits).all():
            raise UnavailableError(
                f"The {self._plugin} gives no finite logits of shape {shape}.",
                "Choose another --backend or --model.",
            )
        return logits

    def describe(self) -> Mapping[str, str]:
        return {str(key): str(value) for key, value in self._network.describe().items()}
