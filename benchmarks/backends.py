"""The backends' speed, and what each adds to its bare runtime, as ratios inside one run.

    python benchmarks/backends.py --out benchmarks/results

Run it with the Python of an environment that has every runtime, on a quiet machine. Each runtime has a
process of its own; in turns, round after round, every one reads the same batches of the faces that ship, by
the same number of threads: call by call through the backend, and by hand on what the backend has loaded, so
that nothing differs but the call. Writes backends.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
from fercli.comparison.side_by_side import run_side_by_side
from fercli.devices import CPU, usable_cores
from fercli.runtimes import import_tensorflow
from fercli.sample_faces import sample_faces
from machine import load, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Call = Callable[[NDArray[np.float32]], NDArray[np.float32]]

BATCH_SIZES = (1, 8, 64)
SECONDS = 0.5  # of each batch size in a round, for either side
PLAIN_TORCH = "plain torch"
PACKAGES = ("fercli", "numpy", "onnxruntime", "openvino", "tensorflow", "torch")


def bare_onnx(classifier: Any) -> Call:
    """ONNX Runtime by hand."""
    session = classifier._session
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def bare_openvino(classifier: Any) -> Call:
    """OpenVINO by hand, as its own tutorials call a compiled model."""
    model = classifier._model
    return lambda batch: model(batch)[0]


def bare_tensorflow(classifier: Any) -> Call:
    """TensorFlow by hand."""
    function, constant = classifier._function, import_tensorflow().constant
    return lambda batch: function(constant(batch)).numpy()


def bare_torch(classifier: Any) -> Call:
    """Torch by hand."""
    return _eager(classifier._network)


def plain_torch(threads: int) -> Call:
    """What a person writes without a thought of speed: eager, in torch's default layout of memory."""
    import torch

    from fercli_torch.network import load_network

    torch.set_num_threads(threads)
    return _eager(load_network(load_bundle("default")))


def _eager(network: Any) -> Call:
    import torch

    @torch.inference_mode()
    def call(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = network(torch.from_numpy(batch)).numpy()
        return logits

    return call


BARE = {
    "onnx": bare_onnx,
    "openvino": bare_openvino,
    "openvino-bf16": bare_openvino,
    "tensorflow": bare_tensorflow,
    "torch": bare_torch,
}


class Pair:
    """A backend and its bare runtime, in one process; plain torch has nothing beside it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: list[Call] = []
        self._rounds = 0

    def load(self) -> None:
        """Both sides, and that they answer the same."""
        threads = usable_cores()
        if self._name == PLAIN_TORCH:
            self._calls = [plain_torch(threads)]
            return
        guarded: Any = load_classifiers([load_bundle("default")], self._name, CPU, threads).classifiers[0]
        self._calls = [guarded, BARE[self._name](guarded._loaded._network)]
        ours, theirs = (call(_batch(11)) for call in self._calls)
        if not np.array_equal(ours, theirs):
            raise ValueError(f"the bare runtime of {self._name} answers something else")

    def measure(self) -> dict[int, list[tuple[float, ...]]]:
        """For each batch size, the seconds of a call of either side, one right after the other."""
        self._rounds += 1
        return {size: list(self._turns(_batch(size))) for size in BATCH_SIZES}

    def _turns(self, batch: NDArray[np.float32]) -> Iterator[tuple[float, ...]]:
        for call in self._calls:
            call(batch)
            call(batch)
        ends = perf_counter() + SECONDS * len(self._calls)
        order = list(range(len(self._calls)))
        while perf_counter() < ends:
            order.reverse()
            seconds = [0.0] * len(order)
            for side in order:
                started = perf_counter()
                self._calls[side](batch)
                seconds[side] = perf_counter() - started
            yield tuple(seconds)

    def result(self) -> int:
        """How many rounds there were."""
        return self._rounds


def _batch(size: int) -> NDArray[np.float32]:
    faces = sample_faces()[:, np.newaxis]
    return np.resize(faces, (size, *faces.shape[1:]))


def main() -> None:
    """Runs everything, prints and writes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    before = load()
    names = [PLAIN_TORCH, *BARE]
    outcomes = run_side_by_side(
        {name: Pair(name) for name in names}, arguments.rounds, partial(print, file=sys.stderr)
    )
    for name, outcome in outcomes.items():
        if outcome.reason:
            raise RuntimeError(f"{name}: {outcome.reason}")
    rounds = {name: outcome.rounds for name, outcome in outcomes.items()}
    plain = {size: _rates(rounds[PLAIN_TORCH], size) for size in BATCH_SIZES}
    result = {
        "machine": machine(PACKAGES) | {"load_before": before, "load_after": load()},
        "command": f"python benchmarks/backends.py --rounds {arguments.rounds}",
        "backends": {
            name: {f"batch {size}": _figures(rounds[name], size, plain[size]) for size in BATCH_SIZES}
            for name in names
        },
    }
    text = json.dumps(result, indent=1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "backends.json").write_text(text + "\n", "utf-8")
    print(text)


def _figures(
    rounds: Sequence[dict[int, list[tuple[float, ...]]]], size: int, plain: Sequence[float]
) -> dict[str, Any]:
    rates = _rates(rounds, size)
    ratios = [ours / theirs for ours, theirs in zip(rates, plain, strict=True)]
    figures: dict[str, Any] = {
        "faces_per_second": round(median(rates)),
        "spread": [round(min(rates)), round(max(rates))],
        "to_plain_torch": round(median(ratios), 3),
        "to_plain_torch_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }
    pairs = list(chain.from_iterable(timings[size] for timings in rounds))
    if len(pairs[0]) > 1:
        added = [median(pair[0] / pair[1] for pair in timings[size]) for timings in rounds]
        figures |= {
            "to_bare_runtime": round(median(pair[0] / pair[1] for pair in pairs), 4),
            "to_bare_runtime_spread": [round(min(added), 4), round(max(added), 4)],
            "pairs": len(pairs),
        }
    return figures


def _rates(rounds: Sequence[dict[int, list[tuple[float, ...]]]], size: int) -> list[float]:
    """Faces a second of the first side, by each round's median call."""
    return [size / median(pair[0] for pair in timings[size]) for timings in rounds]


if __name__ == "__main__":
    main()
