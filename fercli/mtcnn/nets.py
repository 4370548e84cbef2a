"""The cascade's three nets, loaded from the package and checked against their manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fercli.errors import UnavailableError
from fercli.extras import install
from fercli.runtimes import import_onnxruntime
from fercli.wording import quoted

WEIGHTS = Path(__file__).parent / "weights"
"""Holds the nets, their manifest nets.json and their licence."""

Floats = NDArray[np.float32]


class Net:
    """One net that is loaded and ready; may be called from several threads at once."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __call__(self, pixels: Floats) -> list[Floats]:
        """The net's outputs, each float32 (N, ...), for RGB pixels in 0..255, float32 (N, 3, H, W)."""
        outputs: list[Floats] = self._session.run(None, {"pixels": pixels})
        return outputs


class Nets(NamedTuple):
    """The cascade's nets: proposal, refinement and output, in the paper's words."""

    proposal: Net
    refinement: Net
    output: Net


def load_nets(threads: int, folder: Path = WEIGHTS) -> Nets:
    """The three nets in a folder, each run by `threads` threads of ONNX Runtime.

    Raises:
        UnavailableError: ONNX Runtime is not installed, or a file is missing or not the one that the
            manifest describes.
    """
    try:
        onnxruntime = import_onnxruntime()
    except (ImportError, OSError) as error:
        raise UnavailableError(f"The detector mtcnn needs onnxruntime: {error}.", install("cpu")) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads would spin on the cores that decode, and a plan kept for every size of picture would
    # make memory grow with the number of photos. What a call needs is bounded by the cascade's strips and
    # turns, so the arena stays small; without it, many faces in one picture fragment a gigabyte of heap.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    sessions = [
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        for model in _verified_models(folder)
    ]
    return Nets(*map(Net, sessions))


def _verified_models(folder: Path) -> list[bytes]:
    """The encoded nets in the order of the cascade, each with the sha256 that the manifest gives."""
    path = folder / "nets.json"
    models = []
    try:
        entries = json.loads(path.read_bytes())["nets"]
        for name in ("pnet", "rnet", "onet"):
            entry = entries[name]
            path = folder / entry["file"]
            model = path.read_bytes()
            if hashlib.sha256(model).hexdigest() != entry["sha256"]:
                raise UnavailableError(
                    f"{quoted(path)} is not the file that nets.json describes: its sha256 differs.",
                    _REINSTALL,
                )
            models.append(model)
    except OSError as error:
        raise UnavailableError(
            f"The detector mtcnn cannot read {quoted(path)}: {error.strerror}.", _REINSTALL
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnavailableError(
            f"{quoted(folder / 'nets.json')} is not the manifest of MTCNN's nets.", _REINSTALL
        ) from error
    return models


_REINSTALL = "Install fercli again."
