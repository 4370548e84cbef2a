"""The hostile corpus: files of every kind that may meet a reader of photos, and the statuses each may get.

    python -m tests.hostile FOLDER [--huge]

makes them in a folder, has `fercli predict` read it, and says which statuses are wrong. A status is that of
the report, or the kind of its error; `whole` says that a file which is read must give the very pixels of
the one that it was made from, since half a picture must never count as one.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.errors import PhotoErrorKind as Kind
from tests.corpus import chunk, encoded, gradient, photo, pillow_encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

READ = "read"
"""In place of the statuses `ok` and `no_face`: which one depends on what is to be seen."""
FAULTS = frozenset({Kind.TRUNCATED, Kind.DAMAGED, Kind.NOT_AN_IMAGE, Kind.UNSUPPORTED, Kind.TOO_LARGE})
FORMATS = ("jpg", "png", "bmp", "webp", "tif", "gif", "heic", "avif")
_SIDE = 72
_LARGE = 50 << 20


class Hostile(NamedTuple):
    """A file: its name, what it holds, what it may be taken for, and what it was made from."""

    name: bytes
    data: bytes
    allowed: frozenset[str]
    whole: bytes | None = None


@cache
def good(suffix: str) -> bytes:
    """A small photo in each format."""
    pixels = photo()[40 : 40 + _SIDE, 60 : 60 + _SIDE]
    if suffix in {"heic", "avif"}:
        import pillow_heif

        pillow_heif.register_heif_opener()
        return pillow_encoded(pixels, "HEIF" if suffix == "heic" else "AVIF")
    return encoded(pixels, suffix)


def cases(*, huge: bool = False) -> Iterator[Hostile]:
    """All of them; `huge` with those of 50 MB."""
    yield from cuts()
    yield from flips()
    yield from bombs()
    yield from wrong_suffixes()
    yield from metadata(_LARGE if huge else 1 << 18)
    yield from depths()
    yield from polyglots()
    yield from names()


def cuts(step: int = 1) -> Iterator[Hostile]:
    """Each format cut at every so many percent."""
    for suffix in FORMATS:
        data = good(suffix)
        for percent in range(0, 100, step):
            name = f"cut {suffix} at {percent:02}.{suffix}".encode()
            allowed = FAULTS | {READ} if percent else frozenset({Kind.EMPTY})
            yield Hostile(name, data[: len(data) * percent // 100], allowed, data)


def flips(number: int = 60) -> Iterator[Hostile]:
    """Each format with one bit that is another, or several."""
    random = np.random.default_rng(3)
    for suffix in FORMATS:
        for trial in range(number):
            data = bytearray(good(suffix))
            for place in random.integers(0, len(data) * 8, 1 if trial % 2 else 1 + trial):
                data[place // 8] ^= 1 << (place % 8)
            yield Hostile(f"flipped {suffix} {trial:02}.{suffix}".encode(), bytes(data), FAULTS | {READ})


def bombs() -> Iterator[Hostile]:
    """Headers of each format that promise more pixels than memory has."""
    too_large = frozenset({Kind.TOO_LARGE})
    side = 65_500
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000_000), 9)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)
    yield Hostile(b"bomb.png", png, too_large)
    jpeg = bytearray(good("jpg"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    yield Hostile(b"bomb.jpg", bytes(jpeg), too_large)
    gif = bytearray(good("gif"))
    gif[6:10] = struct.pack("<HH", side, side)
    yield Hostile(b"bomb.gif", bytes(gif), too_large)
    bmp = bytearray(good("bmp"))
    bmp[18:26] = struct.pack("<ii", side, side)
    yield Hostile(b"bomb.bmp", bytes(bmp), too_large)
    yield Hostile(b"bomb.tif", tiff(np.zeros((8, 8), np.uint8), size=(side, side)), too_large)
    yield Hostile(b"long.tif", tiff(np.zeros((8, 8), np.uint8), size=(1 << 21, 8)), FAULTS)
    webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + bytes(8)
    yield Hostile(b"bomb.webp", webp, too_large)
    yield Hostile(b"flat.png", encoded(np.zeros((3000, 3000, 3), np.uint8), "png"), frozenset({READ}))


def wrong_suffixes() -> Iterator[Hostile]:
    """Each format under the name of each other."""
    for suffix in FORMATS:
        for other in FORMATS:
            if other != suffix:
                yield _read(f"{suffix} called.{other}".encode(), good(suffix))


def metadata(size: int) -> Iterator[Hostile]:
    """What stands beside the pixels: loops in EXIF and TIFF, profiles and texts of that many bytes."""
    jpeg = good("jpg")

    def with_segments(*segments: bytes) -> bytes:
        return jpeg[:2] + b"".join(segments) + jpeg[2:]

    def app(number: int, content: bytes) -> bytes:
        return bytes([0xFF, 0xE0 + number]) + struct.pack(">H", len(content) + 2) + content

    entry = struct.Struct("<HHII")
    loops = {
        "itself next": entry.pack(0x112, 3, 1, 1) + struct.pack("<I", 8),
        "itself below": entry.pack(0x8769, 4, 1, 8) + struct.pack("<I", 0),
        "far away": entry.pack(0x8769, 4, 1, 0xFFFFFFF0) + struct.pack("<I", 0xFFFFFFF0),
        "too many": entry.pack(0x112, 3, 0xFFFFFFFF, 8) + struct.pack("<I", 0),
    }
    for name, loop in loops.items():
        exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + loop
        yield _read(f"exif {name}.jpg".encode(), with_segments(app(1, exif)))
    block = np.random.default_rng(5).bytes(65_000)
    profiles = [
        app(2, b"ICC_PROFILE\0" + bytes([1 + part % 255, 255]) + block)
        for part in range(size // len(block))
    ]
    yield _read(b"icc.jpg", with_segments(*profiles))
    packets = [
        app(1, b"http://ns.adobe.com/xmp/extension/\0" + block[:65_000]) for _ in range(size // len(block))
    ]
    yield _read(b"xmp.jpg", with_segments(*packets))
    png, after_header = good("png"), 8 + 25
    noise = np.random.default_rng(6).bytes(size)
    for name, part in {
        "icc": chunk(b"iCCP", b"x\0\0" + zlib.compress(noise, 1)),
        "icc bomb": chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(8 * size), 9)),
        "xmp": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x>" * (size // 3)),
        "text bomb": chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(8 * size), 9)),
    }.items():
        yield _read(f"{name}.png".encode(), png[:after_header] + part + png[after_header:])
    tif = tiff(np.asarray(gradient()[..., 0]), loop=True)
    yield _read(b"directory loop.tif", tif)


def depths() -> Iterator[Hostile]:
    """1 to 32 bits, palettes, CMYK, tiles, several pages, and what moves."""
    rgb = gradient()
    modes = {"1": "png tif bmp", "L": "png tif bmp jpg", "P": "png gif tif bmp", "RGBA": "png tif webp"}
    for mode, suffixes in (modes | {"CMYK": "jpg tif", "LA": "png", "I;16": "png tif"}).items():
        for suffix in suffixes.split():
            name = {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper())
            if mode == "I;16":
                data = pillow_encoded(rgb[..., 0].astype(np.uint16) * 257, name)
            else:
                data = pillow_encoded(rgb, name, mode)
            allowed = {READ, Kind.UNSUPPORTED} if (mode, suffix) == ("CMYK", "tif") else {READ}
            yield Hostile(f"mode {mode}.{suffix}".encode(), data, frozenset(allowed))
    for mode in ("I", "F"):
        data = pillow_encoded(rgb[..., 0], "TIFF", mode)
        yield Hostile(f"mode {mode}.tif".encode(), data, frozenset({READ, Kind.UNSUPPORTED}))
    grey = np.pad(rgb[..., 0], ((0, 16), (0, 0)))
    yield _read(b"tiled.tif", tiff(grey, tile=(32, 32)))
    for tile in ((16, 16), (16, 32)):  # which the libtiff of OpenCV 5 does not read
        called = f"tiles of {tile[0]} by {tile[1]}.tif".encode()
        yield Hostile(called, tiff(grey, tile=tile), frozenset({READ, Kind.UNSUPPORTED}))
    yield _read(b"tiled and cut off.tif", tiff(grey, tile=(32, 32), size=(60, 60)))
    from PIL import Image

    frames = [Image.fromarray(np.roll(rgb, 5 * number, 1)) for number in range(3)]
    for name, suffix in (("GIF", "gif"), ("WEBP", "webp"), ("TIFF", "tif"), ("PNG", "png")):
        data = pillow_encoded(rgb, name, save_all=True, append_images=frames)
        yield _read(f"several.{suffix}".encode(), data)


def polyglots() -> Iterator[Hostile]:
    """Files that are two things at once."""
    archive = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
    for suffix in FORMATS:
        yield _read(f"and an archive.{suffix}".encode(), good(suffix) + archive)
        yield _read(f"and another.{suffix}".encode(), good(suffix) + good("png"))
    not_one = frozenset({Kind.NOT_AN_IMAGE, Kind.UNSUPPORTED})
    yield Hostile(b"document.jpg", b"%PDF-1.7\n" + good("jpg"), not_one)
    yield Hostile(b"page.jpg", b"<html><img src='data:image/png;base64,'>" + good("png"), not_one)
    yield Hostile(b"drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", not_one)
    yield Hostile(b"film.jpg", b"\0\0\0\x18ftypisom" + bytes(100), not_one | FAULTS)
    yield Hostile(b"nothing.jpg", bytes(1000), not_one)


def names() -> Iterator[Hostile]:
    """Names of every kind, each of a good picture."""
    odd = [
        b" begins and ends with a blank .jpg", b"two  blanks.jpg", b"tab\t.jpg", b"line\n.jpg",
        b"return\r.jpg", b"bell\x07 and delete\x7f.jpg", b"escape \x1b[31m.jpg", b"100%s %d {0} {x}.jpg",
        b"back\\slash.jpg", b"quote'.jpg", b'double".jpg', b"`whoami` $(id) $HOME.jpg", b"a;b&c|d>e.jpg",
        b"@at.jpg", b"+plus.jpg", b"-dash.jpg", b"--out.jpg", b"~.jpg", b"#.jpg", b"*.jpg", b"[a-z].jpg",
        b"con.jpg", b"nul.jpg", b"file:.jpg", b"http:.jpg", b"latin \xe9.jpg", b"half \xed\xa0\x80.jpg",
        b"over \xc0\xaf.jpg", "right \u202egnp.jpg".encode(), "combining e\u0301.jpg".encode(),
        "no width \u200b\ufeff.jpg".encode(), "\U0001f600.jpg".encode(), "line \u2028 end.jpg".encode(),
        b"x" * 251 + b".jpg", b"CAPITAL.JPG", b"two.suffixes.png.jpg", b"...jpg.jpg", b"<b>.jpg",
        b"=1+1.jpg",
    ]  # fmt: skip
    for name in odd:
        yield _read(name, good("jpg"))


def _read(name: bytes, data: bytes) -> Hostile:
    return Hostile(name, data, frozenset({READ}))


def tiff(
    grey: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    *,
    size: tuple[int, int] | None = None,
    tile: tuple[int, int] | None = None,
    loop: bool = False,
) -> bytes:
    """Grey pixels, uint8 (H, W), in one strip or in tiles, with another width and height in the header."""
    height, width = grey.shape
    shown_width, shown_height = size or (width, height)
    parts = [grey.tobytes()]
    if tile is not None:
        down, across = tile
        parts = [
            grey[y : y + down, x : x + across].tobytes()
            for y in range(0, height, down)
            for x in range(0, width, across)
        ]
    places = np.cumsum([8, *map(len, parts)]).tolist()
    after = places[-1]
    lists = [(places[:-1], 4), ([len(part) for part in parts], 4)]
    fields = {256: shown_width, 257: shown_height, 258: 8, 259: 1, 262: 1, 277: 1}
    fields |= {322: tile[1], 323: tile[0]} if tile is not None else {278: shown_height}
    tags = (324, 325) if tile is not None else (273, 279)
    body = b"".join(parts)
    entries = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items()}
    for tag, (values, _) in zip(tags, lists, strict=True):
        packed = struct.pack(f"<{len(values)}I", *values)
        where = values[0] if len(values) == 1 else after
        entries[tag] = struct.pack("<HHII", tag, 4, len(values), where)
        if len(values) > 1:
            body += packed
            after += len(packed)
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    return b"II*\0" + struct.pack("<I", after) + body + directory + struct.pack("<I", after if loop else 0)


def main() -> None:
    """Makes the corpus, reads it, and prints what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--huge", action="store_true", help="with profiles of 50 MB")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True)
    allowed: dict[str, frozenset[str]] = {}
    for case in cases(huge=asked.huge):
        path = os.fsdecode(os.fsencode(asked.folder) + b"/" + case.name)
        Path(path).write_bytes(case.data)
        allowed[path] = case.allowed
    listed = b"".join(os.fsencode(path) + b"\0" for path in allowed)
    out = asked.folder.with_suffix(".jsonl")
    command = [
        sys.executable,
        "-m",
        "fercli",
        "predict",
        "-0",
        "-",
        "--out",
        str(out),
        "--detector",
        "none",
    ]
    started = time.monotonic()
    done = subprocess.run(command, input=listed, capture_output=True, check=False)
    rows = [json.loads(line) for line in out.read_text("utf-8").split("\n")[:-1]]
    found = [READ if row["status"] != "error" else row["error"].partition(":")[0] for row in rows]
    wrong = [
        (row["path"], status) for row, status, kinds in zip(rows, found, allowed.values(), strict=True)
        if status not in kinds
    ]  # fmt: skip
    summary = {
        "files": len(allowed), "seconds": round(time.monotonic() - started, 1), "statuses": Counter(found),
        "exit code": done.returncode, "said": done.stderr.decode().splitlines()[-3:],
        "tracebacks": done.stderr.count(b"Traceback"), "wrong": wrong,
    }  # fmt: skip
    print(json.dumps(summary, indent=1))  # noqa: T201 - it is what it is for


if __name__ == "__main__":
    main()
