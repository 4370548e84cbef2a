"""A small FER2013 of made-up pictures that a small network learns, and the ways such a file can be bad."""

import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fercli.architecture import SIDE

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""For the environment of a program: nets this small gain nothing from a second thread."""


@contextmanager
def one_thread() -> Iterator[None]:
    """The same for torch in this process."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


Row = dict[str, str]
COLUMNS = ("emotion", "pixels", "Usage")
VOTERS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""The columns of FER+ that hold votes, in the order of its file."""

LABELS = 7
COUNTS = {"Training": 56, "PublicTest": 35, "PrivateTest": 42}

RECIPE = """\
[architecture]
name = "article"
convolutions = [6, 8]
kernel = 5
dense = [16]
dropout = 0.2

[training]
epochs = 8
batch_size = 14
learning_rate = 0.01
learning_rate_decay = 0.8
learning_rate_floor = 0.005
dense_l2 = 0.0001
average_decay = 0.8
class_weights = { disgust = 1.5 }
flip = 0.0
rotation = 4.0
shift = 0.05
scale = 0.05
seed = 3
precision = "float32"
"""
"""A recipe for a net that learns the pictures below within seconds."""


@cache
def pictures(usage: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Waves whose direction is the label: uint8 (N, 48, 48) and int64 (N,), every label as often."""
    random = np.random.default_rng(list(COUNTS).index(usage))
    labels = np.arange(COUNTS[usage]) % LABELS
    down, across = np.mgrid[:SIDE, :SIDE]
    angles = labels[:, None, None] * np.pi / LABELS
    phases = random.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    waves = 128 + 90 * np.sin(0.6 * (across * np.cos(angles) + down * np.sin(angles)) + phases)
    return np.clip(waves + random.normal(0, 10, waves.shape), 0, 255).astype(np.uint8), labels


def rows() -> list[Row]:
    """The rows of a whole file, its splits one after the other as in the challenge's."""
    return [
        {"emotion": str(label), "pixels": " ".join(map(str, picture.ravel())), "Usage": usage}
        for usage in COUNTS
        for picture, label in zip(*pictures(usage), strict=True)
    ]


def write(path: Path, content: Sequence[Row] | None = None, columns: Sequence[str] = COLUMNS) -> Path:
    """Writes rows, all of them if none are given, as CSV; compressed where the name ends in .gz."""
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows() if content is None else content)
    return path


def _changed(place: int, column: str, value: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        content = rows()
        content[place][column] = value
        return write(folder / "bad.csv", content)

    return make


def _with_first_pixel(value: str) -> Callable[[Path], Path]:
    return _changed(3, "pixels", " ".join([value, *["0"] * (SIDE * SIDE - 1)]))


def _without_column(folder: Path) -> Path:
    return write(folder / "bad.csv", columns=("pixels", "Usage"))


def _without_split(folder: Path) -> Path:
    return write(folder / "bad.csv", [row for row in rows() if row["Usage"] != "PrivateTest"])


def _empty(folder: Path) -> Path:
    (folder / "bad.csv").touch()
    return folder / "bad.csv"


def _cut_off(folder: Path) -> Path:
    path = write(folder / "bad.csv.gz")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _not_text(folder: Path) -> Path:
    (folder / "bad.csv").write_bytes(bytes(range(128, 256)) * 9)
    return folder / "bad.csv"


def _missing(folder: Path) -> Path:
    return folder / "bad.csv"


def _folder(folder: Path) -> Path:
    (folder / "bad.csv").mkdir()
    return folder / "bad.csv"


def _short_row(folder: Path) -> Path:
    lines = write(folder / "bad.csv").read_text().splitlines()
    lines[5] = lines[5].rpartition(",")[0]
    (folder / "bad.csv").write_text("\n".join(lines))
    return folder / "bad.csv"


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no column": (_without_column, "bad.csv has no column emotion; it has pixels, Usage."),
    "no rows of a split": (_without_split, "bad.csv has no rows of PrivateTest."),
    "too few pixels": (_changed(6, "pixels", "1 2 3"), "bad.csv, row 7: 3 pixels instead of 2304."),
    "too many pixels": (
        _changed(6, "pixels", " ".join(["9"] * 2305)),
        "bad.csv, row 7: 2305 pixels instead of 2304.",
    ),
    "no pixels": (_changed(6, "pixels", ""), "bad.csv, row 7: 0 pixels instead of 2304."),
    "letters": (_with_first_pixel("white"), "bad.csv, row 4: the pixels are not all whole numbers."),
    "a fraction": (_with_first_pixel("0.5"), "bad.csv, row 4: the pixels are not all whole numbers."),
    "pixel 256": (_with_first_pixel("256"), "bad.csv, row 4: a pixel lies outside 0 to 255."),
    "pixel -1": (_with_first_pixel("-1"), "bad.csv, row 4: a pixel lies outside 0 to 255."),
    "a pixel beyond 64 bits": (_with_first_pixel("9" * 30), "row 4: a pixel lies outside 0 to 255."),
    "label 7": (_changed(0, "emotion", "7"), "bad.csv, row 1: the label is '7', not 0 to 6."),
    "label -1": (_changed(0, "emotion", "-1"), "bad.csv, row 1: the label is '-1', not 0 to 6."),
    "label text": (
        _changed(0, "emotion", "hapy"),
        "bad.csv, row 1: the label is 'hapy', not 0 to 6 or one of angry, disgust, fear, happy, sad,"
        " surprise, neutral (perhaps happy).",
    ),
    "label missing": (_changed(0, "emotion", ""), "bad.csv, row 1: the label is '', not 0 to 6."),
    "unknown usage": (
        _changed(132, "Usage", "PrivatTest"),
        "bad.csv, row 133: Usage is 'PrivatTest', not one of Training, PublicTest, PrivateTest"
        " (perhaps PrivateTest).",
    ),
    "a short row": (_short_row, "bad.csv, row 5: 2 columns instead of 3."),
    "empty": (_empty, "bad.csv is empty."),
    "cut off": (_cut_off, "bad.csv.gz cannot be read: Compressed file ended before"),
    "not text": (_not_text, "bad.csv cannot be read: 'utf-8' codec can't decode"),
    "missing": (_missing, "bad.csv cannot be read: No such file or directory."),
    "a folder": (_folder, "bad.csv cannot be read: Is a directory."),
}
"""What makes each bad file in a folder, and what is said of it."""
