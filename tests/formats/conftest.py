from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fercli.errors import PhotoError
from fercli.images import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

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
