"""Bytes to upright RGB: limits, and every way a picture can be bad, by name."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from fercli.defaults import MAX_PIXELS
from fercli.errors import PhotoError, PhotoErrorKind
from fercli.extras import install, missing
from fercli.formats import bmp, jpeg, pnm, read_header, tiff, webp
from fercli.formats.header import Alpha, DamagedError, Format, Header
from fercli.native_output import caught_stderr
from fercli.sources import read_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# OpenCV's own limits, which no option can lift.
_OPENCV_SIDE = 1 << 20
_OPENCV_PIXELS = 1 << 30


def _let_opencv_warn() -> None:
    """Only its log, which is caught, says what libtiff stumbles over; a user's setting must not hide it."""
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(3)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_WARNING)


_let_opencv_warn()


class Picture(NamedTuple):
    """An upright picture, uint8 (H, W, 3) RGB, that may be smaller than its photo, and the photo's size."""

    rgb: NDArray[np.uint8]
    height: int
    width: int


def decode(
    data: bytes, max_pixels: int = MAX_PIXELS, admit: Callable[[int], None] = lambda _: None
) -> NDArray[np.uint8]:
    """The picture in a file's bytes, upright, as C-contiguous RGB, uint8 (H, W, 3).

    All eight EXIF orientations of JPEG, PNG, WebP and TIFF are turned upright. Grey, palette and CMYK
    become RGB; 16 bits are scaled to 8 by 257; transparency is laid on white, where the file says that it
    has any. Of several pictures in a file the first is taken. JPEG is decoded by libjpeg-turbo, PNG, WebP,
    TIFF, GIF and BMP with palettes by OpenCV (GIF where it was built with that), other BMP, PGM and PPM
    here, HEIC and AVIF where the extra `heic` is installed. The decoder decides whether a picture is whole:
    faults of its wrapping do not matter. May be called from several threads, of which one at a time decodes
    anything but JPEG.

    Args:
        data: the whole file.
        max_pixels: a picture whose header promises more is refused before anything is decoded.
        admit: called with the number of pixels before they are decoded; may wait, or raise PhotoError.

    Raises:
        PhotoError: `empty`, `not-an-image`, `truncated`, `damaged`, `too-large` or `unsupported`.
    """
    return decode_reduced(data, lambda *_: 1, max_pixels, admit).rgb


def decode_reduced(
    data: bytes,
    reduction: Callable[[int, int], int],
    max_pixels: int = MAX_PIXELS,
    admit: Callable[[int], None] = lambda _: None,
) -> Picture:
    """The picture as of `decode`, of a JPEG so many times smaller as `reduction` allows.

    libjpeg then computes fewer samples of each block of 8 by 8 pixels, which is faster; other formats are
    given whole.

    Args:
        data: as of `decode`.
        reduction: given the upright picture's height and width, says 1, 2, 4 or 8.
        max_pixels: as of `decode`.
        admit: likewise.

    Raises:
        PhotoError: likewise.
    """
    if not data:
        raise PhotoError(PhotoErrorKind.EMPTY, "The file is empty.")
    header = read_header(data)
    try:
        if header.format in (Format.HEIC, Format.AVIF):
            rgb = _decode_heif(data, header, max_pixels, admit)
            return Picture(rgb, *rgb.shape[:2])
        _check((header.width, header.height), max_pixels)
        admit(header.width * header.height)
        size = (header.width, header.height) if _is_turned(header) else (header.height, header.width)
        rgb = _upright(_decode_stored(data, header, reduction(*size)), header.orientation)
        return Picture(rgb, *(size if header.format is Format.JPEG else rgb.shape[:2]))
    except DamagedError:
        if header.cut:
            raise PhotoError(
                PhotoErrorKind.TRUNCATED,
                "The file ends before the picture does; copy or download it again.",
            ) from None
        raise PhotoError(
            PhotoErrorKind.DAMAGED, "A part of the picture is destroyed; copy or download it again."
        ) from None
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        raise PhotoError(PhotoErrorKind.TOO_LARGE, "The picture does not fit into memory.") from None


