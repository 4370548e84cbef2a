from __future__ import annotations

import io
from typing import Any

import pytest

from fercli.formats.date import date_taken

TAKEN, CHANGED, DETAILS = 36867, 306, 34665
KINDS = ("JPEG", "PNG", "WEBP", "TIFF")


def picture(kind: str, *, taken: str | None = None, changed: str | None = None, **options: Any) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    if changed is not None:
        exif[CHANGED] = changed
    if taken is not None:
        exif.get_ifd(DETAILS)[TAKEN] = taken
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind, exif=exif, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
class TestDate:
    def test_of_the_last_change_where_there_is_no_other(self, kind: str) -> None:
        assert date_taken(picture(kind, changed="2024:02:29 00:00:00")) == "2024-02-29T00:00:00"

    @pytest.mark.parametrize(
        "text",
        ["0000:00:00 00:00:00", "2023:02:29 00:00:00", "    :  :     :  :  ", "yesterday evening!!", ""],
    )
    def test_none_that_there_is_not(self, kind: str, text: str) -> None:
        assert date_taken(picture(kind, taken=text)) is None

    def test_none_where_none_is_told(self, kind: str) -> None:
        assert date_taken(picture(kind)) is None

    def test_a_file_that_is_cut_anywhere(self, kind: str) -> None:
        data = picture(kind, taken="2019:12:31 23:59:58")
        for end in range(len(data)):
            assert date_taken(data[:end]) in (None, "2019-12-31T23:59:58")


def test_the_other_order_of_bytes() -> None:
    exif = (
        b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x01" + b"\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a" + b"\0\0\0\0"
        + b"\0\x01" + b"\x90\x03\0\x02\0\0\0\x14\0\0\0\x2c" + b"\0\0\0\0" + b"2001:02:03 04:05:06\0"
    )  # fmt: skip
    assert date_taken(b"\xff\xd8\xff\xe1\0\0" + exif) == "2001-02-03T04:05:06"


@pytest.mark.parametrize("kind", KINDS[:3])  # Pillow writes no such date into TIFF
def test_of_the_exposure_rather_than_of_the_last_change(kind: str) -> None:
    data = picture(kind, taken="2019:12:31 23:59:58", changed="2024:01:01 00:00:00")
    assert date_taken(data) == "2019-12-31T23:59:58"
