"""What a TFRecord's picture is, is told by what its record says or how it begins, never by its length."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import google_crc32c  # noqa: F401 - without it there is nothing to test
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fercli.errors import UsageError
from fercli.fer2013 import Split, read_pictures
from fercli.fer2013.conversion import convert
from fercli.fer2013.examples import decode_example, encode_example
from fercli.fer2013.tfrecord import read_records, write_record
from fercli.images import decode
from tests.fer2013 import made_up

PIXELS = 48 * 48
PICTURES, _ = made_up.pictures("Training")
_COMMENT_HEADER = 4


def write(path: Path, *examples: dict[str, bytes | int]) -> Path:
    with path.open("wb") as file:
        for example in examples:
            write_record(file, encode_example({"label": 3} | example))
    return path


def read(path: Path) -> NDArray[np.uint8]:
    return read_pictures(path, [Split.TRAINING])[Split.TRAINING].pixels


def jpeg(picture: NDArray[np.uint8], length: int) -> bytes:
    """A JPEG of so many bytes: a comment behind its start takes what is missing."""
    quality = 100
    while True:
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        missing = length - len(data) - _COMMENT_HEADER
        if missing >= 0:
            return data[:2] + b"\xff\xfe" + (missing + 2).to_bytes(2, "big") + b"x" * missing + data[2:]
        quality -= 5


def png(picture: NDArray[np.uint8], length: int) -> bytes:
    """A PNG of so many bytes: a chunk that nobody knows takes what is missing."""
    data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    missing = length - len(data) - 12
    chunk = b"prVt" + b"x" * missing
    crc = zlib.crc32(chunk)
    return data[:33] + missing.to_bytes(4, "big") + chunk + crc.to_bytes(4, "big") + data[33:]


def bmp(picture: NDArray[np.uint8], length: int) -> bytes:
    data = bytearray(cv2.imencode(".bmp", picture)[1].tobytes())
    data += bytes(length - len(data))
    data[2:6] = length.to_bytes(4, "little")
    return bytes(data)


def smooth(seed: int, size: int = 48) -> NDArray[np.uint8]:
    """A picture that packs well."""
    noise = np.random.default_rng(seed).uniform(0, 255, (3, 3)).astype(np.float32)
    return cv2.resize(noise, (size, size), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


ENCODERS: dict[str, Callable[[NDArray[np.uint8], int], bytes]] = {"jpeg": jpeg, "png": png}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(sorted(ENCODERS)))
def test_an_encoded_picture_of_2304_bytes_is_decoded(
    seed: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = ENCODERS[kind](smooth(seed), PIXELS)
    assert len(data) == PIXELS
    found = read(write(tmp_path_factory.mktemp("data") / "a.tfrecord", {"image": data}))
    np.testing.assert_array_equal(found[0], decode(data)[..., 0])


def test_a_bitmap_of_2304_bytes_is_decoded(tmp_path: Path) -> None:
    picture = smooth(1, 32)
    data = bmp(picture, PIXELS)
    found = read(write(tmp_path / "a.tfrecord", {"image": data}))
    expected = read(write(tmp_path / "b.tfrecord", {"image": cv2.imencode(".png", picture)[1].tobytes()}))
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=60, deadline=None)
@given(start=st.binary(max_size=12) | st.sampled_from([b"BM", b"BM6\x09\0\0", b"II", b"GIF", b"RIFF"]))
def test_pixels_are_pixels_however_they_begin(
    start: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # What begins as one of these wholly does is said to be that picture; the next test is about it.
    assume(not re.match(rb"II\*\0|MM\0\*|\xff\xd8\xff|\x89PNG|GIF8|....ftyp", start, re.DOTALL))
    data = start + PICTURES[0].tobytes()[len(start) :]
    path = tmp_path_factory.mktemp("data") / "a.tfrecord"
    np.testing.assert_array_equal(read(write(path, {"image": data, "format": b"raw"}))[0].tobytes(), data)
    np.testing.assert_array_equal(read(write(path, {"image": data}))[0].tobytes(), data)


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_pixels_that_begin_as_a_picture_are_pixels_where_the_record_says_so(
    start: bytes, tmp_path: Path
) -> None:
    data = start + PICTURES[0].tobytes()[len(start) :]
    assert read(write(tmp_path / "a.tfrecord", {"image": data, "format": b"raw"}))[0].tobytes() == data
    with pytest.raises(UsageError, match=r"record 1: the picture is "):
        read(write(tmp_path / "b.tfrecord", {"image": data}))


@pytest.mark.parametrize("said", [b"jpeg", b"JPEG", b"image/jpeg", b"jpg"])
@pytest.mark.parametrize("name", ["format", "image/format", "encoding"])
def test_a_record_may_say_what_it_holds(name: str, said: bytes, tmp_path: Path) -> None:
    data = jpeg(smooth(3), PIXELS)
    found = read(write(tmp_path / "a.tfrecord", {"image": data, name: said}))
    np.testing.assert_array_equal(found[0], decode(data)[..., 0])
    with pytest.raises(UsageError, match=r"record 1: the picture is not-an-image"):
        read(write(tmp_path / "b.tfrecord", {"image": PICTURES[0].tobytes(), name: said}))


def test_what_is_written_says_that_it_is_raw(tmp_path: Path) -> None:
    content = made_up.rows()
    content[0]["pixels"] = " ".join(map(str, [255, 216, 255, *[7] * (PIXELS - 3)]))
    source = made_up.write(tmp_path / "a.csv", content)
    convert(source, tmp_path / "a.tfrecord", lambda _: None)
    for record in read_records(tmp_path / "a.tfrecord"):
        assert record is not None
        assert decode_example(record)["format"] == b"raw"
    np.testing.assert_array_equal(read(tmp_path / "a.tfrecord"), read(source))


@pytest.mark.parametrize("length", [0, 1, 2303, 2305])
def test_bytes_of_another_length_are_neither(length: int, tmp_path: Path) -> None:
    data = (PICTURES[0].tobytes() + b"\0")[:length]
    with pytest.raises(UsageError, match=rf"its image has {length} bytes?: neither a picture"):
        read(write(tmp_path / "a.tfrecord", {"image": data}))


def test_records_in_the_words_of_others(tmp_path: Path) -> None:
    data = jpeg(PICTURES[0], 5000)
    said_by_others = {"image/encoded": data, "image/format": b"jpeg", "split": b"val"}
    path = tmp_path / "a.tfrecords"
    with path.open("wb") as file:
        for label in (3, b"Happiness"):
            write_record(file, encode_example({**said_by_others, "image/class/label": label}))
    said: list[str] = []
    found = read_pictures(path, [Split.PUBLIC], said.append)[Split.PUBLIC]
    assert found.labels.tolist() == [3, 3]
    assert said == [f"{path}: it was read with val for PublicTest, Happiness for happy."]
