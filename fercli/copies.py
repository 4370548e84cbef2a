"""Pictures beside a report: copies of the photos with boxes, and the faces cut out."""

from __future__ import annotations

import hashlib
import os
import re
import struct
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from fercli.ahead import Ahead
from fercli.draw import with_boxes
from fercli.errors import PhotoError, ReportError, UsageError
from fercli.files import make_folder, whole_file
from fercli.portrait import portrait
from fercli.records import EXPRESSIONS
from fercli.replacing import refuse_elsewhere, refuse_input, refuse_inside
from fercli.reports.photos import find_again, pixels, read_photo
from fercli.sources import local_path, printable_path
from fercli.wording import count_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fercli.records import Photo

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 92]
_JPEG_SUFFIXES = {".jpg", ".jpeg"}
_START = b"\xff\xd8"
_MADE = b"Made by fercli"
_OWN_START = _START + b"\xff\xfe" + struct.pack(">H", len(_MADE) + 2) + _MADE
"""A JPEG that begins with a comment."""

_LONGEST_NAME = 255
"""Bytes that the name of a file may have, on nearly every file system."""

_NO_NAME = re.compile(r"^(?:\.{0,2}|[A-Za-z]:)$")
"""Parts of a path that lead elsewhere than down."""


class Copies:
    """Writes pictures of the photos that it is given, in threads.

    All are JPEG, and say in a comment that they are fercli's. Whatever else is in a picture's place stays.

    Args:
        annotate: the folder for copies with boxes, in the tree of the photos; None for none.
        crops: the folder for faces, in a folder an expression; None for none.
        sources: where the photos are from, as the user gave it.

    Raises:
        UsageError: a folder is, or lies in, one that photos are read from.
    """

    def __init__(self, annotate: Path | None, crops: Path | None, sources: Sequence[str]) -> None:
        self._annotate, self._crops = annotate, crops
        # As they were given: photos' paths begin with them, and pathlib would rewrite `./photos`.
        folders = [place for place in map(local_path, sources) if os.path.isdir(place)]  # noqa: PTH112
        self._below = printable_path(folders[0]) if len(sources) == len(folders) == 1 else None
        for made in filter(None, (annotate, crops)):
            refuse_elsewhere(made)
            if made.exists() and not made.is_dir():
                raise UsageError(f"{quoted(made)} exists and is not a folder.", "Choose another name.")
            refuse_input(made, (("folder of photos", folder) for folder in folders))
            for folder in folders:
                refuse_inside(made, "folder of photos", Path(folder))
        self._ahead: Ahead[list[Path]] = Ahead()
        self._kept: list[Path] = []

    def add(self, photo: Photo) -> None:
        """Takes a photo that was read; one without faces, or that is gone, has no pictures."""
        if photo.faces and (self._annotate or self._crops):
            for kept in self._ahead.add(partial(self._make, photo)):
                self._kept += kept

    def finish(self) -> None:
        """Waits for the last picture.

        Raises:
            ReportError: a picture cannot be written, or something else was in the place of one.
        """
        for kept in self._ahead.rest():
            self._kept += kept
        if self._kept:
            others = f" and {count_of(len(self._kept) - 1, 'other')}" if len(self._kept) > 1 else ""
            raise ReportError(
                f"{quoted(self._kept[0])}{others} stay as they were: no pictures of fercli.",
                "Choose an empty folder.",
            )

    def _make(self, photo: Photo) -> list[Path]:
        """Writes the pictures of a photo; those whose place is taken are given back."""
        place = find_again(photo.path)
        if place is None:
            return []
        try:
            rgb = pixels(read_photo(place))
        except PhotoError:  # changed since it was read
            return []
        return [path for path, picture in self._pictures(photo, rgb) if not _write(path, picture)]

    def _pictures(self, photo: Photo, rgb: NDArray[np.uint8]) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
        boxes = [face.box.clipped(photo.width, photo.height) for face in photo.faces]
        shares = [max(zip(face.probabilities or (0.0,), EXPRESSIONS, strict=False)) for face in photo.faces]
        below = self._place(photo.path)
        if self._annotate is not None:
            labels = [f"{expression} {share:.0%}" for share, expression in shares]
            name = _named(below.name, "" if below.suffix.lower() in _JPEG_SUFFIXES else ".jpg")
            yield self._annotate / below.with_name(name), with_boxes(rgb, boxes, labels)
        if self._crops is not None:
            for number, (box, (_, expression)) in enumerate(zip(boxes, shares, strict=True)):
                name = _named(below.name, f".face{number}.jpg")
                yield self._crops / expression / below.with_name(name), portrait(rgb, box)

    def _place(self, path: str) -> Path:
        """Where a photo stands in the tree: below the one folder that was given, else by its whole path."""
        if self._below is not None and path.startswith(self._below):
            path = path.removeprefix(self._below)
        parts = [
            part for part in re.split(r"[/\\]" if os.sep == "\\" else "/", path) if not _NO_NAME.match(part)
        ]
        return Path(*parts)


def _named(photo: str, ending: str) -> str:
    """A photo's name and an ending; where both are too long, the name is cut and gets a checksum."""
    name = f"{photo}{ending}"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    ending = f"-{hashlib.sha256(photo.encode()).hexdigest()[:8]}{ending}"
    return photo.encode()[: _LONGEST_NAME - len(ending)].decode(errors="ignore") + ending


def _write(path: Path, rgb: NDArray[np.uint8]) -> bool:
    """Writes a picture; False where there is something that is none of fercli's."""
    if os.path.lexists(path) and not _is_own(path):
        return False
    make_folder(path.parent)
    written, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _JPEG)
    if not written:
        raise ReportError(
            f"{quoted(path)} cannot be written: OpenCV makes no such JPEG.",
            "Leave out the photo with --exclude.",
        )
    with whole_file(path) as made:
        made.write_bytes(_OWN_START + jpeg.tobytes()[len(_START) :])
    return True


def _is_own(path: Path) -> bool:
    """Whether a file, no link, is a picture that was made here."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_OWN_START)) == _OWN_START
