"""Text files, packed or not, in any Unicode encoding, and only up to a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_UNPACKED = 4 << 30
"""How many bytes a file may unpack to, 14 times FER2013: a few packed kilobytes can hold terabytes."""

MAX_LINE = 1 << 20
"""How many characters a line may have: thirty times a line of FER2013."""

BROKEN = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, UnicodeError),
    *(zipfile.BadZipFile, NotImplementedError, tarfile.TarError),  # the second: a ZIP of a later version
)
"""The errors that reading a stream, or a file in an archive, may raise."""

_OPENERS: dict[bytes, Callable[[BinaryIO], object]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LOOK = 6
_MAX_READ = 128 << 20
"""How many bytes are read into memory at once."""


def is_packed(file: BinaryIO) -> bool:
    """Whether a file is packed with gzip, xz or bzip2. It stands at its start before and after."""
    return _opener(file) is not None


def unpacked(file: BinaryIO) -> BinaryIO:
    """The contents of a file that stands at its start, unpacked; `OSError` if they are too long."""
    opener = _opener(file)
    return cast("BinaryIO", _Bounded(file if opener is None else cast("BinaryIO", opener(file))))


def read_lines(file: BinaryIO) -> Iterator[str]:
    """The lines of a text, with their ends. The first bytes tell how it is packed and encoded.

    Raises:
        BROKEN: one of these; the file is broken or too large.
    """
    raw = io.BufferedReader(cast("io.RawIOBase", unpacked(file)))
    text = io.TextIOWrapper(raw, _encoding(raw.peek(_LOOK)), newline="")
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise OSError(f"a line has more than {MAX_LINE:,} characters")
        yield line


def _encoding(start: bytes) -> str:
    if start.startswith(_UTF16):
        return "utf-16"
    # Without a byte-order mark, text begins with an ASCII sign: the place of the zero tells the order.
    if start[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if start[:1] == b"\0" else "utf-8-sig"


def _opener(file: BinaryIO) -> Callable[[BinaryIO], object] | None:
    start = file.read(_LOOK)
    file.seek(0)
    return next((opener for signature, opener in _OPENERS.items() if start.startswith(signature)), None)


class _Bounded(io.RawIOBase):
    """A file whose reading fails beyond a limit."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as io's own stubs have it
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_READ:
            raise OSError(f"a part of it has more than {_MAX_READ >> 20} MiB")
        data = self._file.read(size)
        if self._file.tell() > MAX_UNPACKED:
            raise OSError(f"it holds more than {MAX_UNPACKED >> 30} GiB")
        return data
