"""A TFRecord of tf.train.Examples with the features `image`, `label`, `split` and `row`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fercli.architecture import SIDE
from fercli.files import make_folder, whole_file
from fercli.records import EXPRESSIONS
from fercli_training.data.examples import decode_example, encode_example
from fercli_training.data.picture_files import decode_picture
from fercli_training.data.rows import PIXELS, BrokenRow, Row, RowError, Split, split_of_name
from fercli_training.data.tfrecord import read_records, write_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli_training.data.examples import Value

REMEDY = (
    f"Give tf.train.Examples with the features image ({PIXELS} bytes, or a PNG), label (0 to"
    f" {len(EXPRESSIONS) - 1}) and, where wanted, split and row; `fercli data convert` makes them."
)
_PNG = b"\x89PNG"

_T = TypeVar("_T", bytes, int)


def read_example_records(path: Path) -> Iterator[Row | BrokenRow]:
    """The pictures in the order of the records; without `split` they are for training.

    `row` is the row's number; without it, the record's place is.

    Raises:
        UsageError: the file is empty, cut off or no TFRecord.
        UnavailableError: google-crc32c is not installed.
    """
    seen: set[int] = set()
    for place, record in enumerate(read_records(path)):
        try:
            yield _row(place, record, seen)
        except RowError as error:
            yield BrokenRow(f"{path}, record {place + 1}", str(error))


def write_example_records(rows: Iterable[Row], path: Path) -> None:
    """Writes rows in their order, raw pixels as `image`.

    Raises:
        ReportError: the file cannot be written.
        UnavailableError: google-crc32c is not installed.
    """
    make_folder(path.parent)
    with whole_file(path) as made, made.open("wb") as file:
        for row in rows:
            write_record(file, _encode(row))


def _encode(row: Row) -> bytes:
    image, split = row.picture.tobytes(), row.split.encode()
    return encode_example({"image": image, "label": row.label, "split": split, "row": row.number})


def _row(place: int, record: bytes | None, seen: set[int]) -> Row:
    if record is None:
        raise RowError("its bytes do not fit their checksum")
    features = decode_example(record)
    label = _feature(features, "label", int)
    if label not in range(len(EXPRESSIONS)):
        raise RowError(f"the label is {label}, not 0 to {len(EXPRESSIONS) - 1}")
    number = _feature(features, "row", int) if "row" in features else place
    if number < 0 or number in seen:
        raise RowError(f"its row is {number}, " + ("less than 0" if number < 0 else "as that of another"))
    name = _feature(features, "split", bytes) if "split" in features else Split.TRAINING.encode()
    split = split_of_name(name.decode("utf-8", "backslashreplace"))
    row = Row(number, label, _picture(_feature(features, "image", bytes)), split)
    seen.add(number)
    return row


def _feature(features: dict[str, Value], name: str, kind: type[_T]) -> _T:
    value = features.get(name)
    if not isinstance(value, kind):
        raise RowError(f"it has no feature {name} of one {'integer' if kind is int else 'string'}")
    return value


def _picture(data: bytes) -> NDArray[np.uint8]:
    if len(data) == PIXELS and not data.startswith(_PNG):
        return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)
    return decode_picture(data)
