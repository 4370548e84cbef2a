"""A device that torch takes for another than the CPU, to find mistakes with devices where there is no GPU.

Its tensors keep their numbers in tensors on the CPU, but torch takes them for another device's, so what
mixes devices fails as it would on a GPU. `register` counts for the whole process: run this as a program.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators.accelerator import Accelerator
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _pytree as pytree
from torch.utils.backend_registration import (
    _setup_privateuseone_for_python_backend,
)

from fercli.bundle import load_bundle
from fercli.fer2013 import Pictures, Split, read_pictures
from fercli_torch.network import load_network
from fercli_training import processes
from fercli_training.inputs import Dataset, TrainingData
from fercli_training.models import write_models
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun

NAME = "pretended"
_CPU = torch.device("cpu")
_CROSSING = {"aten::copy_", "aten::_copy_from", "aten::_to_copy", "aten::_local_scalar_dense"}
"""What may take or give tensors of both devices."""


_WeakReference: Any = StorageWeakRef
_Library: Any = torch.library.Library
_held: dict[int, tuple[Any, torch.Tensor]] = {}
"""The CPU tensor behind each storage of the device, which detached tensors share."""

_PURGED_AT = 2000


class _Pretended(Accelerator):
    def setup_device(self, device: torch.device) -> None:
        pass

    def teardown(self) -> None:
        pass

    @staticmethod
    def parse_devices(devices: Any) -> Any:
        return devices

    @staticmethod
    def get_parallel_devices(devices: Any) -> Any:
        return [torch.device(NAME, 0)] * devices

    @staticmethod
    def auto_device_count() -> int:
        return 1

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def name() -> str:
        return NAME


def pretended_fabric(**options: Any) -> Fabric:
    """Lightning's Fabric on the device, whatever accelerator is asked for."""
    strategy = SingleDeviceStrategy(torch.device(NAME, 0), _Pretended())
    return Fabric(**options | {"accelerator": "auto", "strategy": strategy})


def _put(values: torch.Tensor) -> torch.Tensor:
    tensor: torch.Tensor = torch._C._acc.create_empty_tensor(tuple(values.shape), values.dtype)
    reference: Any = _WeakReference(tensor.untyped_storage())
    if len(_held) % _PURGED_AT == 0:
        for key in [key for key, (other, _) in _held.items() if other.expired()]:
            del _held[key]
    _held[reference.cdata] = (reference, values)
    return tensor


def _take(tensor: torch.Tensor) -> torch.Tensor:
    return _held[tensor.untyped_storage()._cdata][1]


def _is_there(device: Any) -> bool:
    return torch.device(device).type == NAME


def _on_the_cpu(operation: Any, arguments: Any, options: Any) -> tuple[list[Any], dict[str, Any]]:
    """What an operation is given, with the tensors behind the device's, and the CPU as its device."""

    def take(part: Any) -> Any:
        if isinstance(part, torch.Tensor):
            return _take(part) if _is_there(part.device) else part
        return _CPU if isinstance(part, torch.device) else part

    arguments, options = pytree.tree_map(take, (arguments, options))
    # Torch hands on numbers as numbers, also where the operation wants tensors.
    return [
        torch.tensor(value) if str(wanted.type) == "Tensor" and isinstance(value, int | float) else value
        for wanted, value in zip(operation._schema.arguments, arguments, strict=False)
    ], options


@torch.inference_mode(mode=False)
@torch.no_grad()
def _run(operation: Any, *arguments: Any, **options: Any) -> Any:
    """Any of torch's operations, on the CPU tensors behind the device's."""
    name = operation._schema.name
    tensors = [part for part in pytree.tree_leaves((arguments, options)) if isinstance(part, torch.Tensor)]
    if name not in _CROSSING and any(tensor.ndim and not _is_there(tensor.device) for tensor in tensors):
        raise RuntimeError(f"{name}: a tensor is on the CPU, others are on the device {NAME}.")
    asked = options.get("device")
    there = bool(tensors) if asked is None else _is_there(asked)
    originals = {id(_take(tensor)): tensor for tensor in tensors if _is_there(tensor.device)}
    taken, options = _on_the_cpu(operation, arguments, options)
    if name == "aten::_copy_from":
        source, target = taken[:2]
        return target.copy_(source)
    if name == "aten::view":  # what lies behind it may be in another order
        operation = torch.ops.aten.reshape.default
    if name == "aten::as_strided":  # to torch, all of the device's tensors lie row by row
        taken[0] = taken[0].contiguous()
    storages = {_take(tensor).untyped_storage()._cdata for tensor in originals.values()}
    result = operation(*taken, **options)

    def give(part: Any) -> Any:
        if not isinstance(part, torch.Tensor) or not there:
            return part
        if id(part) not in originals:
            is_view = part.untyped_storage()._cdata in storages
            return _put(part if is_view else part.contiguous())
        original = originals[id(part)]
        if original.shape != part.shape:  # an `out` that was empty
            original.data = _put(part)
        return original

    return pytree.tree_map(give, result)


