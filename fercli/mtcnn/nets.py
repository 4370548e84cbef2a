"""The cascade's three nets, loaded from the package and checked against their manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fercli.errors import UnavailableError

if TYPE_CHECKING:
    import onnxruntime

FOLDER = Path(__file__).parent
MANIFEST = "nets.json"

Floats = NDArray[np.float32]


class Net:
    """One net that is loaded and ready; may be called from several threads at once.

    Takes float32 (N, 3, H, W) RGB in 0..255, hands over the net's outputs, each (N, ...). Larger batches
    than `batch_limit` run in turns, which bounds the memory.
    """

    def __init__(self, session: onnxruntime.InferenceSession, batch_limit: int) -> None:
        self._session = session
        self._batch_limit = batch_limit

    def __call__(self, pixels: Floats) -> list[Floats]:
        turns = [
            self._session.run(None, {"pixels": pixels[start : start + self._batch_limit]})
            for start in range(0, len(pixels), self._batch_limit)
        ]
        return [np.concatenate(outputs) if len(turns) > 1 else outputs[0] for outputs in zip(*turns, strict=True)]


class Nets(NamedTuple):
    """The cascade's nets: proposal, refinement and output, in the paper's words."""

    proposal: Net
    refinement: Net
    output: Net


def load_nets(threads: int, folder: Path = FOLDER) -> Nets:
    """The three nets, each run by `threads` threads of ONNX Runtime.

    Raises:
        UnavailableError: ONNX Runtime is not installed, or a file is missing or not the one that the
            manifest describes.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError(
            f"the detector mtcnn needs onnxruntime: {error}", "pip install 'fercli[cpu]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads would spin on the cores that decode; and a plan kept for every picture size, or an
    # arena that never shrinks, would make memory grow with the number of photos.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False

    def load(name: str, batch_limit: int) -> Net:
        model = _verified(folder, name)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return Net(session, batch_limit)

    return Nets(load("pnet", batch_limit=1), load("rnet", batch_limit=512), load("onet", batch_limit=128))


def _verified(folder: Path, name: str) -> bytes:
    path = folder / MANIFEST
    try:
        entry = json.loads(path.read_bytes())["nets"][name]
        path = folder / entry["file"]
        model = path.read_bytes()
    except (OSError, ValueError, KeyError) as error:
        raise UnavailableError(
            f"the detector mtcnn cannot read {path}: {error}", "Install fercli again."
        ) from error
    if hashlib.sha256(model).hexdigest() != entry["sha256"]:
        raise UnavailableError(
            f"{path} is not the file that {MANIFEST} describes: its sha256 differs.", "Install fercli again."
        )
    return model
