"""Photos with labels in, a data set of faces out."""

from __future__ import annotations

import csv
import hashlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fercli.defaults import MAX_PIXELS, TIMEOUT
from fercli.detectors import load_detector
from fercli.engines.local import prepare_photos
from fercli.engines.memory import usable_memory, usable_workers
from fercli.engines.workers import Workers
from fercli.errors import UsageError, shortages_named
from fercli.fer2013.folders import fill_folders
from fercli.fer2013.rows import Row, Split
from fercli.files import whole_folder
from fercli.own_photos.parts import share_out
from fercli.records import EXPRESSIONS
from fercli.replacing import refuse_existing
from fercli.sources import Findings, find_photos
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.analyzer import Prepared
    from fercli.own_photos.labels import Label, Labels
    from fercli.own_photos.parts import Shares

LIST = "photos.csv"
"""The list of all photos in the data set's folder."""

_COLUMNS = ("path", "outcome", "expression", "person", "split", "picture", "reason")


class Outcome(StrEnum):
    """What became of a photo."""

    USED = "used"
    NO_FACE = "no face"
    SEVERAL_FACES = "several faces"
    UNREADABLE = "unreadable"
    NO_LABEL = "no label"


@dataclass(frozen=True, slots=True)
class Cropped:
    """A photo, what is known of it, and what became of it.

    Attributes:
        path: the photo's.
        label: its expression and person.
        outcome: whether it is used, or why not.
        reason: the same in words; empty for a photo that is used.
        picture: the face as the network sees it, uint8 (48, 48), grey; None for a photo that is not used.
    """

    path: str
    label: Label
    outcome: Outcome
    reason: str = ""
    picture: NDArray[np.uint8] | None = None

    @property
    def person(self) -> str:
        """Who it is, in whatever capitals; without names, the same picture is the same person."""
        known = self.label.person.strip().casefold()
        return f"name {known}" if known or self.picture is None else f"picture {_sha256(self.picture)}"


@contextmanager
def cropped_faces(
    paths: Sequence[str], labels: Labels, detector: str, min_face: int | str, min_score: float
) -> Iterator[tuple[Iterator[Cropped], Findings]]:
    """Finds and frames the face of each photo as prediction does, in worker processes that end with this.

    Args:
        paths: photos, folders and patterns, as of `fercli.read_faces`.
        labels: what the photos show.
        detector: finds the faces and says how they are framed.
        min_face: the smallest face, as of `fercli.read_faces`.
        min_score: the lowest score of a face, 0 to 1.

    Raises:
        UnavailableError: the detector is not there or does not work.
    """
    findings = Findings()
    with ExitStack() as stack, shortages_named():
        workers = Workers(
            partial(load_detector, detector, min_face, min_score, threads=1),
            MAX_PIXELS,
            usable_workers(),
            TIMEOUT,
            usable_memory(),
        )
        stack.callback(workers.close)
        workers.describe()  # waits for the detector, or says what is wrong with it
        batches = prepare_photos(find_photos(paths, findings=findings), workers, 1)
        stack.callback(batches.close)
        photos = (_cropped(prepared, labels) for batch in batches for prepared in batch)
        yield photos, findings


def write_data_set(photos: Sequence[Cropped], out: Path, shares: Shares) -> dict[Split, int]:
    """Writes the faces as class folders, and `photos.csv` with a row for each photo, used or not.

    Returns:
        How many pictures each part has.

    Raises:
        UsageError: no photo can be used, or there is something at `out`.
        ReportError: the folder cannot be written.
    """
    used = [photo for photo in photos if photo.outcome is Outcome.USED]
    if not used:
        first = photos[0]
        raise UsageError(
            f"None of the photos can be used; the first, {quoted(first.path)}: {first.reason.rstrip('.')}.",
            "Each needs one face, and a label in a CSV (--labels) or a folder named as its expression.",
        )
    parts = iter(
        share_out([photo.person for photo in used], [_expression(photo) for photo in used], shares)
    )
    rows: list[Row] = []
    listed: list[Sequence[str | int]] = []
    for photo in photos:
        number: int | str = ""
        split: Split | str = ""
        if photo.picture is not None:
            number, split = len(rows), next(parts)
            rows.append(Row(len(rows), _expression(photo), photo.picture, split))
        expression = "" if photo.label.expression is None else EXPRESSIONS[photo.label.expression]
        listed.append(
            (photo.path, photo.outcome, expression, photo.label.person, split, number, photo.reason)
        )
    refuse_existing(out)
    with whole_folder(out) as made:
        fill_folders(rows, made)
        with (made / LIST).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *listed])
    return {split: sum(row.split is split for row in rows) for split in Split}


def _cropped(prepared: Prepared, labels: Labels) -> Cropped:
    photo = prepared.photo
    label = labels.of(photo.path)
    make: Callable[..., Cropped] = partial(Cropped, photo.path, label)
    if photo.error is not None:
        return make(Outcome.UNREADABLE, photo.error)
    if not photo.faces:
        return make(Outcome.NO_FACE, "no face was found")
    if len(photo.faces) > 1:
        return make(Outcome.SEVERAL_FACES, f"it shows {len(photo.faces)} faces, and the label is of one")
    if label.expression is None:
        return make(Outcome.NO_LABEL, label.reason)
    return make(Outcome.USED, "", np.rint(prepared.crops[0] * 255).astype(np.uint8))


def _expression(photo: Cropped) -> int:
    if photo.label.expression is None:
        raise ValueError(f"{photo.path} has no label")
    return photo.label.expression


def _sha256(picture: NDArray[np.uint8]) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()
