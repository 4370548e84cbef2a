"""tf.train.Example, without TensorFlow: named values of bytes or integers as protocol buffers.

Formats: protobuf.dev/programming-guides/encoding, and tensorflow/core/example/{example,feature}.proto:
Example{1: Features{1: entries{1: name, 2: Feature{1: BytesList{1}, 2: FloatList{1}, 3: Int64List{1}}}}}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.fer2013.rows import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value = bytes | int

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_BYTES_LIST, _INT64_LIST = 1, 3
_MORE, _SIGN, _WORD = 1 << 7, 1 << 63, 1 << 64


def encode_example(features: Mapping[str, Value]) -> bytes:
    """The serialised Example of features with one value each."""
    entries = (
        _field(1, _field(1, name.encode()) + _field(2, _feature(value))) for name, value in features.items()
    )
    return _field(1, b"".join(entries))


def decode_example(data: bytes) -> dict[str, Value]:
    """The features that have exactly one value, of bytes or an integer; others are passed over.

    Raises:
        RowError: the bytes are no Example.
    """
    try:
        entries = (entry for features in _all(data, 1) for entry in _all(features, 1))
        pairs = [(_all(entry, 1), _all(entry, 2)) for entry in entries]
        values = {
            names[-1].decode(): _values(features[-1]) for names, features in pairs if names and features
        }
    except (IndexError, ValueError) as error:
        raise RowError("it is no tf.train.Example") from error
    return {name: found[0] for name, found in values.items() if len(found) == 1}


def _feature(value: Value) -> bytes:
    if isinstance(value, bytes):
        return _field(_BYTES_LIST, _field(1, value))
    return _field(_INT64_LIST, _field(1, _varint(value % _WORD)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the top bit set."""
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value % _MORE | _MORE)
        value >>= 7
    return bytes([*encoded, value])


def _values(feature: bytes) -> list[Value]:
    found: list[Value] = [value for content in _all(feature, _BYTES_LIST) for value in _all(content, 1)]
    for content in _all(feature, _INT64_LIST):
        for number, value in _fields(content):
            if number == 1:
                found.extend([value] if isinstance(value, int) else _integers(value))
    return [value - _WORD if isinstance(value, int) and value >= _SIGN else value for value in found]


def _all(message: bytes, wanted: int) -> list[bytes]:
    """Every value of the field of that number that is made of bytes."""
    return [value for number, value in _fields(message) if number == wanted and isinstance(value, bytes)]


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The number and value of every field; those of fixed width are passed over."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            integer, place = _read_varint(message, place)
            yield key >> 3, integer
            continue
        if kind == _BYTES:
            length, place = _read_varint(message, place)
        else:
            length = _FIXED.get(kind, len(message) + 1)
        if place + length > len(message):
            raise ValueError(f"field {key >> 3} reaches beyond its message")
        if kind == _BYTES:
            yield key >> 3, message[place : place + length]
        place += length


def _integers(packed: bytes) -> Iterator[int]:
    place = 0
    while place < len(packed):
        value, place = _read_varint(packed, place)
        yield value


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    """The number at a place, and the place after it; an `IndexError` where the message ends before."""
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= byte % _MORE << shift
        if byte < _MORE:
            return value & (_WORD - 1), place
        shift += 7
