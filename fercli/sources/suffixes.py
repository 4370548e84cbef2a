"""The suffixes that photos have, and the picture formats that are known but not read.

A suffix decides what is taken from a folder, never how it is read. What is a photo but cannot be read is
taken too: it must not vanish, so it gets a row that says what to do.
"""

from __future__ import annotations

import re

_READ = frozenset((
    "jpg", "jpeg", "jpe", "jfif", "jfi", "jif", "pjpeg", "pjp",
    "mpo", "jps", "insp", "jpg_large", "jpg-large", "jpg_orig",  # JPEG too: cameras', Twitter's
    "png", "apng", "png_large", "bmp", "dib", "webp", "tif", "tiff", "btf", "gif",
    "heic", "heif", "hif", "heics", "heifs", "avif", "avifs", "pgm", "ppm", "pnm",
))  # fmt: skip
_RAW = frozenset((
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25", "kdc", "mef", "mos",
    "mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
))  # fmt: skip
_UNREAD = frozenset((
    "jxl", "jp2", "j2k", "jpf", "jpx", "jpm", "j2c", "jpc", "jph", "jhc", "jxr", "hdp", "wdp",
    "pbm", "pam", "psd", "psb", "tga", "exr", "hdr",
))  # fmt: skip
_SUFFIXES = _READ | _RAW | _UNREAD

_SIGNATURES = tuple(
    (name, re.compile(signature, re.DOTALL))
    for name, signature in (
        ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
        ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        ("JPEG XR", rb"II\xbc[\0\x01]"),
        ("PBM", rb"P[14]\s+[#\d]"),
        ("PNM in text", rb"P[23]\s+[#\d]"),
        ("PAM", rb"P7\nWIDTH"),
        ("Photoshop", rb"8BPS\0[\x01\x02]"),
        ("OpenEXR", rb"v/1\x01"),
        ("Radiance HDR", rb"#\?RADIANCE|#\?RGBE"),
        (
            "Camera RAW",
            rb"(?:II\*\0|MM\0\*)....CR|....ftypcrx |FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM"
            rb"|II\x1a\0\0\0HEAPCCDR",
        ),
    )
)
_TIFF = (b"II*\0", b"MM\0*")


def suffix(path: str) -> str:
    """What follows the last dot of a file's name, in small letters; empty where nothing does.

    Args:
        path: of the file, or its name; with `/`.
    """
    stem, _, ending = path.rpartition("/")[2].rpartition(".")
    return ending.lower() if stem else ""


def is_photo_name(path: str) -> bool:
    """Whether a file of this name is taken from a folder."""
    return suffix(path) in _SUFFIXES


def unread_format(name: str, data: bytes) -> str | None:
    """The name of a format that is known but not read; None for every other file.

    Most are known by their first bytes. Many cameras' RAW files begin as TIFF does, with a small preview
    that must not be taken for the photo: of those the suffix decides.
    """
    for known, signature in _SIGNATURES:
        if signature.match(data):
            return known
    return "Camera RAW" if suffix(name) in _RAW and data.startswith(_TIFF) else None
