"""ONNX files, refused where they keep data elsewhere or weights that are not numbers; their weights, read.

ONNX Runtime and OpenVINO follow a tensor's `external_data` to other files. The package `onnx` could tell,
but it is large and is needed for nothing else here; the few fields that matter are read straight from the
file (`fercli.protobuf`).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import ModelError
from fercli.protobuf import read_fields, read_varints
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.protobuf import Field

_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""Which fields of a message lead to tensors, by their numbers in onnx.proto."""

_DIMS, _DATA_TYPE, _FLOATS, _NAME, _RAW, _EXTERNAL_DATA, _LOCATION = 1, 2, 4, 8, 9, 13, 14  # of a tensor
_FLOAT = 1  # the data type of 32-bit floats
_DEPTH = 50


def check_onnx(path: Path) -> None:
    """Reads an ONNX file's tensors, and nothing else.

    Raises:
        ModelError: the file is not ONNX, keeps data outside itself, or holds weights that are
            not finite.
    """
    try:
        problems = [
            _problem(list(read_fields(tensor)))
            for tensor in _tensors(memoryview(path.read_bytes()), "model", 0)
        ]
    except ValueError:
        problems = []
    if not problems:
        raise ModelError(f"{quoted(path)} is not an ONNX model.")
    for problem in filter(None, problems):
        raise ModelError(f"{quoted(path)} {problem}.")


def read_floats(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every tensor of 32-bit floats in an ONNX file that has a name, by its name.

    Raises:
        ModelError: the file is not ONNX.
    """
    try:
        tensors = (
            _named(list(read_fields(one))) for one in _tensors(memoryview(path.read_bytes()), "model", 0)
        )
        return {name: values for name, values in tensors if name}
    except ValueError as error:
        raise ModelError(f"{quoted(path)} is not an ONNX model.") from error


def _named(fields: list[Field]) -> tuple[str, NDArray[np.float32]]:
    """A tensor and its name; no name where it holds anything but floats in the form of bytes."""
    shape: list[int] = []
    name, raw, kind = "", memoryview(b""), 0
    for number, _, value in fields:
        if number == _DIMS:
            shape += [value] if isinstance(value, int) else read_varints(value)
        elif number == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME and isinstance(value, memoryview):
            name = str(value, "utf-8")
        elif number == _RAW and isinstance(value, memoryview):
            raw = value
    if kind != _FLOAT or len(raw) != prod(shape) * 4:
        return "", np.empty(0, np.float32)
    return name, np.frombuffer(raw, "<f4").reshape(shape).astype(np.float32)


def _problem(fields: list[Field]) -> str:
    """What is wrong with a tensor; empty where nothing is."""
    if any(number == _EXTERNAL_DATA or (number == _LOCATION and value) for number, _, value in fields):
        return "keeps weights in another file, which no model may"
    if any(number == _DATA_TYPE and value == _FLOAT for number, _, value in fields):
        stored = [
            value for number, _, value in fields if number in {_RAW, _FLOATS} and not isinstance(value, int)
        ]
        if not all(np.isfinite(np.frombuffer(value, "<f4")).all() for value in stored):
            return "holds weights that are not finite numbers"
    return ""


def _tensors(message: memoryview, kind: str, depth: int) -> Iterator[memoryview]:
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    for number, _, value in read_fields(message):
        inner = _INSIDE[kind].get(number)
        if inner is None:
            continue
        if not isinstance(value, memoryview):
            raise ValueError("a number where a message belongs")  # noqa: TRY004 - a broken file, not a wrong call
        if inner == "tensor":
            yield value
        else:
            yield from _tensors(value, inner, depth + 1)
