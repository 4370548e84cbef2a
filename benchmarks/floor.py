"""The least that reading photos can cost here: decoding alone, and the networks alone, on all cores.

    python benchmarks/floor.py FOLDER REPORT

First every photo (JPEG) is read once, to see which network is called with which shapes. Then, in a process
a core, the photos are decoded and nothing else; then the networks run on arrays of those shapes that lie
ready, and nothing else. REPORT is JSON: seconds of both, without start-up and first calls.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import simplejpeg

from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
from fercli.defaults import BACKEND, MIN_FACE, MIN_SCORE, MODEL
from fercli.devices import CPU, usable_cores
from fercli.images import decode
from fercli.mtcnn.cascade import find_faces
from fercli.mtcnn.nets import Nets, load_nets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.synchronize import Barrier

    from numpy.typing import NDArray

    Network = Callable[[NDArray[np.float32]], Any]

_PATIENCE = 120  # seconds for the processes to begin


class Call(NamedTuple):
    """A network's name, and the shape of what it is called with."""

    network: str
    shape: tuple[int, ...]


class Recorded:
    """A network that notes the shapes of its calls."""

    def __init__(self, name: str, network: Network, calls: list[Call]) -> None:
        self._name, self._network, self._calls = name, network, calls

    def __call__(self, pixels: NDArray[np.float32]) -> Any:
        """The network's outputs."""
        self._calls.append(Call(self._name, pixels.shape))
        return self._network(pixels)


def main() -> None:
    """Measures both and writes them."""
    paths, report = sorted(Path(sys.argv[1]).iterdir()), Path(sys.argv[2])
    nets = load_nets(threads=1)
    calls = [_calls(path, nets) for path in paths]
    shapes = sorted({call for photo in calls for call in photo})
    result = {"decode_s": _seconds(_decode, paths, []), "nets_s": _seconds(_run, calls, shapes)}
    report.write_text(json.dumps(result), "utf-8")


def _calls(path: Path, nets: Nets) -> list[Call]:
    """The calls of networks that a photo takes."""
    calls: list[Call] = []
    recorded = Nets(*(Recorded(name, getattr(nets, name), calls) for name in Nets._fields))  # type: ignore[arg-type] # called in the same way
    scores = find_faces(decode(path.read_bytes()), recorded, MIN_FACE).scores
    faces = int((scores >= MIN_SCORE).sum())
    return [*calls, Call("classifier", (faces, 1, 48, 48))] if faces else calls


def _seconds(work: Callable[[Any], None], items: Sequence[Any], shapes: Sequence[Call]) -> float:
    """How long all items take, in a process a core, once these are ready for calls of those shapes."""
    context, cores = multiprocessing.get_context("spawn"), usable_cores()
    ready = context.Barrier(cores + 1)
    with context.Pool(cores, _begin, (ready, shapes)) as pool:
        ready.wait(_PATIENCE)
        started = time.perf_counter()
        pool.map(work, items, chunksize=1)
        return time.perf_counter() - started


_networks: dict[str, Network] = {}
_arrays: dict[tuple[int, ...], NDArray[np.float32]] = {}


def _begin(ready: Barrier, shapes: Sequence[Call]) -> None:
    """Loads the networks, makes the arrays, and makes each call once: a first one prepares things."""
    if shapes:
        _networks.update(load_nets(threads=1)._asdict())
        loaded = load_classifiers([load_bundle(MODEL)], BACKEND, CPU, threads=1)
        _networks["classifier"] = loaded.classifiers[0]
    random = np.random.default_rng(0)
    for _, shape in shapes:
        _arrays[shape] = random.random(shape, np.float32)
    _run(shapes)
    ready.wait(_PATIENCE)


def _decode(path: Path) -> None:
    simplejpeg.decode_jpeg(path.read_bytes())


def _run(calls: Sequence[Call]) -> None:
    for network, shape in calls:
        _networks[network](_arrays[shape])


if __name__ == "__main__":
    main()
