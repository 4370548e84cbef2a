"""Write MTCNN's three nets as ONNX from the weights that the facenet-pytorch wheel ships.

    pip download --no-deps facenet-pytorch==2.6.0
    python tools/mtcnn/export_nets.py facenet_pytorch-2.6.0-py3-none-any.whl

Writes `{pnet,rnet,onet}.onnx` and their manifest `nets.json` to `fercli/mtcnn/weights`, byte for byte
the same on every run. The graphs are the nets of facenet-pytorch 2.6.0, layer by layer, with the
normalisation of its `detect_face` in front. Three things are written differently, so that ONNX Runtime
stays in the blocked layout of its fast convolutions; none of them changes what is computed:

- A PReLU stands as `slope * x + (1 - slope) * relu(x)`, each product a depthwise 1x1 convolution.
- The first layer's channels (10 and 28) are filled up with zeros to whole blocks of 16, which the second
  layer multiplies by zero.
- The proposal net's two heads are one convolution, whose result is split.
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
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

FOLDER = Path(__file__).parents[2] / "fercli" / "mtcnn" / "weights"
WHEEL_SHA256 = "ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca"
OPSET = 17
IR_VERSION = 9  # with the opset, old enough for every onnxruntime that the project supports

Weights = dict[str, NDArray[np.float32]]


class Graph:
    """An ONNX graph in the making. Each method adds a layer to the tensor `x` and names its result."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """An array stored in the graph."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        """One of the trained arrays."""
        return self.constant(name, self.weights[name])

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Any ONNX operator."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def normalised(self, x: str) -> str:
        """`(x - 127.5) * 0.0078125`, as `detect_face` does before every net."""
        centred = self.node("Sub", [x, self.constant("mean", np.array([127.5], np.float32))], "centred")
        return self.node(
            "Mul", [centred, self.constant("scale", np.array([0.0078125], np.float32))], "normalised"
        )

    def convolution(self, x: str, layer: str) -> str:
        """A convolution without padding."""
        return self.node("Conv", [x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")], layer)

    def dense(self, x: str, layer: str, output: str = "") -> str:
        """A dense layer."""
        inputs = [x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")]
        return self.node("Gemm", inputs, output or layer, transB=1)

    def prelu(self, x: str, layer: str) -> str:
        """A PReLU after a convolution, as the sum of a line and a hinge."""
        slope = self.weights[f"{layer}.weight"]
        line = self._scaled(x, f"{layer}.line", slope)
        hinge = self._scaled(self.node("Relu", [x], f"{layer}.relu"), f"{layer}.hinge", 1 - slope)
        return self.node("Add", [line, hinge], layer)

    def _scaled(self, x: str, name: str, factors: NDArray[np.float32]) -> str:
        weight = self.constant(f"{name}.weight", factors.reshape(-1, 1, 1, 1))
        return self.node("Conv", [x, weight], name, group=len(factors))

    def prelu_dense(self, x: str, layer: str) -> str:
        """A PReLU after a dense layer."""
        return self.node("PRelu", [x, self.weight(f"{layer}.weight")], layer)

    def heads(self, x: str, layers: dict[str, str]) -> list[str]:
        """Several convolutions of the same maps as one, split into what each gives, by its name."""
        joined = [
            np.concatenate([self.weights[f"{layer}.{part}"] for layer in layers.values()])
            for part in ("weight", "bias")
        ]
        inputs = [x, self.constant("heads.weight", joined[0]), self.constant("heads.bias", joined[1])]
        widths = np.array([len(self.weights[f"{layer}.bias"]) for layer in layers.values()])
        return self.split(self.node("Conv", inputs, "heads"), widths, list(layers))

    def split(self, x: str, widths: NDArray[np.int64], outputs: list[str]) -> list[str]:
        """The channels of `x` in groups of these widths."""
        from onnx import helper

        inputs = [x, self.constant("widths", widths)]
        self.nodes.append(helper.make_node("Split", inputs, outputs, name="split", axis=1))
        return outputs

    def pooled(self, x: str, layer: str, size: int) -> str:
        """Maxima of `size` by `size` every two pixels, the last ones of what is left at the edges."""
        return self.node("MaxPool", [x], layer, kernel_shape=[size, size], strides=[2, 2], ceil_mode=1)

    def flattened(self, x: str) -> str:
        """The permutation (0, 3, 2, 1) before the first dense layer, then one row a sample."""
        return self.node("Flatten", [self.node("Transpose", [x], "permuted", perm=[0, 3, 2, 1])], "flat")

    def probability(self, logits: str) -> str:
        """The probabilities of no face and of a face."""
        return self.node("Softmax", [logits], "probabilities", axis=1)


def pnet(g: Graph, x: str) -> list[str]:
    """Proposal net: offsets (N, 4, h, w) and probabilities (N, 2, h, w), a cell every two pixels."""
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 2)
    x = g.prelu(g.convolution(x, "conv2"), "prelu2")
    x = g.prelu(g.convolution(x, "conv3"), "prelu3")
    offsets, logits = g.heads(x, {"offsets": "conv4_2", "logits": "conv4_1"})
    return [offsets, g.probability(logits)]


def rnet(g: Graph, x: str) -> list[str]:
    """Refinement net: offsets (N, 4) and probabilities (N, 2) of crops of 24x24."""
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.prelu(g.convolution(x, "conv3"), "prelu3")
    x = g.prelu_dense(g.dense(g.flattened(x), "dense4"), "prelu4")
    return [g.dense(x, "dense5_2", "offsets"), g.probability(g.dense(x, "dense5_1"))]


def onet(g: Graph, x: str) -> list[str]:
    """Output net: offsets (N, 4), landmarks (N, 10) and probabilities (N, 2) of crops of 48x48."""
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv3"), "prelu3"), "pool3", 2)
    x = g.prelu(g.convolution(x, "conv4"), "prelu4")
    x = g.prelu_dense(g.dense(g.flattened(x), "dense5"), "prelu5")
    landmarks = g.dense(x, "dense6_3", "landmarks")
    return [g.dense(x, "dense6_2", "offsets"), landmarks, g.probability(g.dense(x, "dense6_1"))]


NETS = {"pnet": (pnet, None, 4), "rnet": (rnet, 24, 2), "onet": (onet, 48, 2)}
"""Each net's builder, the side of its input (None: any) and the rank of its outputs."""


