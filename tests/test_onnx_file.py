"""Any bytes at all: read to the end or refused, never anything else. Real cases: tests/backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fercli.bundle import MODELS
from fercli.errors import UnavailableError
from fercli.onnx_file import check_onnx

if TYPE_CHECKING:
    from pathlib import Path


def outcome(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    try:
        check_onnx(path)
    except UnavailableError as error:
        return error.message
    return ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    said = outcome(tmp_path / "m.onnx", content)
    assert said == "" or said.startswith(str(tmp_path / "m.onnx"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(place=st.integers(0, 27_000), bits=st.integers(1, 255))
def test_any_byte_changed(tmp_path: Path, pnet: bytes, place: int, bits: int) -> None:
    content = bytearray(pnet)
    content[place % len(content)] ^= bits
    outcome(tmp_path / "m.onnx", bytes(content))


@pytest.fixture(scope="module")
def pnet() -> bytes:
    return (MODELS.parent / "mtcnn" / "weights" / "pnet.onnx").read_bytes()


def test_a_message_in_itself_without_end(tmp_path: Path) -> None:
    content = b""
    for _ in range(200):
        content = b"\x32" + varint(len(content)) + content  # an attribute's graph, 6
        content = b"\x2a" + varint(len(content)) + content  # a node's attribute, 5
        content = b"\x0a" + varint(len(content)) + content  # a graph's node, 1
    content = b"\x3a" + varint(len(content)) + content  # the model's graph, 7
    assert outcome(tmp_path / "m.onnx", content).endswith("is not an ONNX model.")


def varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def test_a_network_as_it_ships(tmp_path: Path, pnet: bytes) -> None:
    assert outcome(tmp_path / "m.onnx", pnet) == ""
