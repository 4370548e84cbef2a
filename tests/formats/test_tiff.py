"""TIFFs: destroyed strips, what their fourth channel means, and layouts that are not read."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import numpy as np
import pytest

from fercli.errors import PhotoError
from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from tests.corpus import RUINS, TELLS_RUINED_TIFFS, gradient, noise, photo, pillow_encoded, ruined
from tests.formats.conftest import cut, kind_of
from tests.hostile import tiff as tiled

RGB = gradient()
HEIGHT, WIDTH = RGB.shape[:2]
ZERO = np.zeros((HEIGHT, WIDTH), np.uint8)
RAMP = np.linspace(1, 255, WIDTH).astype(np.uint8)[np.newaxis].repeat(HEIGHT, 0)
SHARE = RAMP[..., np.newaxis] / 255
ON_WHITE = RGB * SHARE + 255 * (1 - SHARE)
MULTIPLIED = np.round(RGB * SHARE).astype(np.uint8)
COMPRESSIONS = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group3", "group4")
told = pytest.mark.skipif(not TELLS_RUINED_TIFFS, reason="this OpenCV does not tell that a TIFF is ruined")
compressions = pytest.mark.parametrize("compression", COMPRESSIONS)


@cache
def whole(compression: str | None) -> bytes:
    mode = "1" if compression in {"group3", "group4"} else "RGB"
    return pillow_encoded(photo(), "TIFF", mode, compression=compression)


def tiff(
    pixels: Any,
    *,
    colours: int = 2,
    extra: tuple[int, ...] = (),
    bits: int = 8,
    planes: bool = False,
    compression: int = 1,
) -> bytes:
    """A file of one strip, or of one a channel."""
    height, width, samples = pixels.shape
    values = np.ascontiguousarray(pixels.transpose(2, 0, 1) if planes else pixels)
    data = (values.astype("<u2") * 257 if bits == 16 else values).tobytes()
    strips = samples if planes else 1
    length = len(data) // strips
    lists = {
        258: ("H", [bits] * samples),
        273: ("I", [8 + length * index for index in range(strips)]),
        279: ("I", [length] * strips),
        338: ("H", list(extra)),
    }
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        259: ("H", [compression]),
        262: ("H", [colours]),
        277: ("H", [samples]),
        278: ("I", [height]),
        284: ("H", [1 + planes]),
    }
    entries, values_behind = b"", b""
    chosen = sorted({**tags, **{tag: value for tag, value in lists.items() if value[1]}}.items())
    behind = 8 + len(data) + 2 + 12 * len(chosen) + 4
    for tag, (code, numbers) in chosen:
        packed = struct.pack(f"<{len(numbers)}{code}", *numbers)
        if len(packed) > 4:
            values_behind += packed
            packed = struct.pack("<I", behind + len(values_behind) - len(packed))
        entries += struct.pack("<HHI", tag, {"H": 3, "I": 4}[code], len(numbers)) + packed.ljust(4, b"\0")
    directory = struct.pack("<H", len(chosen)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + values_behind


class TestDamage:
    @told
    @compressions
    @pytest.mark.parametrize("ruin", ["zeros", "noise", "text"])
    def test_destroyed_inside(self, compression: str, ruin: str) -> None:
        assert kind_of(ruined(whole(compression), ruin, 0.4)) is Kind.DAMAGED

    @pytest.mark.parametrize("ruin", RUINS)
    @pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
    def test_a_deflated_strip_has_a_checksum(self, ruin: str, share: float) -> None:
        assert kind_of(ruined(whole("tiff_adobe_deflate"), ruin, share)) is Kind.DAMAGED

    def test_a_byte_of_a_deflated_strip(self) -> None:
        data = whole("tiff_adobe_deflate")
        middle = len(data) // 2
        assert kind_of(data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]) is Kind.DAMAGED

    @compressions
    @pytest.mark.parametrize("share", [0.3, 0.9])
    def test_cut(self, compression: str, share: float) -> None:
        assert kind_of(cut(whole(compression), share)) is Kind.TRUNCATED

    @pytest.mark.parametrize("missing", [1, 1000])
    def test_cut_pixels(self, missing: int) -> None:
        # As many write it: the directory first.
        data = tiff(RGB)
        (start,) = struct.unpack_from("<I", data, 4)
        directory = bytearray(data[start:])
        at = directory.index(struct.pack("<HHII", 273, 4, 1, 8))
        struct.pack_into("<I", directory, at + 8, 8 + len(directory))
        for entry in range(2, 2 + 12 * directory[0], 12):
            tag, kind, count, value = struct.unpack_from("<HHII", directory, entry)
            if tag == 258:
                struct.pack_into("<HHII", directory, entry, tag, kind, count, value - start + 8)
        turned = b"II*\0" + struct.pack("<I", 8) + bytes(directory) + data[8:start]
        assert np.array_equal(decode(turned), RGB)
        assert kind_of(turned[:-missing]) is Kind.TRUNCATED


class TestWrapping:
    @pytest.mark.parametrize("compression", [None, *COMPRESSIONS])
    @pytest.mark.parametrize("trailer", [b"\0", bytes(1000), b"words" * 20, noise().tobytes()])
    def test_what_follows_does_not_matter(self, compression: str | None, trailer: bytes) -> None:
        assert np.array_equal(decode(whole(compression) + trailer), decode(whole(compression)))

    def test_a_tag_that_nobody_knows(self) -> None:
        data = pillow_encoded(
            photo(), "TIFF", compression="tiff_lzw", tiffinfo={65000: "words", 700: b"<xmp"}
        )
        assert np.array_equal(decode(data), photo())

    @pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
    def test_bits_in_the_other_order(self, compression: str) -> None:
        data = pillow_encoded(photo(), "TIFF", compression=compression, tiffinfo={266: 2})
        assert data[data.index(struct.pack("<HHI", 266, 3, 1)) + 8] == 2
        assert np.array_equal(decode(data), photo())
        assert kind_of(ruined(data, "noise")) is Kind.DAMAGED

    def test_a_next_directory_that_is_not_there(self) -> None:
        data = bytearray(tiff(RGB))
        (start,) = struct.unpack_from("<I", data, 4)
        struct.pack_into("<I", data, start + 2 + 12 * data[start], 1 << 30)
        assert np.array_equal(decode(bytes(data)), RGB)

    def test_only_the_first_picture_counts(self) -> None:
        from PIL import Image

        second = [Image.fromarray(photo()[::-1])]
        data = pillow_encoded(photo(), "TIFF", save_all=True, append_images=second, compression="tiff_lzw")
        for share in (0.7, 0.9, 1):
            assert np.array_equal(decode(cut(data, share)), photo())
        assert np.array_equal(decode(ruined(data, "noise", 0.8)), photo())


class TestFourthChannel:
    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize("fourth", [ZERO, RAMP])
    @pytest.mark.parametrize("extra", [(), (0,)])
    def test_that_is_not_alpha(self, bits: int, fourth: Any, extra: tuple[int, ...]) -> None:
        assert np.array_equal(decode(tiff(np.dstack([RGB, fourth]), extra=extra, bits=bits)), RGB)

    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize(("colours", "extra"), [(RGB, 2), (MULTIPLIED, 1)])
    def test_alpha_beside_the_colours_or_multiplied_in(self, bits: int, colours: Any, extra: int) -> None:
        data = tiff(np.dstack([colours, RAMP]), extra=(extra,), bits=bits)
        assert np.abs(decode(data) - ON_WHITE).max() <= 2

    def test_planes(self) -> None:
        assert np.array_equal(decode(tiff(np.dstack([RGB, RAMP]), extra=(0,), planes=True)), RGB)
        data = tiff(np.dstack([RGB, RAMP]), extra=(2,), planes=True)
        assert np.abs(decode(data) - ON_WHITE).max() <= 2

    def test_black(self) -> None:
        assert np.array_equal(decode(tiff(np.dstack([255 - RGB, ZERO]), colours=5)), RGB)

    @pytest.mark.parametrize("bits", [8, 16])
    def test_a_second_channel_beside_grey(self, bits: int) -> None:
        data = tiff(np.dstack([RGB[..., 0], ZERO]), colours=1, extra=(0,), bits=bits)
        assert np.array_equal(decode(data), np.dstack([RGB[..., 0]] * 3))


class TestLayouts:
    def test_white_is_zero(self) -> None:
        assert np.array_equal(decode(tiff(255 - RGB[..., :1], colours=0)), np.dstack([RGB[..., 0]] * 3))

    @pytest.mark.parametrize(
        "data",
        [
            tiff(np.dstack([RGB, RAMP, ZERO]), extra=(2, 0)),
            tiff(np.dstack([255 - RGB, ZERO, RAMP]), colours=5, extra=(0,)),
            tiff(np.dstack([255 - RGB, ZERO]), colours=5, bits=16),
            tiff(RGB[..., :1], colours=0, bits=16),
            tiff(RGB, planes=True, bits=16),
            tiff(RGB[..., :2], colours=1, extra=(2,), planes=True),
            tiff(RGB, compression=50000),
            tiff(RGB, compression=34925),
            tiff(RGB[..., :1], colours=1, bits=2),
            tiff(RGB[..., :1], colours=1, bits=4),
            pillow_encoded(RGB[..., 0], "TIFF", "F"),
        ],
    )
    def test_those_that_are_not_read_say_so(self, data: bytes) -> None:
        assert kind_of(data) is Kind.UNSUPPORTED


@told
@pytest.mark.parametrize("tile", [(16, 16), (16, 48), (48, 48), (32, 32), (64, 16)])
def test_uncompressed_tiles_are_read_or_said_to_be_unsupported(tile: tuple[int, int]) -> None:
    grey = np.pad(RGB[..., 0], ((0, 192 - HEIGHT), (0, 192 - WIDTH)))
    data = tiled(grey, tile=tile)
    # OpenCV 5 reads those of whole kilobytes only, others read all.
    if tile[0] * tile[1] % 1024 and kind_of(data) is not None:
        with pytest.raises(PhotoError, match=f"unsupported: .* of {tile[0] * tile[1]} bytes is not read"):
            decode(data)
    else:
        assert np.array_equal(decode(data)[..., 0], grey)
    assert kind_of(data[:-10]) is Kind.TRUNCATED
