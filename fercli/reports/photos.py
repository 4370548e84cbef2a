"""Finds the photos of a report again, and reads their pixels."""

from __future__ import annotations

import os
import re
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fercli.defaults import MAX_PIXELS
from fercli.images import decode
from fercli.sources.reading import local_path, read_photo

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

_PRINTED_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")
_LARGE = 40_000_000
_one_large_photo = threading.Lock()


def find_again(path: str, folders: Iterable[str] = ("",)) -> str | None:
    """The path of the photo of a report's row; None if the photo is no longer there.

    Args:
        path: as it is in the report.
        folders: those that the path may be relative to, in the order in which they are tried.
    """
    local = local_path(path)
    raw = os.fsdecode(_PRINTED_BYTE.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), local))
    places = (os.path.join(folder, name) for folder in folders for name in (local, raw))  # noqa: PTH118 - paths stay as they are
    return next(filter(_is_file, places), None)


def pixels(data: bytes) -> NDArray[np.uint8]:
    """A photo's pixels as when its faces were found, uint8 (H, W, 3). Large photos are decoded singly.

    Raises:
        PhotoError: they cannot be decoded.
    """
    with ExitStack() as held:

        def admit(count: int) -> None:
            if count > _LARGE:
                held.enter_context(_one_large_photo)

        return decode(data, MAX_PIXELS, admit)


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113 - a path may be bytes in disguise
    except ValueError:
        return False


__all__ = ["find_again", "pixels", "read_photo"]
