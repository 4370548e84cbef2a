"""Write MTCNN's three nets as ONNX from the weights that the facenet-pytorch wheel ships.

    pip download --no-deps facenet-pytorch==2.6.0
    python tools/mtcnn/export_nets.py facenet_pytorch-2.6.0-py3-none-any.whl

Writes `{pnet,rnet,onet}.onnx` and their manifest `nets.json` to `fercli/mtcnn/weights`, byte for byte
the same on every run. The graphs are the nets of facenet-pytorch 2.6.0 with the normalisation of its
`detect_face` in front, written so that ONNX Runtime stays in the blocked layout of its fast convolutions
and goes over the maps between them as few times as it can. None of that changes what is computed:

- The normalisation lies in the first layer's weights (`normalised`), the permutation before the first dense
  layer in that one's (`permuted`).
- A PReLU stands as `slope * x + (1 - slope) * relu(x)`, by a depthwise convolution that takes the relu
  along and one that takes the sum along; the first product lies in the layer before (`sloped`).
- The proposal net pools before its first PReLU, which then has a quarter of the values to go over
  (`proposal_start`).
- The first layer's channels (10 and 28) are filled up to whole blocks of 16 (`filled_up`), which the second
  layer multiplies by zero where they are empty.
- The proposal net's two heads are one convolution. Its softmax is left to the cascade: few cells need it.
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

    def convolution(self, x: str, layer: str) -> str:
        """A convolution without padding."""
        return self.node("Conv", [x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")], layer)

    def mixed(self, x: str, name: str, factors: NDArray[np.float32]) -> str:
        """The channels mixed with factors (outputs, inputs), or each multiplied with its own."""
        weight = self.constant(f"{name}.weight", factors.reshape(len(factors), -1, 1, 1))
        group = len(factors) if factors.ndim == 1 else 1
        return self.node("Conv", [x, weight], name, group=group)

    def dense(self, x: str, layer: str, output: str = "") -> str:
        """A dense layer."""
        inputs = [x, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")]
        return self.node("Gemm", inputs, output or layer, transB=1)

    def prelu(self, x: str, layer: str) -> str:
        """A PReLU after a convolution whose weights are `sloped`, so that x is multiplied by its slopes."""
        slopes = self.weights[f"{layer}.weight"]
        one = np.float32(1)
        relu = self.node("Relu", [self.mixed(x, f"{layer}.plain", one / slopes)], f"{layer}.relu")
        return self.node("Add", [self.mixed(relu, f"{layer}.hinge", one - slopes), x], layer)

    def prelu_dense(self, x: str, layer: str) -> str:
        """A PReLU after a dense layer."""
        return self.node("PRelu", [x, self.weight(f"{layer}.weight")], layer)

    def pooled(self, x: str, layer: str, size: int) -> str:
        """Maxima of `size` by `size` every two pixels, the last ones of what is left at the edges."""
        return self.node("MaxPool", [x], layer, kernel_shape=[size, size], strides=[2, 2], ceil_mode=1)

    def probability(self, logits: str) -> str:
        """The probabilities of no face and of a face."""
        return self.node("Softmax", [logits], "probabilities", axis=1)


def pnet(g: Graph, x: str) -> list[str]:
    """Proposal net: maps (N, 6, h, w) of offsets (4) and logits (2), a cell every two pixels."""
    x = g.pooled(g.convolution(x, "conv1"), "pool1", 2)
    hinge = g.node("Relu", [g.mixed(x, "prelu1.hinge", g.weights["prelu1.hinge"])], "prelu1.relu")
    x = g.node("Add", [g.mixed(x, "prelu1.line", g.weights["prelu1.line"]), hinge], "prelu1")
    x = g.prelu(g.convolution(x, "conv2"), "prelu2")
    x = g.prelu(g.convolution(x, "conv3"), "prelu3")
    return [g.convolution(x, "maps")]


def rnet(g: Graph, x: str) -> list[str]:
    """Refinement net: offsets (N, 4) and probabilities (N, 2) of crops of 24x24."""
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.prelu(g.convolution(x, "conv3"), "prelu3")
    x = g.prelu_dense(g.dense(g.node("Flatten", [x], "flat"), "dense4"), "prelu4")
    return [g.dense(x, "dense5_2", "offsets"), g.probability(g.dense(x, "dense5_1"))]


def onet(g: Graph, x: str) -> list[str]:
    """Output net: offsets (N, 4), landmarks (N, 10) and probabilities (N, 2) of crops of 48x48."""
    x = g.pooled(g.prelu(g.convolution(x, "conv1"), "prelu1"), "pool1", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.pooled(g.prelu(g.convolution(x, "conv3"), "prelu3"), "pool3", 2)
    x = g.prelu(g.convolution(x, "conv4"), "prelu4")
    x = g.prelu_dense(g.dense(g.node("Flatten", [x], "flat"), "dense5"), "prelu5")
    landmarks = g.dense(x, "dense6_3", "landmarks")
    return [g.dense(x, "dense6_2", "offsets"), landmarks, g.probability(g.dense(x, "dense6_1"))]


def pnet_weights(weights: Weights) -> Weights:
    """The proposal net's weights as `pnet` wants them."""
    heads = {
        f"maps.{part}": np.concatenate([weights[f"conv4_{head}.{part}"] for head in (2, 1)])
        for part in ("weight", "bias")
    }
    return sloped(filled_up(proposal_start(normalised(weights | heads))), 2, 3)


