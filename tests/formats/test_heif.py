"""HEIC and AVIF in faulty wrapping."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from fercli.errors import PhotoError
from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import photo, pillow_encoded
from tests.formats.conftest import cut


@pytest.fixture(params=["HEIF", "AVIF"])
def data(request: pytest.FixtureRequest) -> bytes:
    pytest.importorskip("pillow_heif").register_heif_opener()
    return pillow_encoded(photo(), request.param, quality=80)


@pytest.mark.parametrize("trailer", [bytes(100), b"words" * 20, struct.pack(">I4s", 5000, b"free")])
def test_what_follows_does_not_matter(data: bytes, trailer: bytes) -> None:
    assert np.array_equal(decode(data + trailer), decode(data))


@pytest.mark.parametrize("difference", [1000, -1000, -(1 << 40)])
def test_a_wrong_length_of_the_last_box_does_not_matter(data: bytes, difference: int) -> None:
    at = data.index(b"mdat") - 4
    (length,) = struct.unpack_from(">I", data, at)
    wrong = data[:at] + struct.pack(">I", max(length + difference, 0)) + data[at + 4 :]
    assert np.array_equal(decode(wrong), decode(data))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_cut(data: bytes, share: float) -> None:
    with pytest.raises(PhotoError) as caught:
        decode(cut(data, share))
    assert caught.value.kind is Kind.TRUNCATED
