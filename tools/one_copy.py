"""Makes model.onnx hold a model's weights as they were trained, so that its folder needs no second copy.

`python -m tools.one_copy fercli/models/article`: torch's exporter folds each normalisation into the layer
before it. Here the layer gets its own weights back from weights.safetensors, under the same names, and the
normalisation becomes a node, which the runtimes fold when they load the file. Then weights.safetensors is
removed: `fercli.weights` reads model.onnx instead.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fercli.bundle import DESCRIPTION, ONNX, WEIGHTS, Bundle, load_bundle, sha256
from fercli.classifiers import load_classifiers
from fercli.exporting import check_parity
from fercli.weights import read_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EPSILON = 1e-5
"""torch's own, which every network of fercli has."""
_STATISTICS = ("weight", "bias", "running_mean", "running_var")
_FOLDED = ".weight_bias"


def unfold(graph: onnx.GraphProto, weights: dict[str, NDArray[np.float32]]) -> None:
    """Replaces each layer that holds a folded normalisation by the layer and the normalisation."""
    nodes = []
    for node in graph.node:
        nodes.append(node)
        folded = next((name for name in node.input if name.endswith(_FOLDED)), None)
        if folded is None:
            continue
        layer = folded.removesuffix(_FOLDED)
        normalisation = f"{layer.rpartition('.')[0]}.normalisation"
        node.input.remove(folded)
        (output,) = node.output
        node.output[0] = f"{output}_before"
        scale = [f"{normalisation}.{name}" for name in _STATISTICS]
        nodes.append(
            helper.make_node(
                "BatchNormalization", [node.output[0], *scale], [output], normalisation, epsilon=_EPSILON
            )
        )
    constants = [
        one for one in graph.initializer if one.name not in weights and not one.name.endswith(_FOLDED)
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*constants, *tensors])


def main(model: str) -> None:
    """Writes model.onnx and model.json of a folder anew, and removes weights.safetensors."""
    bundle = load_bundle(model)
    weights = read_weights(bundle)
    network = onnx.load(bundle.verified(ONNX))
    faces = np.random.default_rng(0).random((64, 1, 48, 48), np.float32)
    before = _logits(bundle, faces)
    unfold(network.graph, weights)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, bundle.folder / ONNX)
    (bundle.folder / WEIGHTS).unlink()
    others = {name: digest for name, digest in bundle.files.items() if name not in {WEIGHTS, ONNX}}
    files = {ONNX: sha256(bundle.folder / ONNX), **others}
    (bundle.folder / DESCRIPTION).write_text(
        json.dumps({**bundle.description, "files": files}, indent=1) + "\n", "utf-8"
    )
    made = load_bundle(model)
    after = _logits(made, faces)
    check_parity(after, before, ONNX)
    if any(not np.array_equal(value, weights[name]) for name, value in read_weights(made).items()):
        raise SystemExit("model.onnx gives other weights than weights.safetensors did.")
    print(f"largest difference of a logit: {np.abs(after - before).max():.2g}")


def _logits(bundle: Bundle, faces: NDArray[np.float32]) -> NDArray[np.float32]:
    _, (classifier,) = load_classifiers([bundle], "onnx", "cpu", 1)
    return classifier(faces)


if __name__ == "__main__":
    main(*sys.argv[1:])