def rnet_weights(weights: Weights) -> Weights:
    """The refinement net's weights as `rnet` wants them."""
    return permuted(sloped(filled_up(normalised(weights)), 1, 2, 3), "dense4", 3)


def onet_weights(weights: Weights) -> Weights:
    """The output net's weights as `onet` wants them."""
    return permuted(sloped(normalised(weights), 1, 2, 3, 4), "dense5", 3)


def normalised(weights: Weights) -> Weights:
    """The first layer takes `(x - 127.5) * 0.0078125` of its input, as `detect_face` does for every net."""
    weight = weights["conv1.weight"].astype(np.float64) * 0.0078125
    bias = weights["conv1.bias"] - 127.5 * weight.sum(axis=(1, 2, 3))
    return weights | {"conv1.weight": weight.astype(np.float32), "conv1.bias": bias.astype(np.float32)}


def sloped(weights: Weights, *layers: int) -> Weights:
    """These convolutions multiply their results by the slopes of their PReLUs, none of which is 0."""
    changed = dict(weights)
    for layer in layers:
        slopes = weights[f"prelu{layer}.weight"]
        changed[f"conv{layer}.weight"] = weights[f"conv{layer}.weight"] * slopes[:, None, None, None]
        changed[f"conv{layer}.bias"] = weights[f"conv{layer}.bias"] * slopes
    return changed


def permuted(weights: Weights, layer: str, side: int) -> Weights:
    """The dense layer takes maps of `side` by `side` pixels as they are, not permuted by (0, 3, 2, 1)."""
    weight = weights[f"{layer}.weight"].reshape(len(weights[f"{layer}.bias"]), side, side, -1)
    return weights | {f"{layer}.weight": weight.transpose(0, 3, 2, 1).reshape(len(weight), -1)}


def proposal_start(weights: Weights) -> Weights:
    """The first PReLU for what is pooled before it: `line` times that, plus the relu of `hinge` times that.

    A PReLU that rises everywhere may as well follow the pooling. One with a slope below 0 falls on the
    left, so its greatest result is max(greatest, slope * least). The first layer gives such a channel once
    more with its sign changed, whose pooling gives minus the least; and the maximum of two numbers is the
    second plus the relu of their difference. Where a slope is above 1 the relu would have to be taken away,
    so such a channel goes on with its sign changed.
    """
    slopes = weights["prelu1.weight"].astype(np.float64)
    channels, falling = len(slopes), np.flatnonzero(slopes < 0)
    least = channels + np.arange(len(falling))
    signs = np.where(slopes > 1, -1, 1)
    line, hinge = np.zeros((2, channels, channels + len(falling)))
    np.fill_diagonal(line, np.where(slopes < 0, 0, signs * slopes))
    np.fill_diagonal(hinge, np.where(slopes < 0, 1, signs * (1 - slopes)))
    line[falling, least] = -slopes[falling]
    hinge[falling, least] = slopes[falling]
    twice = {
        f"conv1.{part}": np.concatenate([weights[f"conv1.{part}"], -weights[f"conv1.{part}"][falling]])
        for part in ("weight", "bias")
    }
    return (
        weights
        | twice
        | {
            "prelu1.line": line.astype(np.float32),
            "prelu1.hinge": hinge.astype(np.float32),
            "conv2.weight": weights["conv2.weight"] * signs.astype(np.float32)[:, None, None],
        }
    )


def filled_up(weights: Weights) -> Weights:
    """The same net, its first layer's channels filled up to whole blocks with empty ones."""
    filled = dict(weights)
    for name, axis in _OF_FIRST_CHANNELS.items():
        if name in weights:
            missing = [(0, -size % BLOCK if i == axis else 0) for i, size in enumerate(weights[name].shape)]
            filler = 1 if name == "prelu1.weight" else 0  # any slope but 0 will do
            filled[name] = np.pad(weights[name], missing, constant_values=filler)
    return filled


BLOCK = 16
"""Channels that the widest vector registers hold, in float32."""

_OF_FIRST_CHANNELS = {
    "conv1.weight": 0,
    "conv1.bias": 0,
    "prelu1.weight": 0,
    "prelu1.line": 0,
    "prelu1.hinge": 0,
    "conv2.weight": 1,
}
"""Arrays, and the axis on which they have the first layer's channels."""


NETS = {
    "pnet": (pnet, pnet_weights, None, 4),
    "rnet": (rnet, rnet_weights, 24, 2),
    "onet": (onet, onet_weights, 48, 2),
}
"""Each net's builder, its weights, the side of its input (None: any) and the rank of its outputs."""


def to_onnx(name: str, weights: Weights) -> bytes:
    """The net `name` with `weights` as a checked ONNX model."""
    import onnx
    from onnx import TensorProto, helper

    build, prepare, side, rank = NETS[name]
    graph = Graph(prepare(weights))
    outputs = build(graph, "pixels")
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
