"""Whole PNGs in faulty wrapping are read, destroyed ones are not."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest

from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import RUINS, chunk, encoded, gradient, photo, pillow_encoded, png, ruined
from tests.formats.conftest import cut, kind_of, on_white

RGB = gradient()
WHOLE = encoded(photo(), "png")
HEADER = 8 + 25
"""Bytes up to the end of the first chunk."""


def assert_same(data: bytes) -> None:
    assert np.array_equal(decode(data), photo())


def with_chunk(content: bytes) -> bytes:
    return WHOLE[:HEADER] + content + WHOLE[HEADER:]


def with_pixels(content: bytes, **options: bool) -> bytes:
    """The picture with other compressed data, in one chunk."""
    return WHOLE[:HEADER] + chunk(b"IDAT", content, **options) + chunk(b"IEND", b"")


def pixels() -> bytes:
    """The compressed data of the picture's chunks."""
    start, parts = HEADER, []
    while WHOLE[start + 4 : start + 8] == b"IDAT":
        length = int.from_bytes(WHOLE[start : start + 4], "big")
        parts.append(WHOLE[start + 8 : start + 8 + length])
        start += 12 + length
    return b"".join(parts)


PIXELS = pixels()


class TestWrapping:
    @pytest.mark.parametrize(
        "kind", [b"tEXt", b"zTXt", b"iTXt", b"gAMA", b"iCCP", b"pHYs", b"tIME", b"eXIf", b"prVt"]
    )
    @pytest.mark.parametrize("content", [b"", b"Software\0x", bytes(100)])
    @pytest.mark.parametrize("bad_checksum", [True, False])
    def test_a_chunk_beside_the_picture_is_rubbish(
        self, kind: bytes, content: bytes, bad_checksum: bool
    ) -> None:
        assert_same(with_chunk(chunk(kind, content, bad_checksum=bad_checksum)))

    @pytest.mark.parametrize(
        "end", [b"", chunk(b"IEND", b"", bad_checksum=True), bytes(40), b"words" * 20, b"\0\0\0\0IE"]
    )
    def test_no_end_or_a_bad_one(self, end: bytes) -> None:
        assert_same(WHOLE[:-12] + end)

    @pytest.mark.parametrize("trailer", [bytes(1000), b"words" * 20, WHOLE[:1000], encoded(RGB, "jpg")])
    def test_what_follows_the_end(self, trailer: bytes) -> None:
        assert_same(WHOLE + trailer)

    def test_the_last_checksum_is_missing(self) -> None:
        assert_same(with_pixels(PIXELS)[:-16])

    def test_an_unknown_chunk_between_the_pixels(self) -> None:
        half = len(PIXELS) // 2
        parts = (chunk(b"IDAT", PIXELS[:half]), chunk(b"abCd", b"x"), chunk(b"IDAT", PIXELS[half:]))
        assert_same(WHOLE[:HEADER] + b"".join(parts) + chunk(b"IEND", b""))

    def test_more_compressed_data_than_the_picture_takes(self) -> None:
        assert_same(with_pixels(PIXELS + b"junk" * 100))

    def test_an_orientation_whose_checksum_is_wrong_does_not_count(self) -> None:
        exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
        assert_same(with_chunk(chunk(b"eXIf", exif, bad_checksum=True)))
        assert np.array_equal(decode(with_chunk(chunk(b"eXIf", exif))), np.rot90(photo(), -1))

    @pytest.mark.parametrize("name", [b"exif", b"APP1"])
    @pytest.mark.parametrize("packed", [True, False])
    def test_exif_as_digits_in_a_text(self, name: bytes, packed: bool) -> None:
        exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
        digits = exif.hex().encode()
        text = b"\n%b\n%8d\n%b\n%b\n" % (name, len(exif), digits[:60], digits[60:])
        body = b"\0" + zlib.compress(text) if packed else text
        kind = b"zTXt" if packed else b"tEXt"
        keyword = b"Raw profile type " + name + b"\0"
        assert np.array_equal(decode(with_chunk(chunk(kind, keyword + body))), np.rot90(photo(), -1))
        for rubbish in (b"", body[:1], body[:9], b"\0" * 100, b"words of no meaning"):
            assert_same(with_chunk(chunk(kind, keyword + rubbish)))


class TestDamage:
    @pytest.mark.parametrize("ruin", RUINS)
    @pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
    def test_destroyed_inside(self, ruin: str, share: float) -> None:
        assert kind_of(ruined(WHOLE, ruin, share)) is Kind.DAMAGED

    @pytest.mark.parametrize("ruin", RUINS)
    def test_destroyed_before_it_got_its_checksum(self, ruin: str) -> None:
        assert kind_of(with_pixels(ruined(PIXELS, ruin))) is Kind.DAMAGED

    def test_a_bad_checksum_of_pixels(self) -> None:
        assert kind_of(with_pixels(PIXELS, bad_checksum=True)) is Kind.DAMAGED

    def test_fewer_pixels_than_promised(self) -> None:
        assert kind_of(with_pixels(PIXELS[: len(PIXELS) // 2])) is Kind.DAMAGED
        assert kind_of(png(500, 500, bytes(1000))) is Kind.DAMAGED

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
    def test_cut(self, share: float) -> None:
        assert kind_of(cut(WHOLE, share)) is Kind.TRUNCATED
        assert kind_of(with_pixels(PIXELS)[: int(len(PIXELS) * share)]) is Kind.TRUNCATED


def deep_grey(values: list[int], clear: int) -> bytes:
    """A row of 16-bit grey, one of whose values is transparent."""
    header = struct.pack(">IIBBBBB", len(values), 1, 16, 0, 0, 0, 0)
    row = b"\0" + struct.pack(f">{len(values)}H", *values)
    chunks = (
        (b"IHDR", header),
        (b"tRNS", struct.pack(">H", clear)),
        (b"IDAT", zlib.compress(row)),
        (b"IEND", b""),
    )
    return WHOLE[:8] + b"".join(chunk(*each) for each in chunks)


class TestTransparency:
    @pytest.mark.parametrize(
        ("mode", "options"),
        [
            ("1", {"transparency": 0}),
            ("L", {"transparency": 100}),
            ("RGB", {"transparency": (0, 0, 255)}),
            ("P", {"transparency": 5}),
            ("P", {"transparency": bytes(range(200))}),
            ("P", {}),
            ("LA", {}),
            ("RGBA", {}),
        ],
    )
    def test_each_way_to_say_it(self, mode: str, options: dict[str, Any]) -> None:
        pixels = np.dstack([RGB, RGB[..., 1]]) if mode in {"LA", "RGBA"} else RGB
        data = pillow_encoded(pixels, "PNG", mode, **options)
        assert np.abs(decode(data) - on_white(data)).max() < 1

    def test_one_of_16_bit_greys(self) -> None:
        # All three become the same grey; only the exact value is transparent.
        assert decode(deep_grey([25700, 25701, 25702], 25701))[0, :, 0].tolist() == [100, 255, 100]
