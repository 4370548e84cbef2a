"""Whatever protobuf's own library reads, is read here and gives the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import example, given
from hypothesis import strategies as st

from fercli.protobuf import Field, Wire, read_fields, read_varints, write_field

if TYPE_CHECKING:
    from collections.abc import Callable

_GROUP_START = 3
_NUMBERS = st.integers(1, 2**29 - 1)
_WORDS = st.integers(0, 2**64 - 1)
_MESSAGES = st.lists(st.tuples(_NUMBERS, st.one_of(_WORDS, st.binary(max_size=300)))).map(
    lambda fields: b"".join(write_field(number, value) for number, value in fields)
)


def plain(fields: list[Field]) -> list[tuple[int, int, int | bytes]]:
    return [
        (number, int(wire), value if isinstance(value, int) else bytes(value))
        for number, wire, value in fields
    ]


def ours(message: bytes) -> list[tuple[int, int, int | bytes]] | None:
    """The fields as read here; None where the message is refused."""
    try:
        return plain(list(read_fields(memoryview(message))))
    except ValueError:
        return None


def reference(message: bytes) -> list[tuple[int, int, int | bytes]] | None:
    """The fields as protobuf's library reads them; None where it refuses the message."""
    try:
        unknown = UnknownFieldSet(Empty.FromString(message))
    except DecodeError:
        return None
    widths = {Wire.FIXED_32: 4, Wire.FIXED_64: 8}
    return [
        (
            field.field_number,
            field.wire_type,
            field.data.to_bytes(widths[field.wire_type], "little")
            if field.wire_type in widths
            else field.data,
        )
        for field in unknown
    ]


@given(fields=st.lists(st.tuples(_NUMBERS, st.one_of(_WORDS, st.binary(max_size=300)))))
def test_what_is_written_is_read_here_and_there(fields: list[tuple[int, int | bytes]]) -> None:
    message = b"".join(write_field(number, value) for number, value in fields)
    read = ours(message)
    assert read == reference(message)
    assert read is not None
    assert [(number, value) for number, _, value in read] == fields


@given(message=st.one_of(st.binary(max_size=60), _MESSAGES.filter(bool)), data=st.data())
@example(b"\x08" + b"\xff" * 9 + b"\x01", None)  # the longest number
@example(b"\x0d\x01\x02\x03\x04", None)  # 32 bits
@example(b"\x09\x01\x02\x03\x04\x05\x06\x07\x08", None)  # 64 bits
def test_any_bytes_are_refused_or_give_what_they_give_there(
    message: bytes, data: st.DataObject | None
) -> None:
    if data is not None and message:
        place = data.draw(st.integers(0, len(message) - 1))
        changes: dict[str, Callable[[], bytes]] = {
            "as it is": lambda: message,
            "cut": lambda: message[:place],
            "a byte changed": lambda: message[:place] + data.draw(st.binary(min_size=1, max_size=1))
            + message[place + 1 :],
        }  # fmt: skip
        message = changes[data.draw(st.sampled_from(sorted(changes)))]()
    expected = reference(message)
    if expected is not None and all(wire != _GROUP_START for _, wire, _ in expected):
        assert ours(message) == expected
    elif expected is not None:
        assert ours(message) is None  # groups are not read


@pytest.mark.parametrize(
    "message",
    [
        b"\x08" + b"\x80" * 10 + b"\x01",
        b"\x08\x80",
        b"\x0d\x01\x02\x03",
        b"\x09\x01\x02\x03\x04\x05\x06\x07",
        b"\x0a\x02\x01",
        b"\x0a" + b"\xff" * 9 + b"\x01" + bytes(20),
        b"\x0f",
    ],
    ids=[
        "number of 11 bytes",
        "cut number",
        "cut 32 bits",
        "cut 64 bits",
        "cut bytes",
        "huge length",
        "wire type",
    ],
)
def test_what_is_broken_is_refused(message: bytes) -> None:
    assert reference(message) is None
    assert ours(message) is None


@given(values=st.lists(_WORDS))
def test_packed_numbers(values: list[int]) -> None:
    packed = b"".join(write_field(1, value)[1:] for value in values)
    assert list(read_varints(memoryview(packed))) == values
    if packed:
        with pytest.raises(ValueError, match="does not end"):
            list(read_varints(memoryview(packed + b"\x80")))


@given(value=st.integers(-(2**63), -1))
def test_a_negative_number_is_written_as_its_complement(value: int) -> None:
    ((_, _, read),) = read_fields(memoryview(write_field(1, value)))
    assert read == value + 2**64


def test_the_fields_of_a_message_of_another() -> None:
    tensor = onnx.TensorProto(
        name="weights", dims=[2, 300], data_type=onnx.TensorProto.FLOAT, raw_data=b"\0" * 2400,
    )  # fmt: skip
    graph = onnx.GraphProto(name="graph", initializer=[tensor])
    fields = [
        (number, bytes(value)) for number, _, value in read_fields(memoryview(graph.SerializeToString()))
        if not isinstance(value, int)
    ]  # fmt: skip
    assert sorted(fields) == [(2, b"graph"), (5, tensor.SerializeToString())]
    inner = plain(list(read_fields(memoryview(tensor.SerializeToString()))))
    assert [value for number, _, value in inner if number == 9] == [tensor.raw_data]
    assert [value for number, _, value in inner if number == 8] == [b"weights"]