def read_picture(path: str, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The picture in a photo's file, as `decode` gives it; `path` is as of `fercli.sources.read_photo`.

    Raises:
        PhotoError: as of `read_photo` and `decode`.
    """
    return decode(read_photo(path), max_pixels)


def _check(size: tuple[int, int], max_pixels: int) -> None:
    """Refuses what is too large, or has no pixels at all."""
    width, height = size
    pixels = width * height
    if pixels > max_pixels:
        raise PhotoError(
            PhotoErrorKind.TOO_LARGE,
            f"It has {width} x {height} pixels, more than the {max_pixels} allowed"
            " (fercli predict --max-pixels).",
        )
    if pixels > _OPENCV_PIXELS or max(width, height) > _OPENCV_SIDE:
        raise PhotoError(PhotoErrorKind.TOO_LARGE, f"OpenCV cannot decode {width} x {height} pixels.")
    if not pixels:
        raise DamagedError


def _is_turned(header: Header) -> bool:
    return header.orientation in _TURNED


def _decode_stored(data: bytes, header: Header, reduction: int) -> NDArray[np.uint8]:
    """The picture as it is stored, RGB, not turned (but for TIFF)."""
    if header.format is Format.JPEG:
        least = (-(-header.height // reduction), -(-header.width // reduction))
        return jpeg.decode(data, least if reduction > 1 else jpeg.WHOLE)
    own = {Format.BMP: bmp.decode, Format.PNM: pnm.decode}.get(header.format)
    pixels: NDArray[Any] | None = None if own is None else own(data)
    return _rgb(_decode_opencv(data, header) if pixels is None else pixels, header)


def _decode_opencv(data: bytes, header: Header) -> NDArray[Any]:
    """OpenCV's pixels: BGR, grey or BGRA, of 8 or more bits."""
    pixels, said = _imdecode(data if header.picture is None else header.picture)
    if pixels is None and header.format is Format.GIF and not (header.cut or cv2.haveImageWriter(".gif")):
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED,
            f"OpenCV {cv2.__version__} cannot read GIF; pip install --upgrade opencv-python-headless.",
        )
    if header.format is Format.TIFF:
        tiff.check_strips(data, said, cut=header.cut)
    if pixels is None:
        raise DamagedError
    if header.format is Format.WEBP and header.picture is not None:
        shortened = webp.without_its_end(header.picture)
        if shortened is not None and _imdecode(shortened)[0] is not None:
            raise DamagedError
    return pixels


def _imdecode(data: bytes) -> tuple[NDArray[Any] | None, str]:
    """The pixels, if OpenCV can read them, and what it and its codecs print."""
    with caught_stderr() as caught:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from None
            pixels = None
    if pixels is None and jpeg.NO_MEMORY in caught.text:
        raise MemoryError
    return pixels, caught.text


def _rgb(pixels: NDArray[Any], header: Header) -> NDArray[np.uint8]:
    """Any of OpenCV's pictures as RGB of 8 bits, transparency laid on white."""
    if header.clear_grey is not None and pixels.ndim == _GREY_AXES:
        opaque = np.iinfo(pixels.dtype).max
        alpha = np.where(pixels == header.clear_grey, 0, opaque).astype(pixels.dtype)
        pixels = cv2.merge([pixels, pixels, pixels, alpha])
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    channels = 1 if pixels.ndim == _GREY_AXES else pixels.shape[2]
    if pixels.dtype != np.uint8 or channels not in _TO_RGB:
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED,
            f"Its pixels ({channels} x {pixels.dtype}) are not read; save it with 8 or 16 bits a channel.",
        )
    rgb = cv2.cvtColor(pixels, _TO_RGB[channels])
    if channels == _BGRA and header.alpha is not Alpha.UNUSED:
        alpha = cv2.cvtColor(np.ascontiguousarray(pixels[:, :, 3]), cv2.COLOR_GRAY2RGB)
        if header.alpha is Alpha.STRAIGHT:
            rgb = cv2.multiply(rgb, alpha, scale=1 / 255)
        rgb = cv2.add(rgb, cv2.bitwise_not(alpha))
    return _bytes(rgb)


_GREY_AXES = 2
_BGRA = 4
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, _BGRA: cv2.COLOR_BGRA2RGB}


_TURNED = (5, 6, 7, 8)
"""EXIF's orientations that exchange width and height."""


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture turned and mirrored as EXIF's orientation (1 to 8) asks."""
    if orientation in _TURNED:
        rgb = _bytes(cv2.transpose(rgb))
    # After the transposition 5 is upright; 6 to 8 need what 2 to 4 need, in another order.
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return rgb if flip is None else _bytes(cv2.flip(rgb, flip))


def _bytes(pixels: Any) -> NDArray[np.uint8]:
    """OpenCV's types do not say that the function before kept the picture's."""
    result: NDArray[np.uint8] = pixels
    return result


def _decode_heif(
    data: bytes, header: Header, max_pixels: int, admit: Callable[[int], None]
) -> NDArray[np.uint8]:
    """HEIC by libheif, which turns the picture itself, AVIF by Pillow."""
    if missing("pillow_heif"):
        raise PhotoError(
            PhotoErrorKind.UNSUPPORTED,
            f"{header.format} pictures need an extra; {install('heic')}.",
        )
    import pillow_heif
    from PIL import AvifImagePlugin

    try:
        with caught_stderr():
            if header.format is Format.AVIF:
                avif = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
                _check(avif.size, max_pixels)
                admit(avif.width * avif.height)
                orientation = avif.getexif().get(tiff.ORIENTATION, 1)
                pixels = cv2.cvtColor(np.asarray(avif.convert("RGBA")), cv2.COLOR_RGBA2BGRA)
                return _upright(_rgb(pixels, header), orientation)
            heic = pillow_heif.open_heif(data, bgr_mode=True)
            _check(heic.size, max_pixels)
            admit(heic.size[0] * heic.size[1])
            return _rgb(np.asarray(heic), header)
    except (ValueError, RuntimeError, SyntaxError, OSError, EOFError, LookupError):  # for damaged files
        raise DamagedError from None
