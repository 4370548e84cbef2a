"""Whole JPEGs in faulty wrapping are read, destroyed ones are not."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import PICTURES, RUINS, encoded, gradient, photo, pillow_encoded, ruined
from tests.formats.conftest import assert_same, cut, filled_up, kind_of

RGB = gradient()
END = b"\xff\xd9"
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"quality": 90},
    "optimised": {"quality": 90, "optimize": True},
    "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_rows": 1},
    "fine": {"quality": 98, "subsampling": "4:4:4"},
    "CMYK": {"quality": 90},
}
variants = pytest.mark.parametrize("variant", VARIANTS)


@cache
def whole(variant: str) -> bytes:
    mode = "CMYK" if variant == "CMYK" else None
    return pillow_encoded(photo(), "JPEG", mode, **VARIANTS[variant])


def without_end(data: bytes) -> bytes:
    assert data.endswith(END)
    return data[: -len(END)]


def inserted(data: bytes, before: bytes, what: bytes) -> bytes:
    """Bytes put before the first marker of a kind."""
    at = data.index(before)
    return data[:at] + what + data[at:]


TRAILERS = {
    "nothing": b"",
    "half an end marker": b"\xff",
    "zeros": bytes(3000),
    "ones": b"\xff" * 3000,
    "a maker's": b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_DataSEFT",
    "a text": b"a text that somebody appended, longer than any padding is " * 9,
    "a video": b"\0\0\0\x18ftypmp42" + np.random.default_rng(3).bytes(20_000),
    "restart markers": b"\xff\xd3\xff\xd4" + np.random.default_rng(4).bytes(100),
    "a picture": encoded(RGB, "jpg"),
}


class TestWrapping:
    @variants
    @pytest.mark.parametrize("trailer", TRAILERS)
    def test_no_end_marker(self, variant: str, trailer: str) -> None:
        assert_same(without_end(whole(variant)) + TRAILERS[trailer], whole(variant))

    @variants
    @pytest.mark.parametrize("trailer", TRAILERS)
    def test_what_follows_the_end_marker(self, variant: str, trailer: str) -> None:
        assert_same(whole(variant) + TRAILERS[trailer], whole(variant))

    @variants
    @pytest.mark.parametrize("padding", [b"\0", b"\x1a\x0d\x0a", bytes(range(40)), bytes(5000)])
    def test_padding_before_the_end_marker(self, variant: str, padding: bytes) -> None:
        assert_same(without_end(whole(variant)) + padding + END, whole(variant))

    @variants
    @pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc4", b"\xff\xda"])
    @pytest.mark.parametrize("junk", [b"\0\x11", bytes(300), b"\xff" * 9, b"some words"])
    def test_bytes_between_segments(self, variant: str, marker: bytes, junk: bytes) -> None:
        assert_same(inserted(whole(variant), marker, junk), whole(variant))

    def test_a_version_that_does_not_exist(self) -> None:
        data = whole("plain")
        at = data.index(b"JFIF\0") + 5
        assert_same(data[:at] + b"\x09\x63" + data[at + 2 :], data)

    def test_a_colour_transform_that_does_not_exist(self) -> None:
        adobe = b"\xff\xee\0\x0eAdobe\0d\0\0\0\0\x07"
        bare = inserted(whole("plain"), b"\xff\xdb", b"")
        jfif = slice(2, 2 + 2 + 16)
        bare = bare[: jfif.start] + bare[jfif.stop :]
        assert_same(inserted(bare, b"\xff\xdb", adobe), bare)

    def test_wrong_parameters_of_a_sequential_scan(self) -> None:
        data = whole("plain")
        at = data.index(b"\xff\xda") + 5 + 2 * 3
        assert_same(data[:at] + b"\0\0\0" + data[at + 3 :], data)

    @pytest.mark.parametrize("length", [2, 10, 65535])
    def test_an_exif_block_of_rubbish(self, length: int) -> None:
        exif = (
            b"\xff\xe1"
            + struct.pack(">H", length)
            + b"Exif\0\0MM\0*".ljust(length - 2, b"\xff")[: length - 2]
        )
        assert_same(inserted(whole("plain"), b"\xff\xdb", exif), whole("plain"))

    def test_several_faults_at_once(self) -> None:
        data = inserted(whole("progressive"), b"\xff\xc4", b"\0\x11")
        assert_same(without_end(data) + TRAILERS["a maker's"], whole("progressive"))


class TestDamage:
    @variants
    @pytest.mark.parametrize("ruin", RUINS)
    @pytest.mark.parametrize("share", [0.3, 0.6])
    def test_destroyed_inside(self, variant: str, ruin: str, share: float) -> None:
        assert kind_of(ruined(whole(variant), ruin, share)) is Kind.DAMAGED

    @variants
    def test_a_piece_is_missing(self, variant: str) -> None:
        data = whole(variant)
        middle = len(data) // 2
        assert kind_of(data[:middle] + data[middle + 4096 :]) is Kind.DAMAGED

    @variants
    @pytest.mark.parametrize("marker", [b"\xff\xc4", b"\xff\xdb"])
    def test_a_fault_of_the_wrapping_hides_none_of_the_picture(self, variant: str, marker: bytes) -> None:
        data = inserted(ruined(whole(variant), "noise"), marker, b"\0\x11")
        assert kind_of(data) is Kind.DAMAGED

    @variants
    def test_what_follows_the_picture_does_not_hide_it(self, variant: str) -> None:
        assert kind_of(ruined(whole(variant), "zeros") + TRAILERS["a video"] + END) is Kind.DAMAGED

    @variants
    def test_data_that_are_too_many(self, variant: str) -> None:
        data = whole(variant)
        start = data.rindex(b"\xff\xda") + 60
        surplus = data[start : start + 40].replace(b"\xff", b"\xa5")
        assert not surplus.isascii()
        assert kind_of(without_end(data) + surplus + END) is Kind.DAMAGED

    @pytest.mark.parametrize("table", [b"\xff\xdb", b"\xff\xc0"])
    def test_without_a_table(self, table: bytes) -> None:
        data = whole("plain")
        at = data.index(table)
        (length,) = struct.unpack_from(">H", data, at + 2)
        assert kind_of(data[:at] + data[at + 2 + length :]) is Kind.DAMAGED


class TestCut:
    @variants
    @pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.99])
    def test_anywhere(self, variant: str, share: float) -> None:
        data = whole(variant)
        assert kind_of(cut(data, share)) is Kind.TRUNCATED

    @pytest.mark.parametrize("name", ["arithmetic", "arithmetic-progressive"])
    @pytest.mark.parametrize("share", [0.6, 0.9])
    def test_where_the_decoder_takes_zeros_for_what_is_missing(self, name: str, share: float) -> None:
        data = (PICTURES / f"{name}.jpg").read_bytes()
        assert kind_of(data[: int(len(data) * share)]) is Kind.TRUNCATED

    @pytest.mark.parametrize("name", ["multi-scan", "progressive-restarts"])
    def test_between_scans(self, name: str) -> None:
        data = (PICTURES / f"{name}.jpg").read_bytes()
        start = data.index(b"\xff\xda")
        while (start := data.find(b"\xff\xda", start + 1)) > 0:
            assert kind_of(data[:start]) is Kind.TRUNCATED

    @variants
    @pytest.mark.parametrize("rest", [b"\0", b"\xff"])
    @pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
    def test_the_rest_never_came(self, variant: str, rest: bytes, share: float) -> None:
        assert kind_of(filled_up(whole(variant), share, rest)) is Kind.TRUNCATED
        assert kind_of(cut(whole(variant), share).ljust(1 << 18, rest)) is Kind.TRUNCATED

    def test_with_a_thumbnail_that_is_whole(self) -> None:
        thumbnail = encoded(RGB, "jpg")
        segment = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
        data = inserted(whole("plain"), b"\xff\xdb", segment)
        assert_same(data, whole("plain"))
        assert kind_of(data[:-500]) is Kind.TRUNCATED


class TestKinds:
    @pytest.mark.parametrize("path", sorted(PICTURES.glob("*.jpg")), ids=lambda path: path.stem)
    def test_rare_ones(self, path: Path) -> None:
        picture = decode(path.read_bytes())
        assert np.abs(picture.astype(int) - RGB).max() < 12

    @pytest.mark.parametrize("name", ["sampling-3x1", "sampling-chroma-2x2", "multi-scan"])
    def test_rare_ones_destroyed_inside(self, name: str) -> None:
        data = (PICTURES / f"{name}.jpg").read_bytes()
        start = data.rindex(b"\xff\xda") + 40
        assert kind_of(data[:start] + b"\xff" * 60 + data[start + 60 :]) is Kind.DAMAGED

    @pytest.mark.parametrize("name", ["sampling-3x1", "multi-scan", "arithmetic"])
    def test_rare_ones_in_faulty_wrapping(self, name: str) -> None:
        data = (PICTURES / f"{name}.jpg").read_bytes()
        end = END if name == "arithmetic" else b""  # whose decoder takes zeros for what is missing
        assert_same(without_end(inserted(data, b"\xff\xdb", b"\0\x11")) + end, data)

    def test_ycck(self) -> None:
        cmyk = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])  # as Adobe writes it: inverted
        data = simplejpeg.encode_jpeg(np.ascontiguousarray(cmyk), 98, "CMYK", "444")
        assert np.abs(decode(data).astype(int) - RGB).max() < 12

    def test_several_pictures_in_one_file(self) -> None:
        first, second = encoded(RGB, "jpg"), encoded(RGB[::-1], "jpg")
        assert_same(first + second, first)
        assert_same(first + second[:-100], first)

    @pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF])
    def test_processes_that_nobody_uses(self, marker: int) -> None:
        data = whole("plain").replace(b"\xff\xc0", bytes((0xFF, marker)), 1)
        assert kind_of(data) is Kind.UNSUPPORTED

    @pytest.mark.parametrize(("offset", "value"), [(4, b"\x0c"), (4, b"\x10"), (5, b"\0\0"), (9, b"\x02")])
    def test_other_bits_and_channels_and_no_height(self, offset: int, value: bytes) -> None:
        data = whole("plain")
        at = data.index(b"\xff\xc0") + offset
        assert kind_of(data[:at] + value + data[at + len(value) :]) is Kind.UNSUPPORTED
