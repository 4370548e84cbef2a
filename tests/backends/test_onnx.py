from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime
import pytest

from fercli.bundle import load_bundle
from fercli.errors import DeviceError, UnavailableError
from fercli.plugins import find_backend
from tests.backends.conftest import forget

if TYPE_CHECKING:
    from pathlib import Path

CUDA = "CUDAExecutionProvider"


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="this ONNX Runtime has CUDA")
@pytest.mark.parametrize("device", ["cuda:0", "cuda:3"])
def test_cuda_without_its_provider_says_what_to_install(device: str) -> None:
    with pytest.raises(DeviceError, match=f"cannot use {device} with {CUDA}: it has only ") as caught:
        find_backend("onnx").load(load_bundle("default"), device, 1)
    assert (
        caught.value.remedy
        == "pip uninstall onnxruntime, then pip install 'fercli[gpu]'; or use --device cpu."
    )


@pytest.mark.skipif(
    "TensorrtExecutionProvider" in onnxruntime.get_available_providers(), reason="it has TensorRT"
)
def test_tensorrt_without_its_provider_is_not_available() -> None:
    with pytest.raises(UnavailableError, match="the installed ONNX Runtime has no TensorRT") as caught:
        find_backend("tensorrt")
    assert "fercli[gpu]" in caught.value.remedy


def test_a_model_without_an_8_bit_file_says_so(model: Path) -> None:
    forget(model, "model.int8.onnx")
    with pytest.raises(UnavailableError, match=r"has no model\.int8\.onnx"):
        find_backend("onnx-int8").load(load_bundle(str(model)), "cpu", 1)
