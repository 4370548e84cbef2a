"""BMPs of every layout: where their colours lie, and whether their fourth byte means anything."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from fercli.errors import PhotoError
from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import gradient

RGB = gradient(61, 37)
HEIGHT, WIDTH = RGB.shape[:2]
ZERO = np.zeros((HEIGHT, WIDTH), np.uint8)
RAMP = np.linspace(1, 255, WIDTH).astype(np.uint8)[np.newaxis].repeat(HEIGHT, 0)
ON_WHITE = RGB * (RAMP[..., np.newaxis] / 255) + (255 - RAMP[..., np.newaxis].astype(float))
BGR_MASKS = (0xFF0000, 0xFF00, 0xFF)  # red, green, blue, as the file lists them
ALPHA_MASK = 0xFF000000
V2, V3, V4, V5 = 52, 56, 108, 124


def bmp(
    words: Any,
    bits: int,
    *,
    compression: int = 0,
    masks: tuple[int, ...] = (),
    header: int = 40,
    top_down: bool = False,
    palette: bytes = b"",
) -> bytes:
    """A file of rows of bytes, or of 16- or 32-bit numbers."""
    rows = np.ascontiguousarray(words if top_down else words[::-1])
    rows = rows.view(np.uint8).reshape(HEIGHT, -1)
    pixels = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()
    height = -HEIGHT if top_down else HEIGHT
    info = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, 0, 0, 0, 0, 0)
    info = (info + b"".join(struct.pack("<I", mask) for mask in masks)).ljust(header, b"\0")
    offset = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + info + palette + pixels


def bgrx(fourth: Any) -> Any:
    return np.dstack([RGB[..., ::-1], fourth])


def packed(red: int, green: int, blue: int, kind: str) -> Any:
    """Each pixel as a number with that many bits a colour."""
    levels = [
        np.round(RGB[..., index] / 255 * ((1 << bits) - 1)).astype(np.uint32)
        for index, bits in enumerate((red, green, blue))
    ]
    return (levels[0] << (green + blue) | levels[1] << blue | levels[2]).astype(kind)


def assert_rgb(data: bytes, tolerance: float = 0) -> None:
    assert np.abs(decode(data).astype(int) - RGB).max() <= tolerance


class TestFourthByte:
    @pytest.mark.parametrize("fourth", [ZERO, RAMP, ZERO + 255])
    @pytest.mark.parametrize("top_down", [False, True])
    def test_means_nothing_without_masks(self, fourth: Any, top_down: bool) -> None:
        for header in (40, V4, V5):
            assert_rgb(bmp(bgrx(fourth), 32, header=header, top_down=top_down))

    @pytest.mark.parametrize("fourth", [ZERO, RAMP])
    @pytest.mark.parametrize("header", [40, V2, V3, V4, V5])
    def test_means_nothing_where_masks_leave_it_out(self, fourth: Any, header: int) -> None:
        assert_rgb(bmp(bgrx(fourth), 32, compression=3, masks=BGR_MASKS, header=header))

    @pytest.mark.parametrize("header", [V4, V5])
    def test_means_nothing_where_masks_do_not_count(self, header: int) -> None:
        assert_rgb(bmp(bgrx(RAMP), 32, masks=(*BGR_MASKS, ALPHA_MASK), header=header))

    @pytest.mark.parametrize(("header", "compression"), [(V3, 3), (V4, 3), (V5, 3), (40, 6)])
    @pytest.mark.parametrize("top_down", [False, True])
    def test_is_alpha_where_a_mask_says_so(self, header: int, compression: int, top_down: bool) -> None:
        masks = (*BGR_MASKS, ALPHA_MASK)
        data = bmp(bgrx(RAMP), 32, compression=compression, masks=masks, header=header, top_down=top_down)
        assert np.abs(decode(data) - ON_WHITE).max() <= 2

    def test_was_never_filled_in(self) -> None:
        assert_rgb(bmp(bgrx(ZERO), 32, compression=3, masks=(*BGR_MASKS, ALPHA_MASK), header=V5))


class TestLayouts:
    @pytest.mark.parametrize("top_down", [False, True])
    def test_24_bits(self, top_down: bool) -> None:
        assert_rgb(bmp(RGB[..., ::-1], 24, top_down=top_down))

    @pytest.mark.parametrize(
        ("order", "masks"),
        [
            ([0, 1, 2, 3], (0xFF, 0xFF00, 0xFF0000)),
            ([3, 2, 1, 0], (0xFF000000, 0xFF0000, 0xFF00)),
            ([2, 0, 1, 3], (0xFF00, 0xFF0000, 0xFF)),
        ],
    )
    def test_colours_in_another_order(self, order: list[int], masks: tuple[int, ...]) -> None:
        assert_rgb(bmp(np.dstack([RGB, ZERO])[..., order], 32, compression=3, masks=masks))

    @pytest.mark.parametrize("header", [40, V4])
    @pytest.mark.parametrize(
        ("bits", "compression", "masks"),
        [
            ((5, 5, 5), 0, ()),
            ((5, 5, 5), 3, (0x7C00, 0x3E0, 0x1F)),
            ((5, 6, 5), 3, (0xF800, 0x7E0, 0x1F)),
            ((4, 4, 4), 3, (0xF00, 0xF0, 0xF)),
        ],
    )
    def test_16_bits(
        self, bits: tuple[int, int, int], compression: int, masks: tuple[int, ...], header: int
    ) -> None:
        data = bmp(packed(*bits, "<u2"), 16, compression=compression, masks=masks, header=header)
        assert_rgb(data, 0.5 * 255 / ((1 << min(bits)) - 1) + 0.5)
        assert decode(data).max() == 255

    def test_10_bits_a_colour(self) -> None:
        masks = (0x3FF00000, 0xFFC00, 0x3FF)
        assert_rgb(bmp(packed(10, 10, 10, "<u4"), 32, compression=3, masks=masks), 1)

    def test_os2(self) -> None:
        rows = np.pad(RGB[::-1, :, ::-1].reshape(HEIGHT, -1), ((0, 0), (0, -WIDTH * 3 % 4))).tobytes()
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)
        assert_rgb(b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + info + rows)
        assert_rgb(bmp(RGB[..., ::-1], 24, header=64))

    def test_palette(self) -> None:
        entries = np.dstack([np.arange(256)[::-1], np.arange(256), np.arange(256) // 2])[0].astype(np.uint8)
        palette = np.hstack([entries, np.zeros((256, 1), np.uint8)]).tobytes()
        for top_down in (False, True):
            data = bmp(RGB[..., 0], 8, palette=palette, top_down=top_down)
            assert np.array_equal(decode(data), entries[RGB[..., 0]][..., ::-1])

    @pytest.mark.parametrize("bits", [1, 4, 8])
    @pytest.mark.parametrize("missing", [0, 1])
    def test_os2_has_three_bytes_a_colour(self, bits: int, missing: int) -> None:
        levels = 1 << bits
        numbers = np.arange(levels)
        entries = np.dstack([numbers[::-1] * 7 % 256, numbers * 5 % 256, numbers])[0].astype(np.uint8)
        indices = RGB[..., 0].astype(int) * (levels - 1 - missing) // 255
        digits = (indices[..., np.newaxis] >> np.arange(bits)[::-1] & 1).astype(np.uint8)
        rows = np.packbits(digits[::-1].reshape(HEIGHT, -1), axis=1)
        body = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()
        palette = entries[: levels - missing].tobytes()
        offset = 26 + len(palette)
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
        data = b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + info + palette + body
        assert np.array_equal(decode(data), entries[indices][..., ::-1])

    @pytest.mark.parametrize(("bits", "compression"), [(0, 4), (0, 5), (24, 4), (2, 0), (64, 0), (8, 3)])
    def test_those_that_are_not_read_say_so(self, bits: int, compression: int) -> None:
        with pytest.raises(PhotoError) as caught:
            decode(bmp(bgrx(ZERO), bits, compression=compression))
        assert caught.value.kind is Kind.UNSUPPORTED


class TestEnd:
    WHOLE = bmp(RGB[..., ::-1], 24)

    @pytest.mark.parametrize("trailer", [b"\0", bytes(1000), b"words" * 50])
    def test_what_follows_does_not_matter(self, trailer: bytes) -> None:
        assert_rgb(self.WHOLE + trailer)

    @pytest.mark.parametrize("length", [0, 100, 0xFFFFFFFF])
    def test_a_wrong_length_does_not_matter(self, length: int) -> None:
        assert_rgb(self.WHOLE[:2] + struct.pack("<I", length) + self.WHOLE[6:])

    def test_the_last_row_is_not_filled_up(self) -> None:
        assert WIDTH * 3 % 4 == 3
        assert_rgb(self.WHOLE[:-1])

    @pytest.mark.parametrize("missing", [5, 500, 5000])
    def test_cut(self, missing: int) -> None:
        with pytest.raises(PhotoError) as caught:
            decode(self.WHOLE[:-missing])
        assert caught.value.kind is Kind.TRUNCATED
