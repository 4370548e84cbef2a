from __future__ import annotations

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fercli.defaults import MAX_PIXELS
from fercli.errors import PhotoError
from fercli.errors import PhotoErrorKind as Kind
from fercli.images import decode
from fercli.sources import find_photos, read_photo
from tests.corpus import (
    FORMATS,
    HAS_GIF,
    SAMPLES,
    bomb,
    build,
    encoded,
    gradient,
    noise,
    pillow_encoded,
    png,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RGB = gradient()
GREY = np.ascontiguousarray(RGB[..., 0])
GREY16 = np.linspace(0, 65535, 64 * 48).reshape(48, 64).round().astype(np.uint16)
needs_gif = pytest.mark.skipif(not HAS_GIF, reason="this OpenCV reads no GIF")


def kind_of(data: bytes, max_pixels: int = MAX_PIXELS) -> Kind:
    with pytest.raises(PhotoError) as caught:
        decode(data, max_pixels)
    assert "\n" not in caught.value.sentence
    assert caught.value.sentence.endswith(".")
    return caught.value.kind


def assert_near(picture: NDArray[np.uint8], expected: NDArray[Any], tolerance: int = 1) -> None:
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).max() <= tolerance


class TestColours:
    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
    def test_rgb(self, suffix: str) -> None:
        assert_near(decode(encoded(RGB, suffix)), RGB, 0)

    @pytest.mark.parametrize(("suffix", "tolerance"), [("jpg", 12), ("webp", 12)])
    def test_rgb_with_losses(self, suffix: str, tolerance: int) -> None:
        assert_near(decode(encoded(RGB, suffix)), RGB, tolerance)

    @pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp"])
    def test_grey(self, suffix: str) -> None:
        assert_near(decode(encoded(GREY, suffix)), np.dstack([GREY] * 3), 6)

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_16_bits_are_scaled_and_not_clipped(self, suffix: str) -> None:
        for pixels in (GREY16, np.dstack([GREY16] * 3)):
            expected = np.round(np.dstack([GREY16 / 257] * 3))
            assert_near(decode(encoded(pixels, suffix)), expected, 1)

    @pytest.mark.parametrize("mode", ["1", "P"])
    @pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
    def test_palette_and_one_bit(self, file_format: str, mode: str) -> None:
        from PIL import Image

        expected = np.asarray(Image.fromarray(RGB).convert(mode).convert("RGB")).astype(int)
        assert_near(decode(pillow_encoded(RGB, file_format, mode)), expected, 0)

    @pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
    def test_cmyk(self, file_format: str) -> None:
        # Pillow writes CMYK into JPEG inverted, with Adobe's marker, as Photoshop does.
        assert_near(decode(pillow_encoded(RGB, file_format, "CMYK", quality=95)), RGB, 12)

    @pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
    def test_transparency_is_laid_on_white(self, file_format: str) -> None:
        alpha = np.linspace(0, 255, 64).round().astype(np.uint8)[np.newaxis, :, np.newaxis].repeat(48, 0)
        share = alpha / 255
        options: dict[str, Any] = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
        data = pillow_encoded(np.dstack([RGB, alpha]), file_format, **options)
        assert_near(decode(data), np.round(RGB * share + 255 * (1 - share)), 2)

    @pytest.mark.parametrize("pixels", [GREY16.astype(np.float32) / 65535, GREY16.astype(np.int32)])
    def test_other_numbers_are_refused_by_name(self, pixels: NDArray[Any]) -> None:
        assert kind_of(pillow_encoded(pixels, "TIFF")) is Kind.UNSUPPORTED

    @pytest.mark.parametrize("file_format", ["TIFF", "WEBP", "PNG", pytest.param("GIF", marks=needs_gif)])
    def test_of_several_pictures_the_first(self, file_format: str) -> None:
        from PIL import Image

        options: dict[str, Any] = {"lossless": True} if file_format == "WEBP" else {}
        others = [Image.new("RGB", (64, 48), "red")]
        plain = np.full((48, 64, 3), 40, np.uint8)
        data = pillow_encoded(plain, file_format, save_all=True, append_images=others, **options)
        assert_near(decode(data), plain)

    def test_the_smallest_and_the_longest(self) -> None:
        for width, height in ((1, 1), (1, 5000), (5000, 1)):
            assert decode(encoded(gradient(width, height), "png")).shape == (height, width, 3)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(file_format: str, orientation: int) -> None:
    from PIL import Image

    stored = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.transpose(1, 0, 2),
        6: RGB.transpose(1, 0, 2)[::-1],
        7: RGB.transpose(1, 0, 2)[::-1, ::-1],
        8: RGB.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"exif": exif, "quality": 95},
        "PNG": {"exif": exif},
        "WEBP": {"exif": exif, "lossless": True},
        "TIFF": {"tiffinfo": {274: orientation}},
    }
    assert_near(
        decode(pillow_encoded(np.ascontiguousarray(stored), file_format, **options[file_format])), RGB, 12
    )


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[274] = orientation
    assert_near(decode(pillow_encoded(RGB, "JPEG", quality=95, exif=exif)), RGB, 12)


