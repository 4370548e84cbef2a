"""A TFRecord of tf.train.Examples with the features `image`, `label`, `split` and `row`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fercli.architecture import SIDE
from fercli.fer2013.examples import decode_example, encode_example
from fercli.fer2013.interpretation import NUMBERS, Interpretation
from fercli.fer2013.picture_files import decode_picture
from fercli.fer2013.rows import PIXELS, BrokenRow, Row, RowError, Split
from fercli.fer2013.tfrecord import read_records, write_record
from fercli.files import make_folder, whole_file
from fercli.records import EXPRESSIONS
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.fer2013.examples import Value

REMEDY = (
    f"Give tf.train.Examples with the features image ({PIXELS} bytes, or a PNG), label (0 to"
    f" {len(EXPRESSIONS) - 1}) and, where wanted, format, split and row; `fercli data convert` makes them."
)
_RAW = "raw"
_ENCODED = ("png", "jpeg", "jpg", "gif", "bmp", "webp", "tiff", "heic", "avif")
_FORMATS = ("format", "image/format", "encoding")
"""Features that say what `image` holds: these words, or `raw` for the pixels themselves."""

_IMAGES = ("image", "image/encoded", "image_raw")
_LABELS = ("label", "image/class/label", "emotion")
_SPLITS = ("split", "Usage", "usage")

_SIGNATURES = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*|....ftyp", re.DOTALL
)
"""The first bytes of encoded pictures. BMP's two are too few: `_is_bitmap` looks further."""

_T = TypeVar("_T", bytes, int)


def read_example_records(path: Path, tell: Callable[[str], None]) -> Iterator[Row | BrokenRow]:
    """The pictures in the order of the records; without `split` they are for training.

    `row` is the row's number; without it, the record's place is. What `image` holds is told by `format`, or
    else by its first bytes.

    Raises:
        UsageError: the file is empty, cut off or no TFRecord.
        UnavailableError: google-crc32c is not installed.
    """
    seen: set[int] = set()
    taken = Interpretation((*NUMBERS, *EXPRESSIONS))
    for place, record in enumerate(read_records(path)):
        where = f"{quoted(path)}, record {place + 1}"
        try:
            yield _row(place, record, seen, where, taken)
        except RowError as error:
            yield BrokenRow(where, str(error))
    taken.report(path, tell)


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
    return encode_example(
        {
            "image": row.picture.tobytes(),
            "format": _RAW.encode(),
            "label": row.label,
            "split": row.split.encode(),
            "row": row.number,
        }
    )


def _row(place: int, record: bytes | None, seen: set[int], where: str, taken: Interpretation) -> Row:
    if record is None:
        raise RowError("its bytes do not fit their checksum")
    features = decode_example(record)
    label = taken.label(_label(features))
    number = _feature(features, ("row",), int, place)
    if number < 0 or number in seen:
        raise RowError(f"its row is {number}, " + ("less than 0" if number < 0 else "as that of another"))
    split = taken.split(_text(_feature(features, _SPLITS, bytes, Split.TRAINING.encode())))
    said = _text(_feature(features, _FORMATS, bytes, b""))
    row = Row(number, label, _picture(_feature(features, _IMAGES, bytes), said, where, taken), split)
    seen.add(number)
    return row


def _label(features: Mapping[str, Value]) -> str:
    """The label as text: an integer, or a name."""
    value = next((features[name] for name in _LABELS if name in features), None)
    if value is None:
        raise RowError(f"it has no feature {_LABELS[0]} of one integer")
    return str(value) if isinstance(value, int) else _text(value)


def _feature(
    features: Mapping[str, Value], names: Sequence[str], kind: type[_T], default: _T | None = None
) -> _T:
    """The first feature of one of the names; the default, if there is one, where none is there."""
    value = next((features[name] for name in names if name in features), default)
    if not isinstance(value, kind):
        raise RowError(f"it has no feature {names[0]} of one {'integer' if kind is int else 'string'}")
    return value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _picture(data: bytes, said: str, where: str, taken: Interpretation) -> NDArray[np.uint8]:
    """The 48x48 picture in bytes that are what `said` says, or else what they begin with."""
    said = said.casefold().removeprefix("image/")
    encoded = said in _ENCODED or (said != _RAW and _is_encoded(data))
    if encoded:
        return decode_picture(data, where, taken)
    if len(data) != PIXELS:
        raise RowError(f"its image has {count_of(len(data), 'byte')}: neither a picture in a format that is"
                       f" known nor {PIXELS} pixels")  # fmt: skip
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)


def _is_encoded(data: bytes) -> bool:
    return _SIGNATURES.match(data) is not None or _is_bitmap(data)


def _is_bitmap(data: bytes) -> bool:
    """Whether it is BMP, which says its own length: a face may well begin with two pixels of B and M."""
    return data.startswith(b"BM") and int.from_bytes(data[2:6], "little") == len(data)