class _Generator(torch.Generator):
    """Draws the CPU's numbers under the device's name: a device of Python's cannot bring a generator."""

    device = torch.device("cpu")

    def __new__(cls, device: Any = None) -> "_Generator":
        generator = super().__new__(cls)
        if device is not None:
            generator.device = torch.device(device)
        return generator


def _drawing(draw: Callable[..., torch.Tensor], *arguments: Any, **options: Any) -> torch.Tensor:
    """Random numbers of a generator, refused if it is not the device's they are asked for."""
    generator, wanted = options.get("generator"), torch.device(options.get("device") or "cpu")
    if generator is not None and generator.device.type != wanted.type:
        raise RuntimeError(f"Expected a '{wanted.type}' generator but found '{generator.device.type}'.")
    return draw(*arguments, **options)


def _convolution_backward(gradient: Any, maps: Any, weight: Any, *rest: Any) -> Any:
    backward = torch.ops.aten.convolution_backward.default
    return _run(backward, gradient, maps, weight, [len(weight)], *rest)


def _copying(name: str, copy: Callable[[torch.Tensor], Any]) -> None:
    """Lets one of a tensor's methods, which reads its storage, do without on the device."""
    usual = getattr(torch.Tensor, name)

    def method(tensor: torch.Tensor, *arguments: Any) -> Any:
        return copy(tensor) if _is_there(tensor.device) else usual(tensor, *arguments)

    setattr(torch.Tensor, name, method)


def _reduce(tensor: torch.Tensor) -> Any:
    there: Any = tensor.detach().cpu()
    return there.__reduce_ex__(2)


def register() -> None:
    """Makes the device known to torch; once in a process."""
    _setup_privateuseone_for_python_backend(NAME)
    library = _Library("_", "IMPL")
    library.fallback(_run, dispatch_key="PrivateUse1")
    convolutions = _Library("aten", "IMPL")
    implement = partial(convolutions.impl, dispatch_key="PrivateUse1")
    implement("convolution_overrideable", partial(_run, torch.ops.aten.convolution.default))
    implement("as_strided_", partial(_run, torch.ops.aten.as_strided_.default))
    implement("convolution_backward_overrideable", _convolution_backward)
    _copying("__deepcopy__", lambda tensor: tensor.detach().clone())
    _copying("__reduce_ex__", _reduce)
    torch.Generator = _Generator  # type: ignore[misc] # as called
    for draw in (torch.rand, torch.randint, torch.randperm):
        setattr(torch, draw.__name__, partial(_drawing, draw))
    register.libraries = library, convolutions  # type: ignore[attr-defined] # it lasts as long as the process


def splits_of(data: Path, count: int) -> dict[Split, Pictures]:
    """The first pictures of each part of the data set."""
    return {
        split: Pictures(whole.pixels[:count], whole.labels[:count], whole.rows[:count])
        for split, whole in read_pictures(data, Split).items()
    }


def trainer_of(splits: dict[Split, Pictures], folder: Path, *changes: str) -> TrainingRun:
    """A run by the default recipe that makes use of all there is: votes and a teacher too."""
    training = splits[Split.TRAINING]
    votes = np.eye(7, dtype=np.float32)[training.labels]
    material = TrainingData(training, splits[Split.PUBLIC], votes, [load_network(load_bundle("article"))])
    return TrainingRun(load_recipe("residual", changes), material, folder)


def main(data: str, out: str, count: str, *changes: str) -> None:
    """The default recipe on the device, from `count` pictures of each part of the data to a model."""
    register()
    processes.Fabric = pretended_fabric  # type: ignore[attr-defined,assignment] # as called
    splits = splits_of(Path(data), int(count))
    trainer = trainer_of(splits, Path(out), *changes)
    assert {parameter.device.type for parameter in trainer.learner.network.parameters()} == {NAME}
    candidates = trainer.run(lambda _: None)
    write_models(trainer, candidates, Dataset(splits, {}))
    for candidate in candidates:
        sys.stdout.write(f"{candidate.name} {candidate.public_accuracy}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