class TestBadFiles:
    def test_every_one_has_its_kind(self, tmp_path: Path) -> None:
        for case, path in zip(build(tmp_path), find_photos([str(tmp_path)]), strict=True):
            kind = None
            try:
                decode(read_photo(path))
            except PhotoError as error:
                kind = error.kind
            assert kind == case.kind, case.path

    def test_nothing(self) -> None:
        assert kind_of(b"") is Kind.EMPTY

    @pytest.mark.parametrize(
        "data", [b"GIF", b"\xff\xd8", b"BM, a text", b"<svg/>", b"%PDF-1.7", bytes(1000)]
    )
    def test_not_an_image(self, data: bytes) -> None:
        assert kind_of(data) is Kind.NOT_AN_IMAGE

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_cut_anywhere(self, suffix: str) -> None:
        whole = encoded(RGB, suffix)
        behind = 16 if suffix == "png" else 8  # its end chunk and the last checksum are not the picture
        for length in range(32, len(whole) - behind, max(1, len(whole) // 200)):
            assert kind_of(whole[:length]) is Kind.TRUNCATED, length

    def test_cut_progressive_jpeg(self) -> None:
        whole = pillow_encoded(RGB, "JPEG", progressive=True)
        for length in range(3, len(whole) - 4, 7):
            assert kind_of(whole[:length]) is Kind.TRUNCATED, length

    def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(self) -> None:
        whole = encoded(RGB, "jpg")
        thumbnail = encoded(GREY, "jpg")
        segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
        data = whole[:2] + segment + whole[2:]
        assert_near(decode(data), decode(whole), 0)
        assert kind_of(data[:-200]) is Kind.TRUNCATED

    @pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp"])
    def test_what_follows_a_picture_does_not_matter(self, suffix: str) -> None:
        whole = encoded(RGB, suffix)
        for junk in (bytes(1000), noise().tobytes(), whole):
            assert_near(decode(whole + junk), decode(whole), 0)

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_too_large_before_a_byte_is_decoded(self, suffix: str) -> None:
        # 64 x 48 = 3072 pixels; the cut file shows that the size is looked at first.
        data = encoded(RGB, suffix)
        assert kind_of(data, max_pixels=3071) is Kind.TOO_LARGE
        if suffix != "tif":  # OpenCV writes a TIFF's header last
            assert kind_of(data[:-20], max_pixels=3071) is Kind.TOO_LARGE
        if suffix != "gif" or HAS_GIF:
            assert decode(data, max_pixels=3072).shape == (48, 64, 3)

    def test_a_bomb(self) -> None:
        with pytest.raises(PhotoError, match="too-large: It has 60000 x 60000 pixels"):
            decode(bomb())

    def test_more_than_opencv_decodes_whatever_is_allowed(self) -> None:
        assert kind_of(bomb(), max_pixels=10**12) is Kind.TOO_LARGE
        assert kind_of(png(1 << 21, 1, b"")) is Kind.TOO_LARGE

    def test_no_pixels(self) -> None:
        assert kind_of(png(0, 5, b"")) is Kind.DAMAGED

    @pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
    @pytest.mark.parametrize(
        "options", ["'PNG'", "'JPEG', progressive=True", "'TIFF', compression='tiff_lzw'"]
    )
    def test_too_little_memory(self, options: str) -> None:
        script = f"""
import io, re, resource
from pathlib import Path
from PIL import Image
from fercli.errors import PhotoError
from fercli.images import decode
file = io.BytesIO()
Image.new("RGB", (5000, 5000)).save(file, {options})
used = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), -1))
try:
    decode(file.getvalue())
except PhotoError as error:
    print(error.kind)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("too-large\n", "")

    def test_many_tiny_segments_take_no_time(self) -> None:
        assert kind_of(b"\xff\xd8" + b"\xff\xe2\0\2" * 1_000_000) is Kind.DAMAGED

    def test_says_nothing_on_standard_error(self, tmp_path: Path) -> None:
        build(tmp_path)
        script = """
import sys
from fercli.errors import PhotoError
from fercli.images import decode
from fercli.sources import find_photos, read_photo
for path in find_photos([sys.argv[1]]):
    try:
        decode(read_photo(path))
    except PhotoError as error:
        pass
"""
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""

    @needs_gif
    def test_gif(self) -> None:
        assert_near(decode(encoded(RGB, "gif")), RGB, 40)

    @pytest.mark.skipif(HAS_GIF, reason="this OpenCV reads GIF")
    def test_gif_where_opencv_cannot(self) -> None:
        assert kind_of(encoded(RGB, "gif")) is Kind.UNSUPPORTED


class TestHeif:
    @pytest.fixture(params=["HEIF", "AVIF"])
    def data(self, request: pytest.FixtureRequest) -> bytes:
        pytest.importorskip("pillow_heif").register_heif_opener()
        return pillow_encoded(RGB, request.param, quality=95)

    def test_reads(self, data: bytes) -> None:
        assert_near(decode(data), RGB, 25)

    def test_cut(self, data: bytes) -> None:
        for length in range(40, len(data), 20):
            assert kind_of(data[:length]) is Kind.TRUNCATED

    def test_too_large(self, data: bytes) -> None:
        assert kind_of(data, max_pixels=3071) is Kind.TOO_LARGE

    def test_damaged(self, data: bytes) -> None:
        middle = len(data) // 2
        damaged = data[:64] + bytes(middle) + data[64 + middle :]
        assert kind_of(damaged) in {Kind.DAMAGED, Kind.TRUNCATED}

    def test_transparency_is_laid_on_white(self) -> None:
        pytest.importorskip("pillow_heif").register_heif_opener()
        clear = np.zeros((48, 64, 4), np.uint8)
        for file_format in ("HEIF", "AVIF"):
            assert decode(pillow_encoded(clear, file_format)).min() > 250

    def test_avif_turned_by_its_container(self) -> None:
        from PIL import Image

        pytest.importorskip("pillow_heif")
        exif = Image.Exif()
        exif[274] = 6
        stored = np.ascontiguousarray(RGB.transpose(1, 0, 2)[::-1])
        assert_near(decode(pillow_encoded(stored, "AVIF", quality=95, exif=exif)), RGB, 25)

    def test_without_the_extra(self, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as where it is not installed
        with pytest.raises(PhotoError, match=r"unsupported: .*fercli\[heic\]"):
            decode(data)


def test_several_threads_decode_what_one_does() -> None:
    files = [path.read_bytes() for path in sorted(SAMPLES.iterdir())] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(decode, files))
    assert all(np.array_equal(picture, decode(data)) for picture, data in zip(together, files, strict=True))


REAL = {
    "jpg": encoded(decode((SAMPLES / "coffee-no-face.jpg").read_bytes())[:96, :128], "jpg"),
    "png": encoded(RGB, "png"),
    "webp": encoded(RGB, "webp"),
    "bmp": encoded(RGB, "bmp"),
    "tif": encoded(RGB, "tif"),
    "gif": encoded(RGB, "gif"),
}
if find_spec("pillow_heif"):
    from pillow_heif import register_heif_opener

    register_heif_opener()
    REAL |= {"heic": pillow_encoded(RGB, "HEIF"), "avif": pillow_encoded(RGB, "AVIF")}


def decodes_or_says_why(data: bytes) -> bool:
    """Whether it gives pixels or a sentence; nothing but a PhotoError may be raised."""
    try:
        picture = decode(data, max_pixels=1_000_000)
    except PhotoError as error:
        return error.sentence.endswith(".") and "\n" not in error.sentence
    return picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    assert decodes_or_says_why(data)


@given(
    st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\0\0\0WEBP", b"II*\0", b"MM\0+", b"BM"]
    ),
    st.binary(max_size=200),
)
def test_random_bytes_after_a_signature(signature: bytes, data: bytes) -> None:
    assert decodes_or_says_why(signature + data)


@settings(deadline=None)
@given(st.data())
def test_cuts_and_flips_of_real_pictures(draw: st.DataObject) -> None:
    data = bytearray(REAL[draw.draw(st.sampled_from(sorted(REAL)))])
    for _ in range(draw.draw(st.integers(0, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    assert decodes_or_says_why(bytes(data[: draw.draw(st.integers(0, len(data)))]))
