"""Whole GIFs and WebPs in faulty wrapping are read, destroyed ones are not."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import numpy as np
import pytest

from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import HAS_GIF, RUINS, gradient, noise, photo, pillow_encoded, ruined
from tests.formats.conftest import assert_same, cut, filled_up, kind_of, on_white

needs_gif = pytest.mark.skipif(not HAS_GIF, reason="this OpenCV reads no GIF")
TRAILERS = (b"\0", bytes(1000), b"words" * 20, noise().tobytes())


def animated(file_format: str, **options: Any) -> bytes:
    from PIL import Image

    others = [Image.fromarray(np.roll(photo(), 40 * number, axis=1)) for number in (1, 2)]
    return pillow_encoded(photo(), file_format, save_all=True, append_images=others, **options)


@needs_gif
class TestGif:
    WHOLE = pillow_encoded(photo(), "GIF")

    @pytest.mark.parametrize("trailer", TRAILERS)
    def test_what_follows_the_end(self, trailer: bytes) -> None:
        assert_same(self.WHOLE + trailer, self.WHOLE)

    @pytest.mark.parametrize("missing", [1, 2])
    def test_no_end(self, missing: int) -> None:
        assert_same(self.WHOLE[:-missing], self.WHOLE)

    @pytest.mark.parametrize("ruin", RUINS)
    def test_destroyed_inside(self, ruin: str) -> None:
        assert kind_of(ruined(self.WHOLE, ruin)) is Kind.DAMAGED

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
    def test_cut(self, share: float) -> None:
        assert kind_of(cut(self.WHOLE, share)) is Kind.TRUNCATED

    def test_only_the_first_picture_counts(self) -> None:
        data = animated("GIF")
        assert_same(data[: len(data) // 2], data)
        assert_same(ruined(data, "ones", 0.8), data)

    @pytest.mark.parametrize(
        "options", [{}, {"interlace": 1}, {"transparency": 5}, {"comment": b"x" * 600}]
    )
    def test_as_pillow_reads_it(self, options: dict[str, Any]) -> None:
        data = pillow_encoded(gradient(), "GIF", "P", **options)
        assert np.abs(decode(data) - on_white(data)).max() < 1


WEBP: dict[str, dict[str, Any]] = {
    "lossy": {"quality": 80},
    "fine": {"quality": 98, "method": 6},
    "lossless": {"lossless": True},
    "extended": {"quality": 80, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"},
    "transparent": {"quality": 80},
}
webps = pytest.mark.parametrize("variant", WEBP)


@cache
def webp(variant: str) -> bytes:
    pixels = np.dstack([photo(), photo()[..., 0]]) if variant == "transparent" else photo()
    return pillow_encoded(pixels, "WEBP", **WEBP[variant])


class TestWebp:
    @webps
    @pytest.mark.parametrize("trailer", TRAILERS)
    def test_what_follows_the_end(self, variant: str, trailer: bytes) -> None:
        assert_same(webp(variant) + trailer, webp(variant))

    @webps
    @pytest.mark.parametrize("difference", [-100, -1, 1, 100, 1 << 30])
    def test_a_wrong_length(self, variant: str, difference: int) -> None:
        length = len(webp(variant)) - 8 + difference
        assert_same(webp(variant)[:4] + struct.pack("<I", length) + webp(variant)[8:], webp(variant))

    def test_cut_behind_the_picture(self) -> None:
        assert_same(webp("extended")[:-10], webp("extended"))

    @pytest.mark.parametrize("variant", ["lossy", "fine", "extended", "transparent"])
    @pytest.mark.parametrize("ruin", RUINS)
    def test_destroyed_inside(self, variant: str, ruin: str) -> None:
        # What is transparent lies before the colours.
        assert kind_of(ruined(webp(variant), ruin, 0.85)) is Kind.DAMAGED

    @webps
    @pytest.mark.parametrize("rest", [b"\0", b"\xff"])
    @pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
    def test_the_rest_never_came(self, variant: str, rest: bytes, share: float) -> None:
        assert kind_of(filled_up(webp(variant), share, rest)) in {Kind.DAMAGED, Kind.TRUNCATED}

    def test_lossless_destroyed_inside(self) -> None:
        # One in twelve ends where the picture does, by chance, and is not noticed.
        kinds = [
            kind_of(ruined(webp("lossless"), ruin, share)) for ruin in RUINS for share in (0.2, 0.5, 0.8)
        ]
        assert kinds.count(Kind.DAMAGED) >= 9
        assert set(kinds) <= {Kind.DAMAGED, None}

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
    def test_a_few_bytes_destroyed_inside(self, share: float) -> None:
        data = webp("lossy")
        at = int(len(data) * share)
        assert (
            kind_of(data[:at] + bytes(255 - byte for byte in data[at : at + 8]) + data[at + 8 :])
            is Kind.DAMAGED
        )

    @webps
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_cut(self, variant: str, share: float) -> None:
        assert kind_of(cut(webp(variant), share)) is Kind.TRUNCATED

    def test_only_the_first_picture_counts(self) -> None:
        data = animated("WEBP", quality=80)
        assert_same(data[: len(data) // 2], data)
        assert_same(ruined(data, "ones", 0.8), data)
        assert kind_of(ruined(data, "ones", 0.1)) is Kind.DAMAGED

    @pytest.mark.parametrize("colour", [0, 90, 255])
    @pytest.mark.parametrize("size", [(1, 1), (16, 16), (7, 200), (900, 700)])
    @pytest.mark.parametrize("quality", [1, 80, 100])
    def test_pictures_of_few_bytes_are_whole(
        self, size: tuple[int, int], colour: int, quality: int
    ) -> None:
        flat = np.full((*size, 3), colour, np.uint8)
        flat[: size[0] // 4, : size[1] // 4] = 255 - colour
        for lossless in (False, True):
            data = pillow_encoded(flat, "WEBP", quality=quality, lossless=lossless)
            assert decode(data).shape == flat.shape
