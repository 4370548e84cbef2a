"""PGM and PPM of face databases: both depths, comments, and a missing end."""

from __future__ import annotations

import numpy as np
import pytest

from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import gradient, pillow_encoded
from tests.formats.conftest import kind_of

RGB = gradient(61, 37)
GREY = RGB[..., 0]
ALL_GREY = np.dstack([GREY] * 3)


def test_as_pillow_writes_them() -> None:
    assert np.array_equal(decode(pillow_encoded(RGB, "PPM")), RGB)
    assert np.array_equal(decode(pillow_encoded(GREY, "PPM")), ALL_GREY)


@pytest.mark.parametrize("largest", [1, 15, 100, 255, 256, 1023, 4095, 65535])
@pytest.mark.parametrize("colours", [True, False])
def test_every_largest_number(largest: int, colours: bool) -> None:
    pixels = RGB if colours else GREY
    numbers = np.round(pixels / 255 * largest).astype(">u2" if largest > 255 else np.uint8)
    data = b"P%d 61 37 %d\n" % (5 + colours, largest) + numbers.tobytes()
    expected = RGB if colours else ALL_GREY
    assert np.abs(decode(data).astype(int) - expected).max() <= 0.5 * 255 / largest + 0.5


@pytest.mark.parametrize(
    "header",
    [
        b"P5\n61 37\n255\n",
        b"P5\r\n61\t37\v255 ",
        b"P5 # made by hand\n# 3 4 5\n61#x\n 37 #\n255\n",
        b"P5\n061 0037 0255\n",
    ],
)
def test_blanks_and_comments_between_the_numbers(header: bytes) -> None:
    assert np.array_equal(decode(header + GREY.tobytes()), ALL_GREY)
    assert np.array_equal(decode(header + GREY.tobytes() + b"P5\n1 1 255\n0"), ALL_GREY)


def test_a_missing_end_and_numbers_that_make_no_sense() -> None:
    whole = pillow_encoded(RGB, "PPM")
    for length in (3, 10, len(whole) // 2, len(whole) - 1):
        assert kind_of(whole[:length]) in {Kind.TRUNCATED, Kind.NOT_AN_IMAGE}
    assert kind_of(whole[: len(whole) // 2]) is Kind.TRUNCATED
    assert kind_of(b"P5 100000 100000 255\n") is Kind.TOO_LARGE
    for numbers in (b"0 37 255", b"61 0 255", b"61 37 0", b"61 37 70000"):
        assert kind_of(b"P5 " + numbers + b"\n" + GREY.tobytes() * 2) is Kind.DAMAGED
