"""Encoded pictures to upright RGB, and every way in which a picture can be bad, by name."""

from __future__ import annotations

import re
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.image_headers import Format, Header, ShortHeaderError, read_header

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MAX_PIXELS = 200_000_000
"""A picture whose header promises more is refused before a byte of it is decoded."""


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The picture in the bytes of a file, upright, as uint8 (H, W, 3) RGB.

    JPEG, PNG, BMP, WebP, TIFF and GIF, and HEIC and AVIF with the extra `heic`; the first picture of a
    file that holds several. Grey, palette, CMYK and 16-bit pictures become 8-bit RGB, and what is
    transparent shows white. May be called from several threads at once; they do not wait for each other.

    Args:
        data: The whole file.
        max_pixels: The largest width times height to accept.

    Raises:
        PhotoError: the picture is empty, none that is known, cut off, too large, damaged, or of a sort
            that is not supported.
    """
    if not data:
        raise PhotoError(PhotoErrorKind.EMPTY, "the file is empty")
    header = _header(data)
    _check_size(header.width, header.height, max_pixels)
    try:
        if header.format is Format.HEIF:
            return _decode_heif(data, max_pixels)
        pixels = _decode_first(data, header)
        if pixels is None:
            raise _undecodable(header)
        return _upright(_as_rgb(pixels, header.format), header.orientation)
    except MemoryError:
        sentence = f"{header.width} x {header.height} pixels do not fit into memory"
        raise PhotoError(PhotoErrorKind.TOO_LARGE, sentence) from None


def _header(data: bytes) -> Header:
    try:
        header = read_header(data)
    except ShortHeaderError:
        raise PhotoError(PhotoErrorKind.TRUNCATED, "the file stops inside its header") from None
    if header is None:
        sentence = f"this is no {', '.join(list(Format)[:-1])}, {Format.HEIF} picture"
        raise PhotoError(PhotoErrorKind.NOT_AN_IMAGE, sentence)
    return header


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        sentence = f"{width} x {height} pixels are more than the {max_pixels} allowed (--max-pixels)"
        raise PhotoError(PhotoErrorKind.TOO_LARGE, sentence)


def _decode_first(data: bytes, header: Header) -> NDArray[np.generic] | None:
    """The first picture as OpenCV hands it over: grey, BGR or BGRA, not turned; None if it cannot."""
    # Before version 5 OpenCV fills what a JPEG lacks with grey. Everything else that is cut off it refuses.
    if header.format is Format.JPEG and not header.complete:
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.STS_NO_MEM:
            raise MemoryError from None
        return None
    # OpenCV's stubs leave out that it answers None.
    return pixels


def _undecodable(header: Header) -> PhotoError:
    if not header.complete:
        return PhotoError(PhotoErrorKind.TRUNCATED, f"the {header.format} data stops before its end")
    if header.format is Format.GIF and not re.search(r"GIF:\s+YES", cv2.getBuildInformation()):
        sentence = f"OpenCV {cv2.__version__} cannot read GIF; install opencv-python-headless 4.12 or newer"
        return PhotoError(PhotoErrorKind.UNSUPPORTED, sentence)
    return PhotoError(PhotoErrorKind.UNREADABLE, f"the {header.format} data is damaged")


def _as_rgb(pixels: NDArray[np.generic], image_format: Format) -> Pixels:
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    if pixels.dtype != np.uint8:
        sentence = f"pixels of type {pixels.dtype} have no brightness that everyone agrees on"
        raise PhotoError(PhotoErrorKind.UNSUPPORTED, sentence)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
    return _on_white(pixels, is_premultiplied=image_format is Format.TIFF)


def _on_white(bgra: Pixels, *, is_premultiplied: bool) -> Pixels:
    alpha = cv2.merge([bgra[:, :, 3]] * 3)
    rgb = cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGB)
    if not is_premultiplied:
        rgb = cv2.multiply(rgb, alpha, scale=1 / 255)
    return cv2.add(rgb, cv2.bitwise_not(alpha))


def _upright(rgb: Pixels, orientation: int) -> Pixels:
    """`rgb` turned and mirrored as EXIF's tag 274 asks for."""
    match orientation:
        case 2:
            return cv2.flip(rgb, 1)
        case 3:
            return cv2.rotate(rgb, cv2.ROTATE_180)
        case 4:
            return cv2.flip(rgb, 0)
        case 5:
            return cv2.transpose(rgb)
        case 6:
            return cv2.rotate(rgb, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            return cv2.rotate(cv2.transpose(rgb), cv2.ROTATE_180)
        case 8:
            return cv2.rotate(rgb, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            return rgb


def _decode_heif(data: bytes, max_pixels: int) -> Pixels:
    """HEIC and AVIF by Pillow: OpenCV reads no HEIC and does not turn AVIF."""
    if find_spec("pillow_heif") is None:
        sentence = f"{Format.HEIF} needs an extra: pip install 'fercli[heic]'"
        raise PhotoError(PhotoErrorKind.UNSUPPORTED, sentence)
    import pillow_heif
    from PIL import Image, ImageOps

    pillow_heif.register_heif_opener()
    try:
        with Image.open(BytesIO(data), formats=["HEIF", "AVIF"]) as picture:
            _check_size(*picture.size, max_pixels)
            turned = ImageOps.exif_transpose(picture).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise PhotoError(PhotoErrorKind.TOO_LARGE, str(error)) from None
    except (OSError, ValueError, RuntimeError, EOFError, SyntaxError):
        raise PhotoError(PhotoErrorKind.UNREADABLE, f"the {Format.HEIF} data is damaged") from None
    white = Image.new("RGBA", turned.size, "white")
    return np.array(Image.alpha_composite(white, turned).convert("RGB"))


def _silence_opencv() -> None:
    """OpenCV's own warnings about a bad picture name no file and would stand between the rows' errors."""
    # The function's place changed with OpenCV 5, and each version's stubs know only one.
    getattr(cv2.utils, "logging", cv2).setLogLevel(0)


_silence_opencv()
