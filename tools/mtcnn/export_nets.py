"""Write MTCNN's three nets as ONNX from the weights that the facenet-pytorch wheel ships.

    pip download --no-deps facenet-pytorch==2.6.0
    python tools/mtcnn/export_nets.py facenet_pytorch-2.6.0-py3-none-any.whl

Writes `fercli/mtcnn/weights/{pnet,rnet,onet}.onnx` and `fercli/mtcnn/nets.json`, byte for byte the same
on every run. The graphs are the nets of facenet-pytorch 2.6.0, layer by layer, with the normalisation
of its `detect_face` in front. One thing is written differently: a PReLU stands as its two halves,
`relu(x) + slope * -relu(-x)` in the form `slope * x + (1 - slope) * relu(x)`, each product a depthwise
1x1 convolution. ONNX Runtime keeps those in the blocked layout of its fast convolutions, which the
operator PRelu would make it leave and re-enter at every layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx
    from numpy.typing import NDArray

MTCNN = Path(__file__).parents[2] / "fercli" / "mtcnn"
WHEEL_SHA256 = ""
OPSET = 17
IR_VERSION = 9  # both old enough for every onnxruntime the project supports


class Graph:
    """An ONNX graph in the making: a chain of layers over one current tensor, with named branches."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def normalised(self, x: str) -> str:
        """`(x - 127.5) * 0.0078125`, as `detect_face` does before every net."""
        centred = self.node("Sub", [x, self.constant("mean", np.float32([127.5]))], "centred")
        return self.node("Mul", [centred, self.constant("scale", np.float32([0.0078125]))], "normalised")

    def convolution(self, x: str, layer: str) -> str:
        weight, bias = self.weights[f"{layer}.weight"], self.weights[f"{layer}.bias"]
        inputs = [x, self.constant(f"{layer}.weight", weight), self.constant(f"{layer}.bias", bias)]
        return self.node("Conv", inputs, layer, kernel_shape=weight.shape[2:])

    def dense(self, x: str, layer: str) -> str:
        inputs = [x, *(self.constant(n, self.weights[n]) for n in (f"{layer}.weight", f"{layer}.bias"))]
        return self.node("Gemm", inputs, layer, transB=1)

    def prelu_dense(self, x: str, layer: str) -> str:
        return self.node("PRelu", [x, self.constant(f"{layer}.weight", self.weights[f"{layer}.weight"])], layer)

    def prelu(self, x: str, layer: str) -> str:
        slope = self.weights[f"{layer}.weight"]
        if MODE == "prelu":
            return self.node("PRelu", [x, self.constant(f"{layer}.weight", slope[:,None,None])], layer)
        line = self._scaled(x, f"{layer}.line", slope)
        hinge = self._scaled(self.node("Relu", [x], f"{layer}.relu"), f"{layer}.hinge", 1 - slope)
        return self.node("Add", [line, hinge], layer)

    def _scaled(self, x: str, name: str, factors: NDArray[np.float32]) -> str:
        weight = self.constant(f"{name}.weight", factors.reshape(-1, 1, 1, 1))
        return self.node("Conv", [x, weight], name, kernel_shape=(1, 1), group=len(factors))

    def pooled(self, x: str, layer: str, size: int) -> str:
        return self.node(
            "MaxPool", [x], layer, kernel_shape=(size, size), strides=(2, 2), ceil_mode=1
        )

    def flattened(self, x: str) -> str:
        """The (0, 3, 2, 1) permutation before the first dense layer, then one row a sample."""
        return self.node("Flatten", [self.node("Transpose", [x], "permuted", perm=(0, 3, 2, 1))], "flat")

MODE = "prelu"

def pnet(g: Graph, x: str) -> list[str]:
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 2)
    x = g.prelu(g.convolution(x, "conv2"), "prelu2")
    x = g.prelu(g.convolution(x, "conv3"), "prelu3")
    probability = g.node("Softmax", [g.convolution(x, "conv4_1")], "probability", axis=1)
    return [g.convolution(x, "conv4_2"), probability]


def rnet(g: Graph, x: str) -> list[str]:
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.prelu(g.convolution(x, "conv3"), "prelu3")
    x = g.prelu_dense(g.dense(g.flattened(x), "dense4"), "prelu4")
    probability = g.node("Softmax", [g.dense(x, "dense5_1")], "probability", axis=1)
    return [g.dense(x, "dense5_2"), probability]


def onet(g: Graph, x: str) -> list[str]:
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv3"), "prelu3"), "pool3", 2)
    x = g.prelu(g.convolution(x, "conv4"), "prelu4")
    x = g.prelu_dense(g.dense(g.flattened(x), "dense5"), "prelu5")
    probability = g.node("Softmax", [g.dense(x, "dense6_1")], "probability", axis=1)
    return [g.dense(x, "dense6_2"), g.dense(x, "dense6_3"), probability]
