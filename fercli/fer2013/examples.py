"""tf.train.Example, without TensorFlow: named values of bytes or integers as protocol buffers.

Format: tensorflow/core/example/{example,feature}.proto:
Example{1: Features{1: entries{1: name, 2: Feature{1: BytesList{1}, 2: FloatList{1}, 3: Int64List{1}}}}}.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fercli.fer2013.rows import RowError
from fercli.protobuf import Wire, read_fields, read_varints, write_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value = bytes | int

_BYTES_LIST, _INT64_LIST = 1, 3
_SIGN, _WORD = 1 << 63, 1 << 64


def encode_example(features: Mapping[str, Value]) -> bytes:
    """The serialised Example of features with one value each."""
    entries = (
        write_field(1, write_field(1, name.encode()) + write_field(2, _feature(value)))
        for name, value in features.items()
    )
    return write_field(1, b"".join(entries))


def decode_example(data: bytes) -> dict[str, Value]:
    """The features that have exactly one value, of bytes or an integer; others are skipped.

    Raises:
        RowError: the bytes are not an Example.
    """
    try:
        entries = [entry for features in _parts(memoryview(data))[1] for entry in _parts(features)[1]]
        pairs = [(parts[1], parts[2]) for parts in map(_parts, entries)]
        values = {
            str(names[-1], "utf-8"): _values(_parts(features[-1]))
            for names, features in pairs
            if names and features
        }
    except ValueError as error:
        raise RowError("it is not a tf.train.Example") from error
    return {name: found[0] for name, found in values.items() if len(found) == 1}


def _feature(value: Value) -> bytes:
    return write_field(_BYTES_LIST if isinstance(value, bytes) else _INT64_LIST, write_field(1, value))


def _values(feature: defaultdict[int, list[memoryview]]) -> list[Value]:
    texts = [bytes(value) for content in feature[_BYTES_LIST] for value in _parts(content)[1]]
    integers = [_signed(value) for content in feature[_INT64_LIST] for value in _integers(content)]
    return [*texts, *integers]


def _integers(content: memoryview) -> Iterator[int]:
    """The numbers of an Int64List, packed or one by one."""
    for number, wire, value in read_fields(content):
        if number != 1:
            continue
        if isinstance(value, int):
            yield value
        elif wire is Wire.LENGTH_DELIMITED:
            yield from read_varints(value)


def _signed(value: int) -> int:
    return value - _WORD if value >= _SIGN else value


def _parts(message: memoryview) -> defaultdict[int, list[memoryview]]:
    """A message's values that are made of bytes, by their fields' numbers."""
    parts = defaultdict[int, list[memoryview]](list)
    for number, wire, value in read_fields(message):
        if wire is Wire.LENGTH_DELIMITED and not isinstance(value, int):
            parts[number].append(value)
    return parts
