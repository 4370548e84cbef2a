from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fercli.errors import PhotoError
from fercli.images import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fercli.errors import PhotoErrorKind


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No decoder has a word on standard output or error, whatever the picture is like."""
    yield
    assert capfd.readouterr() == ("", "")


def kind_of(data: bytes) -> PhotoErrorKind | None:
    """What is wrong with a picture; None where it is read."""
    try:
        decode(data)
    except PhotoError as error:
        return error.kind
    return None


def assert_same(data: bytes, original: bytes) -> None:
    """Both are read, and as the same pixels."""
    assert np.array_equal(decode(data), decode(original))


def cut(data: bytes, share: float) -> bytes:
    """The first part of a file, as a transfer that breaks off leaves it."""
    return data[: int(len(data) * share)]


def filled_up(data: bytes, share: float, rest: bytes) -> bytes:
    """A file of its full length of which only the first part ever came, as some downloads leave it."""
    return cut(data, share).ljust(len(data), rest)


def on_white(data: bytes) -> NDArray[np.float64]:
    """A picture as Pillow reads it, what is transparent on white."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(float)
    share = pixels[..., 3:] / 255
    return pixels[..., :3] * share + 255 * (1 - share)