BLOCK = 16
"""Channels that the widest vector registers hold, in float32."""


def filled_up(weights: Weights) -> Weights:
    """The same net, its first layer's channels filled up with zeros to whole blocks."""
    missing = -len(weights["conv1.bias"]) % BLOCK
    return weights | {
        "conv1.weight": np.pad(weights["conv1.weight"], [(0, missing), (0, 0), (0, 0), (0, 0)]),
        "conv1.bias": np.pad(weights["conv1.bias"], (0, missing)),
        "prelu1.weight": np.pad(weights["prelu1.weight"], (0, missing)),
        "conv2.weight": np.pad(weights["conv2.weight"], [(0, 0), (0, missing), (0, 0), (0, 0)]),
    }


def to_onnx(name: str, weights: Weights) -> bytes:
    """The net `name` with `weights` as a checked ONNX model."""
    import onnx
    from onnx import TensorProto, helper

    build, side, rank = NETS[name]
    graph = Graph(filled_up(weights))
    outputs = build(graph, graph.normalised("pixels"))
    shape: list[str | int | None] = ["batch", 3, side or "height", side or "width"]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(o, TensorProto.FLOAT, [None] * rank) for o in outputs],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fercli tools/mtcnn/export_nets.py",
    )
    onnx.checker.check_model(model, full_check=True)
    encoded: bytes = model.SerializeToString(deterministic=True)
    return encoded


def sha256(data: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def main(wheel: Path) -> None:
    """Write the nets and their manifest from the wheel."""
    import torch

    if sha256(wheel.read_bytes()) != WHEEL_SHA256:
        sys.exit(f"{wheel} is not the facenet-pytorch 2.6.0 that PyPI serves: its sha256 differs.")
    manifest: dict[str, Any] = {
        "origin": "facenet-pytorch 2.6.0, https://pypi.org/project/facenet-pytorch/2.6.0/",
        "licence": "MIT, LICENSE.md",
        "wheel": {"file": wheel.name, "sha256": WHEEL_SHA256},
        "exporter": "tools/mtcnn/export_nets.py",
        "nets": {},
    }
    with zipfile.ZipFile(wheel) as archive:
        for name in NETS:
            source = f"facenet_pytorch/data/{name}.pt"
            stored = archive.read(source)
            state = torch.load(io.BytesIO(stored), weights_only=True)
            model = to_onnx(name, {key: value.numpy() for key, value in state.items()})
            file = f"{name}.onnx"
            (FOLDER / file).write_bytes(model)
            manifest["nets"][name] = {
                "source": source,
                "source_sha256": sha256(stored),
                "file": file,
                "sha256": sha256(model),
            }
    (FOLDER / "nets.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
