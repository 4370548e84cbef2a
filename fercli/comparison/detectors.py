"""Several face detectors on the same photos: what they find, how far they agree, and how fast they are."""

from __future__ import annotations

from functools import partial
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.analyzer import prepare
from fercli.comparison.side_by_side import Outcome, run_side_by_side
from fercli.comparison.tables import Column, Comparison, Section
from fercli.detectors import load_detector
from fercli.devices import usable_cores
from fercli.images import read_picture
from fercli.mtcnn.boxes import intersection_over_union
from fercli.plugins import DETECTORS, select
from fercli.sources import printable_path
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fercli.plugins import Detector
    from fercli.records import Row

_SAME = 0.5
"""Two boxes that overlap by this much or more show the same face."""
_REFERENCE = "mtcnn"

_SECTIONS = (
    Section(
        "Faces",
        (
            Column("photos", "photos", "d"),
            Column("photos_with_face", "with a face", "d"),
            Column("failures", "failures", "d"),
            Column("faces", "faces", "d"),
            Column("faces_of_reference", "reference has", "d"),
            Column("faces_shared", "found too", "d"),
            Column("mean_overlap", "their mean overlap", ".3f"),
        ),
    ),
    Section(
        "Speed",
        (
            Column("runtime", "runtime"),
            Column("version", "version"),
            Column("milliseconds", "one photo, ms", ".1f"),
            Column("load_seconds", "load, s", ".2f"),
        ),
    ),
    Section("Not measured", (Column("reason", "reason"),)),
)


class Found(NamedTuple):
    """What a detector found: boxes, float32 (N, 4), by path, and the reasons of photos that failed."""

    about: dict[str, str]
    boxes: dict[str, NDArray[np.float32]]
    failures: dict[str, str]
    load_seconds: float


class Finder:
    """A detector that is timed on photos, which are decoded one at a time to spare memory."""

    def __init__(
        self, detector: str, photos: Sequence[str], min_face: str, min_score: float, threads: int
    ) -> None:
        self._name = detector
        self._photos = photos
        self._min_face = min_face
        self._min_score = min_score
        self._threads = threads
        self._detector: Detector
        self._load_seconds = 0.0
        self._boxes: dict[str, NDArray[np.float32]] = {}
        self._failures: dict[str, str] = {}

    def load(self) -> None:
        """Loads the detector and looks at every photo once, which warms it up.

        Raises:
            UnavailableError: the detector cannot run here, or fails.
        """
        started = perf_counter()
        self._detector = load_detector(self._name, self._min_face, self._min_score, self._threads)
        self._load_seconds = perf_counter() - started
        for path in self._photos:
            photo = prepare(path, partial(read_picture, path), self._detector).photo
            if photo.error is not None:
                self._failures[path] = photo.error
                continue
            corners = [(face.box.x1, face.box.y1, face.box.x2, face.box.y2) for face in photo.faces]
            self._boxes[path] = np.array(corners, np.float32).reshape(-1, 4)

    def measure(self) -> list[float]:
        """The seconds of each photo, without reading and decoding it."""
        seconds = []
        for path in self._boxes:
            rgb = read_picture(path)
            started = perf_counter()
            self._detector.detect(rgb)
            seconds.append(perf_counter() - started)
        return seconds

    def result(self) -> Found:
        """What was found."""
        return Found(dict(self._detector.describe()), self._boxes, self._failures, self._load_seconds)


def compare_detectors(
    asked: Sequence[str],
    photos: Sequence[str],
    min_face: str,
    min_score: float,
    repeat: int,
    tell: Callable[[str], None],
) -> tuple[Comparison, list[str]]:
    """One row per detector, and a line for each photo that failed; a detector that cannot run says why.

    Args:
        asked: detectors' names; all that are installed if there are none.
        photos: their paths.
        min_face: the smallest face, as of `fercli.detectors.load_detector`.
        min_score: the lowest score of a face.
        repeat: rounds of timing.
        tell: told the name of the detector at work.

    Raises:
        UnavailableError: a detector is unknown.
    """
    names = select(DETECTORS, asked)
    finders = {name: Finder(name, photos, min_face, min_score, usable_cores()) for name in names}
    outcomes = run_side_by_side(finders, repeat, tell)
    ran = {name: outcome.result for name, outcome in outcomes.items() if outcome.result}
    reference = _REFERENCE if _REFERENCE in ran else next(iter(ran), "")
    failures = {
        f"{printable_path(path)}: {reason}"
        for found in ran.values()
        for path, reason in found.failures.items()
    }
    return Comparison(
        Column("detector", "detector"),
        _SECTIONS,
        [_row(name, outcomes[name], ran.get(reference)) for name in names],
        f"{count_of(len(photos), 'photo')}, {count_of(repeat, 'round')}; the reference is {reference}",
    ), sorted(failures)


def _row(name: str, outcome: Outcome[list[float], Found], reference: Found | None) -> Row:
    found = outcome.result
    if found is None or reference is None:
        return {"detector": name, "reason": outcome.reason}
    overlaps = _overlaps(reference, found)
    same = overlaps[overlaps >= _SAME]
    seconds = [each for timings in outcome.rounds for each in timings]
    return {
        "detector": name,
        "photos": len(found.boxes) + len(found.failures),
        "photos_with_face": sum(len(boxes) > 0 for boxes in found.boxes.values()),
        "failures": len(found.failures),
        "faces": sum(len(boxes) for boxes in found.boxes.values()),
        "faces_of_reference": len(overlaps),
        "faces_shared": len(same),
        "mean_overlap": float(same.mean()) if len(same) else None,
        "runtime": found.about.get("runtime") or None,
        "version": found.about.get("version") or None,
        "milliseconds": 1000 * median(seconds) if seconds else None,
        "load_seconds": found.load_seconds,
    }


def _overlaps(reference: Found, found: Found) -> NDArray[np.float32]:
    """For each face of the reference, how much the nearest found box overlaps it; 0 where there is none."""
    nothing = np.zeros((1, 4), np.float32)
    best = [
        intersection_over_union(theirs, np.concatenate([ours, nothing])).max(axis=1)
        for path, theirs in reference.boxes.items()
        for ours in [found.boxes.get(path, nothing)]
    ]
    return np.concatenate([np.zeros(0, np.float32), *best])
