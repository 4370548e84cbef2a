"""The made-up FER2013 in the spellings in which people keep it."""

import bz2
import csv
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fercli.fer2013 import Split
from fercli.records import EXPRESSIONS
from tests.fer2013 import made_up

Cells = list[str]
Files = dict[str, bytes]

NOUNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutrality")
PARTICIPLES = ("Angry", "Disgusted", "Fearful", "Happy", "Sad", "Surprised", "Neutral")
WORDS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}


def table(
    header: Sequence[str],
    cells: Callable[[made_up.Row], Sequence[str]],
    delimiter: str = ",",
    end: str = "\n",
) -> str:
    """A CSV of all rows; without a header where that is empty."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    if header:
        writer.writerow(header)
    writer.writerows(cells(row) for row in made_up.rows())
    return text.getvalue()


def own(row: made_up.Row) -> Cells:
    return [row["emotion"], row["pixels"], row["Usage"]]


HEADER = ["emotion", "pixels", "Usage"]
PLAIN = table(HEADER, own)
TABLES: dict[str, str] = {
    "plain": PLAIN,
    "Windows line ends": table(HEADER, own, end="\r\n"),
    "semicolons": table(HEADER, own, ";"),
    "tabs": table(HEADER, own, "\t"),
    "bars": table(HEADER, own, "|"),
    "Kaggle's blanks": table(
        ["emotion", " Usage", " pixels"], lambda row: [row["emotion"], row["Usage"], row["pixels"]]
    ),
    "capitals": table(["Emotion", "PIXELS", "USAGE"], own),
    "other names": table(["label", "Pixels", "split"], own),
    "a set": table(["Class", "pixels", "Set"], own),
    "an index first": table(["", *HEADER], lambda row: ["5", *own(row)]),
    "another order": table(HEADER[::-1], lambda row: own(row)[::-1]),
    "no header": table([], own),
    "no header, another order": table([], lambda row: own(row)[::-1]),
    "numbers with a fraction": table(HEADER, lambda row: [f"{row['emotion']}.0", *own(row)[1:]]),
    "names": table(HEADER, lambda row: [EXPRESSIONS[int(row["emotion"])], *own(row)[1:]]),
    "nouns": table(HEADER, lambda row: [NOUNS[int(row["emotion"])], *own(row)[1:]]),
    "participles": table(HEADER, lambda row: [PARTICIPLES[int(row["emotion"])], *own(row)[1:]]),
    "splits in words": table(HEADER, lambda row: [*own(row)[:2], WORDS[row["Usage"]]]),
    "splits in capitals": table(HEADER, lambda row: [*own(row)[:2], f"{row['Usage'].upper()} "]),
    "splits of two words": table(
        HEADER, lambda row: [*own(row)[:2], row["Usage"].replace("Test", " test")]
    ),
    "pixels with a fraction": table(
        HEADER, lambda row: [row["emotion"], row["pixels"].replace(" ", ".0 ") + ".0", row["Usage"]]
    ),
    "pixels in a list": table(
        HEADER, lambda row: [row["emotion"], f"[{row['pixels'].replace(' ', ', ')}]", row["Usage"]]
    ),
    "pixels printed by NumPy": table(
        HEADER,
        lambda row: [
            row["emotion"],
            str(np.array(row["pixels"].split(), int).tolist()).replace(",", ""),
            row["Usage"],
        ],
    ),
    "pixels with blanks around": table(
        HEADER, lambda row: [row["emotion"], f"  {row['pixels']} ", row["Usage"]]
    ),
    "a column a pixel": table(
        ["emotion", *(f"pixel{number}" for number in range(2304)), "Usage"],
        lambda row: [row["emotion"], *row["pixels"].split(), row["Usage"]],
    ),
    "lines of delimiters at the end": PLAIN + "\n,,\n  ,\t, \n",
}


def folders(
    splits: Mapping[str, str], classes: Sequence[str], suffix: str = ".png", top: str = ""
) -> Files:
    """Every picture's file by its path below a top folder, with the clutter that systems leave."""
    files: Files = {}
    for split, folder in splits.items():
        pixels, labels = made_up.pictures(split)
        for number, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
            path = f"{top}{folder}/{classes[label]}/{split}_{number:05d}{suffix}"
            files[path] = cv2.imencode(suffix, picture)[1].tobytes()
        files[f"{top}{folder}/.DS_Store"] = files[f"{top}{folder}/{classes[0]}/Thumbs.db"] = b"\0clutter"
    files[f"__MACOSX/{top}{next(iter(splits.values()))}/._{classes[0]}"] = b"\0clutter"
    return files


OWN_SPLITS = {split: split for split in made_up.COUNTS}
FOLDERS: dict[str, Files] = {
    "FER2013's own names": folders(OWN_SPLITS, EXPRESSIONS),
    "train, val, test": folders(WORDS, EXPRESSIONS),
    "train, validation, test": folders(WORDS | {"PublicTest": "validation"}, PARTICIPLES),
    "capitals": folders({split: split.upper() for split in OWN_SPLITS}, [n.upper() for n in EXPRESSIONS]),
    "Kaggle's train and test": folders(WORDS | {"PublicTest": "test"}, EXPRESSIONS),
    "nouns": folders(OWN_SPLITS, NOUNS),
    "numbers": folders(OWN_SPLITS, [str(label) for label in range(7)]),
    "numbered names": folders(WORDS, [f"{number}_{name}" for number, name in enumerate(EXPRESSIONS)]),
    "a folder on top": folders(WORDS, EXPRESSIONS, top="fer2013/"),
    "two folders on top": folders(WORDS, EXPRESSIONS, top="archive/fer 2013/"),
}


def write_folders(files: Files, root: Path) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def write_archive(files: Files, path: Path) -> Path:
    """A .zip or .tar, packed as its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(name, content)
        return path
    modes = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2", ".tar": "w"}
    with tarfile.open(path, modes[path.suffix]) as archive:  # type: ignore[call-overload] # of these modes
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".csv": lambda data: data,
    ".csv.gz": gzip.compress,
    ".csv.xz": lzma.compress,
    ".csv.bz2": bz2.compress,
}


def same_pixels(read: NDArray[np.uint8], split: Split) -> bool:
    """Whether pictures are those of a split, in whatever order."""
    expected = made_up.pictures(split)[0]
    return sorted(map(bytes, read)) == sorted(map(bytes, expected))
