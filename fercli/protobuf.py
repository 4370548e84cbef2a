"""Protobuf's wire format, read and written without protobuf: the fields of a message, without its schema.

Format: https://protobuf.dev/programming-guides/encoding. Groups, which are deprecated, are not read.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wire(IntEnum):
    """How a value is written: wire types."""

    VARINT = 0
    FIXED_64 = 1
    LENGTH_DELIMITED = 2
    FIXED_32 = 5


class Field(NamedTuple):
    """A field of a message: a whole number where `wire` is VARINT, else bytes."""

    number: int
    wire: Wire
    value: int | memoryview


_WIRES = {int(wire): wire for wire in Wire}  # four times as fast as Wire(...)
_WORD = 1 << 64
_LONGEST = 10
"""The most bytes of a number of 64 bits."""
_MORE = 0x80
_FIXED = {Wire.FIXED_64: 8, Wire.FIXED_32: 4}


def read_fields(message: memoryview) -> Iterator[Field]:
    """Each field of a message, in order.

    Raises:
        ValueError: the message is cut off, or is not in this format.
    """
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        number, wire = key >> 3, _WIRES.get(key & 7)
        if wire is None:
            raise ValueError("a wire type that is not read")
        if wire is Wire.VARINT:
            value, place = _read_varint(message, place)
            yield Field(number, wire, value)
            continue
        if wire is Wire.LENGTH_DELIMITED:
            size, place = _read_varint(message, place)
        else:
            size = _FIXED[wire]
        if size > len(message) - place:
            raise ValueError(f"field {number} reaches beyond its message")
        yield Field(number, wire, message[place : place + size])
        place += size


def read_varints(packed: memoryview) -> Iterator[int]:
    """The numbers of a packed field, 0 to 2**64 - 1.

    Raises:
        ValueError: it is cut off, or a number does not end.
    """
    place = 0
    while place < len(packed):
        value, place = _read_varint(packed, place)
        yield value


def write_field(number: int, value: int | bytes) -> bytes:
    """A field of a whole number, -2**63 to 2**64 - 1, or of bytes."""
    if isinstance(value, int):
        return _write_varint(number << 3 | Wire.VARINT) + _write_varint(value % _WORD)
    return _write_varint(number << 3 | Wire.LENGTH_DELIMITED) + _write_varint(len(value)) + value


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    value = shift = 0
    for at in range(place, min(place + _LONGEST, len(message))):
        byte = message[at]
        if byte < _MORE:
            return (value | byte << shift) % _WORD, at + 1
        value |= byte % _MORE << shift
        shift += 7
    raise ValueError("a number does not end")


def _write_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value % _MORE | _MORE)
        value >>= 7
    return bytes([*encoded, value])
