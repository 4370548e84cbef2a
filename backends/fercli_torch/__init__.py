"""The backend `torch`: the network of a bundle's model.json in PyTorch, with its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.devices import cuda_number
from fercli.errors import DeviceError
from fercli.extras import install, missing
from fercli.plugins import Availability

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from fercli.bundle import Bundle

_NEEDED = ("torch", "safetensors")


class TorchBackend:
    """Runs the network eagerly, channels last, on a CPU or a CUDA device."""

    name = "torch"

    def is_available(self) -> Availability:
        """Whether torch and safetensors are installed; they are not imported for that."""
        lacking = missing(*_NEEDED)
        if lacking:
            return Availability(False, f"{' and '.join(lacking)} not installed", install("torch"))
        return Availability(True)

    def load(self, bundle: Bundle, device: str, threads: int) -> TorchClassifier:
        """The bundle's network; `threads` holds for all of torch in this process.

        Raises:
            DeviceError: torch has no such CUDA device.
            ModelError: the weights are not what they should be.
        """
        import torch

        from fercli_torch.network import load_network

        place = _place(device)
        torch.set_num_threads(threads)
        # 19 bits of precision would break the agreement of the backends.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        return TorchClassifier(load_network(bundle), place)


class TorchClassifier:
    """A network in evaluation mode."""

    def __init__(self, network: torch.nn.Module, place: torch.device) -> None:
        import torch

        self._network = network.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
        self._place = place
        self._inference_mode = torch.inference_mode
        self._from_numpy = torch.from_numpy

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7), for float32 (N, 1, 48, 48) grey in 0..1."""
        with self._inference_mode():
            logits: NDArray[np.float32] = (
                self._network(self._from_numpy(batch).to(self._place)).cpu().numpy()
            )
        return logits

    def describe(self) -> Mapping[str, str]:
        """What really runs."""
        import torch

        cuda = self._place.type == "cuda"
        return {
            "runtime": "PyTorch",
            "version": torch.__version__,
            "device": torch.cuda.get_device_name(self._place) if cuda else "CPU",
            "precision": "float32",
            "threads": str(torch.get_num_threads()),
        }


def _place(device: str) -> torch.device:
    import torch

    number = cuda_number(device)
    if number is None:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        built = torch.version.cuda is not None
        raise DeviceError(
            f"The installed torch {torch.__version__} cannot use {device}:"
            f" it {'finds no CUDA device' if built else 'was built without CUDA'}.",
            "Check the NVIDIA driver, or use --device cpu."
            if built
            else "Install a torch with CUDA (https://pytorch.org), or use --device cpu.",
        )
    if number >= torch.cuda.device_count():
        raise DeviceError(
            f"There is no {device}: torch sees {torch.cuda.device_count()} CUDA devices.",
            "Choose a lower number, or use --device cpu.",
        )
    return torch.device("cuda", number)
