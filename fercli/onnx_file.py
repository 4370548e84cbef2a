"""Refuses ONNX files that keep data elsewhere or weights that are not numbers, before a runtime reads them.

ONNX Runtime and OpenVINO follow a tensor's `external_data` to other files. The package `onnx` could tell,
but it is large and is needed for nothing else here; the few fields that matter are read straight from the
file, which is in protobuf's wire format (https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fercli.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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

_DATA_TYPE, _FLOATS, _RAW, _EXTERNAL_DATA, _LOCATION = 2, 4, 9, 13, 14  # fields of a tensor
_FLOAT = 1  # the data type of 32-bit floats
_VARINT, _64_BIT, _LENGTH, _32_BIT = 0, 1, 2, 5  # protobuf's wire types
_DEPTH = 50
_LONGEST = 10  # bytes of a number of 64 bits


def check_onnx(path: Path) -> None:
    """Reads an ONNX file's tensors, and nothing else.

    Raises:
        ModelError: the file is no ONNX, keeps data outside itself, or holds weights that are
            not finite.
    """
    try:
        problems = [
            _problem(list(_fields(tensor)))
            for tensor in _tensors(memoryview(path.read_bytes()), "model", 0)
        ]
    except (IndexError, ValueError):
        problems = []
    if not problems:
        raise ModelError(f"{path} is not an ONNX model.")
    for problem in filter(None, problems):
        raise ModelError(f"{path} {problem}.")


def _problem(fields: list[tuple[int, int | memoryview]]) -> str:
    """What is wrong with a tensor; empty where nothing is."""
    if any(number == _EXTERNAL_DATA or (number == _LOCATION and value) for number, value in fields):
        return "keeps weights in another file, which no model may"
    if (_DATA_TYPE, _FLOAT) in fields:
        stored = [
            value for number, value in fields if number in {_RAW, _FLOATS} and not isinstance(value, int)
        ]
        if not all(np.isfinite(np.frombuffer(value, "<f4")).all() for value in stored):
            return "holds weights that are not finite numbers"
    return ""


def _tensors(message: memoryview, kind: str, depth: int) -> Iterator[memoryview]:
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    for number, value in _fields(message):
        inner = _INSIDE[kind].get(number)
        if inner is None:
            continue
        if not isinstance(value, memoryview):
            raise ValueError("a number where a message belongs")  # noqa: TRY004 - a broken file, not a wrong call
        if inner == "tensor":
            yield value
        else:
            yield from _tensors(value, inner, depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field of a message: its number, and its value as a whole number or as bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _LENGTH:
            size, place = _varint(message, place)
        elif wire in {_64_BIT, _32_BIT}:
            size = 8 if wire == _64_BIT else 4
        else:
            raise ValueError("an unknown wire type")
        if size > len(message) - place:
            raise ValueError("cut off")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    value = 0
    for length in range(_LONGEST):
        byte = message[place + length]
        value |= (byte & 0x7F) << 7 * length
        if byte & 0x80 == 0:
            return value, place + length + 1
    raise ValueError("a number without end")
