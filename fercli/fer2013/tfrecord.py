"""TFRecord files, without TensorFlow: records of any bytes, each with its length and two checksums.

Format: tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.extras import import_extra
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

REMEDY = "Copy it again from a good copy, or make it again with `fercli data convert`."
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = _LENGTH.size + _CHECKSUM.size


def read_records(path: Path) -> Iterator[bytes | None]:
    """The bytes of every record; None for one whose bytes do not fit their checksum.

    Raises:
        UsageError: the file cannot be read, is empty or cut off, or a length does not fit its checksum,
            so that the rest cannot be read.
        UnavailableError: google-crc32c is not installed.
    """
    try:
        size = path.stat().st_size
        if not size:
            raise UsageError(f"{quoted(path)} is empty.", REMEDY)
        with path.open("rb") as file:
            number = 0
            while file.tell() < size:
                number += 1
                yield _read_record(file, size, f"{quoted(path)}, record {number}")
    except OSError as error:
        raise UsageError(f"{quoted(path)} cannot be read: {error.strerror or error}.", REMEDY) from error


def write_record(file: BinaryIO, data: bytes) -> None:
    """Appends a record; raises `UnavailableError` where google-crc32c is not installed."""
    length = _LENGTH.pack(len(data))
    file.write(length + _checksum(length) + data + _checksum(data))


def _read_record(file: BinaryIO, size: int, where: str) -> bytes | None:
    header = file.read(_HEADER)
    length = header[: _LENGTH.size]
    if len(header) < _HEADER:
        raise UsageError(f"{where}: the file is cut off here.", REMEDY)
    if header[_LENGTH.size :] != _checksum(length):
        raise UsageError(f"{where}: this is not a TFRecord, or it is damaged here.", REMEDY)
    (count,) = _LENGTH.unpack(length)
    if file.tell() + count + _CHECKSUM.size > size:
        raise UsageError(f"{where}: the file is cut off here.", REMEDY)
    data = file.read(count)
    return data if file.read(_CHECKSUM.size) == _checksum(data) else None


def _checksum(data: bytes) -> bytes:
    """The CRC-32C, masked as TFRecord has it, for bytes that hold checksums themselves."""
    crc = _crc32c()(data)
    return _CHECKSUM.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _crc32c() -> Callable[[bytes], int]:
    function: Callable[[bytes], int] = import_extra("TFRecord", "tfrecord", "google_crc32c").value
    return function
