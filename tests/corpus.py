"""Builds every kind of file that a folder of photos may hold and should not, and names its fault."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from fercli.errors import PhotoErrorKind as Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[1] / "samples" / "photos"
PICTURES = Path(__file__).parent / "pictures"
FORMATS = ("jpg", "png", "bmp", "webp", "tif", "gif")
HAS_GIF = cv2.haveImageWriter(".gif")
TELLS_RUINED_TIFFS = tuple(map(int, cv2.__version__.split(".")[:2])) >= (4, 13)
"""Older releases of OpenCV give the rest of a TIFF that is destroyed inside, and no error."""


class Case(NamedTuple):
    """A file of the corpus: its path below the folder, and its error's kind; None where it is readable."""

    path: str
    kind: Kind | None


def gradient(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A smooth RGB picture whose every corner is different, uint8 (H, W, 3)."""
    x = np.linspace(0, 255, width)[np.newaxis, :].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, np.newaxis].repeat(width, 1)
    return np.stack([x, y, 255 - (x + y) / 2], axis=2).round().astype(np.uint8)


def noise(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def photo() -> NDArray[np.uint8]:
    """A real photo, RGB, uint8 (256, 256, 3)."""
    bgr = cv2.imread(str(SAMPLES / "astronaut-eileen-collins.jpg"), cv2.IMREAD_REDUCED_COLOR_2)
    assert bgr is not None
    return np.ascontiguousarray(bgr[..., ::-1])


RUINS = {
    "zeros": bytes(2048),
    "ones": b"\xff" * 2048,
    "noise": np.random.default_rng(7).bytes(2048),
    "text": b"The quick brown fox. " * 100,
}
"""What a bad disk or a bad transfer leaves in the middle of a file."""


def ruined(data: bytes, ruin: str, share: float = 0.5) -> bytes:
    """The file with that part of it overwritten by one of `RUINS`."""
    start = int(len(data) * share)
    return data[:start] + RUINS[ruin] + data[start + len(RUINS[ruin]) :]


def chunk(kind: bytes, content: bytes, *, bad_checksum: bool = False) -> bytes:
    """A chunk of a PNG."""
    checksum = zlib.crc32(kind + content) ^ bad_checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def encoded(pixels: NDArray[Any], suffix: str) -> bytes:
    """RGB or grey pixels as a file in the format that the suffix names."""
    if suffix == "gif":
        return pillow_encoded(pixels, "GIF")
    bgr = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])
    done, data = cv2.imencode(f".{suffix}", bgr)
    assert done
    return data.tobytes()


def pillow_encoded(
    pixels: NDArray[Any], file_format: str, mode: str | None = None, **options: Any
) -> bytes:
    """Pixels as Pillow saves them, converted to its `mode` before."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    file = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(file, file_format, **options)
    return file.getvalue()


def png(width: int, height: int, content: bytes) -> bytes:
    """A PNG of 8-bit grey, valid in every part, whose header promises what its content may not keep."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(content)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in chunks)


def with_bad_comment(picture: bytes) -> bytes:
    """A PNG with a comment whose checksum is wrong."""
    header = 8 + 25
    return picture[:header] + chunk(b"tEXt", b"Software\0x", bad_checksum=True) + picture[header:]


def bomb() -> bytes:
    """60,000 by 60,000 pixels in less than a kilobyte."""
    return png(60_000, 60_000, bytes(100_000))


def build(folder: Path) -> list[Case]:
    """Fills the folder; its cases are in the order in which `find_photos` finds them."""
    good = encoded(gradient(), "jpg")
    files: dict[bytes, tuple[bytes, Kind | None]] = {
        b"text.jpg": (b"This is a text.\n", Kind.NOT_AN_IMAGE),
        b"empty.jpg": (b"", Kind.EMPTY),
        b"bomb.png": (bomb(), Kind.TOO_LARGE),
        b"promises too much.png": (png(500, 500, bytes(1000)), Kind.DAMAGED),
        b"one pixel.png": (encoded(gradient(1, 1), "png"), None),
        b"1x5000.png": (encoded(gradient(1, 5000), "png"), None),
        b"5000x1.jpg": (encoded(gradient(5000, 1), "jpg"), None),
        b"black.jpg": (encoded(np.zeros((48, 64, 3), np.uint8), "jpg"), None),
        b"noise.png": (encoded(noise(), "png"), None),
        b"UPPER.JPG": (good, None),
        b"png called.jpg": (encoded(gradient(), "png"), None),
        b"comma, quote\" and 'another'.jpg": (good, None),
        b"new\nline.jpg": (good, None),
        b"=name.jpg": (good, None),
        b"-option.jpg": (good, None),
        b"[brackets]*.jpg": (good, None),
        "日本語の写真.jpg".encode(): (good, None),
        b"not \xff\xfe utf-8.jpg": (good, None),
        b"folder.jpg/inside.png": (encoded(gradient(), "png"), None),
        b"without its end.jpg": (good[:-2], None),
        b"with a trailer for its end.jpg": (good[:-2] + b"\0\0\x01\x0aImage_UTC_DataSEFT", None),
        b"with bytes between segments.jpg": (good.replace(b"\xff\xc4", b"\0\x11\xff\xc4", 1), None),
        b"with a bad checksum of a comment.png": (with_bad_comment(encoded(gradient(), "png")), None),
    }
    for suffix in ("jpg", "png", "webp", *(["tif"] if TELLS_RUINED_TIFFS else [])):
        name = f"destroyed inside.{suffix}".encode()
        files[name] = (ruined(encoded(photo(), suffix), "noise"), Kind.DAMAGED)
    for suffix in FORMATS:
        whole = encoded(gradient(), suffix)
        for percent in (10, 50, 90):
            name = f"cut {suffix} at {percent}.{suffix}".encode()
            files[name] = (whole[: len(whole) * percent // 100], Kind.TRUNCATED)
    cases = {
        os.fsdecode(name): kind for name, (data, kind) in files.items() if _written(folder, name, data)
    }
    os.mkfifo(folder / "fifo.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (folder / "loop").symlink_to(".")
    (folder / ".hidden.jpg").write_bytes(good)
    (folder / "notes.txt").write_text("Not a picture by its name.")
    cases |= {"fifo.jpg": Kind.NOT_A_FILE, "dangling.jpg": Kind.MISSING, "itself.jpg": Kind.UNREADABLE}
    return [Case(path, cases[path]) for path in sorted(cases, key=lambda path: path.split("/"))]


def _written(folder: Path, name: bytes, data: bytes) -> bool:
    """False where the file system has no such names, as macOS has none that are not UTF-8."""
    path = folder / os.fsdecode(name)
    path.parent.mkdir(exist_ok=True)
    try:
        path.write_bytes(data)
    except OSError:
        return False
    return True
