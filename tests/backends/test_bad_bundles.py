"""Models that are not what they should be: refused in one sentence that names the file, and never run."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file, save

from fercli.bundle import ONNX, WEIGHTS, load_bundle
from fercli.classifiers import load_classifiers
from fercli.errors import ExitCode, UnavailableError
from tests.backends.conftest import change, forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Run

OF_WEIGHTS = ("torch", "tensorflow")
OF_ONNX = ("onnx", "openvino")


def refusal(model: Path, backend: str) -> str:
    with pytest.raises(UnavailableError) as caught:
        load_classifiers([load_bundle(str(model))], backend, "cpu", 1)
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert "\n" not in caught.value.message
    assert caught.value.remedy
    return caught.value.message


def changed_weights(model: Path, **tensors: Any) -> bytes:
    """The model's weights with some tensors changed, added, or, where None is given, left out."""
    weights = load_file(model / WEIGHTS) | {
        name.replace("__", "."): value for name, value in tensors.items()
    }
    return save({name: value for name, value in weights.items() if value is not None})


def torch_checkpoint(model: Path) -> bytes:
    path = model / "checkpoint.pt"
    torch.save({"weight": torch.zeros(2)}, path)
    return path.read_bytes()


ONES = np.ones(7, np.float32)
BAD_WEIGHTS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "is not a whole safetensors file."),
    "cut off": (lambda model: (model / WEIGHTS).read_bytes()[:-9], "is not a whole safetensors file."),
    "a pickle": (lambda _: pickle.dumps({"weight": [1.0]}), "is a pickle, which could run code"),
    "torch's pickle": (torch_checkpoint, "is a pickle, which could run code"),
    "a tensor too few": (lambda m: changed_weights(m, classifier__bias=None), "lacks classifier.bias."),
    "a tensor too many": (
        lambda m: changed_weights(m, door=ONES), "has door, which its architecture does not have."
    ),
    "a wrong shape": (
        lambda m: changed_weights(m, classifier__bias=ONES[:6]),
        "has classifier.bias of shape [6] instead of [7].",
    ),
    "a wrong type": (
        lambda m: changed_weights(m, classifier__bias=ONES.astype(np.float64)),
        "has classifier.bias of type float64 instead of float32.",
    ),
    "not a number": (
        lambda m: changed_weights(m, classifier__bias=ONES * np.nan),
        "has values in classifier.bias that are not finite numbers.",
    ),
    "infinite": (
        lambda m: changed_weights(m, classifier__bias=ONES * np.inf),
        "has values in classifier.bias that are not finite numbers.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("backend", OF_WEIGHTS)
@pytest.mark.parametrize(("make", "said"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_weights(earlier: Path, backend: str, make: Callable[[Path], bytes], said: str) -> None:
    change(earlier, WEIGHTS, make(earlier))
    message = refusal(earlier, backend)
    assert message.startswith(f"{earlier / WEIGHTS} ")
    assert said in message


def saved(model: Path, alter: Callable[[Any], object]) -> bytes:
    """The model's ONNX file after something was done to it."""
    network = onnx.load(model / ONNX)
    alter(network)
    content: bytes = network.SerializeToString()
    return content


def refer_outside(network: Any) -> None:
    tensor = network.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def refer_outside_from_a_constant(network: Any) -> None:
    node = network.graph.node.add(op_type="Constant", output=["far"])
    attribute = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
    attribute.t.CopyFrom(onnx.helper.make_tensor("far", onnx.TensorProto.FLOAT, [1], [1.0]))
    attribute.t.external_data.add(key="location", value="weights.safetensors")


def spoil(value: float) -> Callable[[Any], None]:
    def alter(network: Any) -> None:
        tensor = max(network.graph.initializer, key=lambda each: len(each.raw_data))
        tensor.raw_data = np.float32(value).tobytes() + tensor.raw_data[4:]

    return alter


def spoil_typed(network: Any) -> None:
    network.graph.initializer.append(onnx.helper.make_tensor("x", onnx.TensorProto.FLOAT, [1], [np.nan]))


def reshape(network: Any) -> None:
    tensor = next(each for each in network.graph.initializer if list(each.dims) == [7])
    tensor.dims[0] = 6
    tensor.raw_data = tensor.raw_data[:24]


def rename_operation(network: Any) -> None:
    network.graph.node[-1].op_type = "FromNowhere"


BAD_ONNX: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "is not an ONNX model."),
    "text": (lambda _: b"no network, but a sentence", "is not an ONNX model."),
    "cut off": (lambda model: (model / ONNX).read_bytes()[:-9], "is not an ONNX model."),
    "data outside": (lambda m: saved(m, refer_outside), "keeps weights in another file"),
    "data outside, from a constant": (
        lambda m: saved(m, refer_outside_from_a_constant), "keeps weights in another file"
    ),
    "not a number": (lambda m: saved(m, spoil(np.nan)), "holds weights that are not finite numbers."),
    "infinite": (lambda m: saved(m, spoil(-np.inf)), "holds weights that are not finite numbers."),
    "not a number, typed": (lambda m: saved(m, spoil_typed), "holds weights that are not finite numbers."),
    "a wrong shape": (lambda m: saved(m, reshape), ""),
    "an unknown operation": (lambda m: saved(m, rename_operation), "cannot be run by "),
}  # fmt: skip


@pytest.mark.parametrize("backend", OF_ONNX)
@pytest.mark.parametrize(("make", "said"), BAD_ONNX.values(), ids=BAD_ONNX)
def test_bad_networks(model: Path, backend: str, make: Callable[[Path], bytes], said: str) -> None:
    change(model, ONNX, make(model))
    message = refusal(model, backend)
    assert str(model) in message
    assert said in message


def test_the_weights_may_be_stored_as_typed_numbers(model: Path) -> None:
    def as_floats(network: Any) -> None:
        for tensor in network.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                tensor.float_data.extend(np.frombuffer(tensor.raw_data, "<f4").tolist())
                tensor.ClearField("raw_data")

    change(model, ONNX, saved(model, as_floats))
    assert load_classifiers([load_bundle(str(model))], "onnx", "cpu", 1).backend == "onnx"


ALL = [*((name, ONNX) for name in (*OF_WEIGHTS, *OF_ONNX)), *((name, WEIGHTS) for name in OF_WEIGHTS)]


@pytest.mark.parametrize(("backend", "name"), ALL)
def test_a_file_whose_checksum_is_wrong(request: pytest.FixtureRequest, backend: str, name: str) -> None:
    model: Path = request.getfixturevalue("earlier" if name == WEIGHTS else "model")
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model / name).write_bytes(content)
    assert refusal(model, backend) == f"{model / name} is not the file that model.json was made with."


@pytest.mark.parametrize("backend", [*OF_WEIGHTS, *OF_ONNX])
def test_a_file_that_model_json_does_not_list(model: Path, backend: str) -> None:
    forget(model, ONNX)
    assert refusal(model, backend).endswith(f"in {model} has no {ONNX}.")


def test_auto_does_not_go_round_a_broken_file_by_another_backend(model: Path) -> None:
    change(model, ONNX, saved(model, spoil(np.nan)))
    assert refusal(model, "auto") == f"{model / ONNX} holds weights that are not finite numbers."


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_the_command_ends_with_5_and_two_lines(run: Run, samples: Path, model: Path, backend: str) -> None:
    change(model, WEIGHTS, pickle.dumps({}))
    change(model, ONNX, b"")
    done = run("predict", samples, "--model", model, "--backend", backend)
    assert (done.returncode, done.stdout) == (5, b"")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"fercli: {model}/")
    assert second == "Take the model whole from where you trust it, or make it again."
