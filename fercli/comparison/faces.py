"""The faces that networks are compared on, each with its expression where that is known."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.analyzer import prepare
from fercli.errors import NoPhotosError
from fercli.images import read_picture
from fercli.records import EXPRESSIONS
from fercli.sources import Findings, find_photos, printable_path
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fercli.plugins import Detector

UNKNOWN = -1
"""The label of a face whose expression is not known."""


class Faces(NamedTuple):
    """What networks read.

    Attributes:
        crops: float32 (N, 48, 48), grey in 0..1.
        labels: int64 (N,), 0..6 in the order of EXPRESSIONS, or UNKNOWN.
        unreadable: a line for each photo that could not be read.
    """

    crops: NDArray[np.float32]
    labels: NDArray[np.int64]
    unreadable: tuple[str, ...] = ()


def unlabelled(crops: NDArray[np.float32]) -> Faces:
    """Faces, float32 (N, 48, 48), of which no expression is known."""
    return Faces(crops, np.full(len(crops), UNKNOWN))


def read_faces(paths: Sequence[str], detector: Detector) -> Faces:
    """The faces of photos, as `fercli predict` finds and crops them.

    Where a photo lies in a folder that is named as an expression, that is the label of its largest face,
    and its other faces are left out.

    Raises:
        NoPhotosError: there is no photo, or no face in any.
    """
    crops: list[NDArray[np.float32]] = []
    labels: list[int] = []
    unreadable: list[str] = []
    for path in photos(paths):
        found = prepare(path, partial(read_picture, path), detector)
        if found.photo.error is not None:
            unreadable.append(f"{printable_path(path)}: {found.photo.error}")
        label = _label(path)
        kept = found.crops if label == UNKNOWN else found.crops[:1]
        crops.append(kept)
        labels += [label] * len(kept)
    if not labels:
        raise NoPhotosError(
            f"No face was found in {', '.join(quoted(printable_path(path)) for path in paths)}.",
            " ".join(unreadable) or "Give photos that show faces.",
        )
    return Faces(np.concatenate(crops), np.array(labels, np.int64), tuple(unreadable))


def photos(paths: Sequence[str]) -> list[str]:
    """The paths of all photos meant.

    Raises:
        NoPhotosError: there is none, or a path gives none: a comparison is of all that was asked for.
    """
    findings = Findings()
    found = list(find_photos(paths, findings=findings))
    if not found:
        raise findings.no_photos(paths)
    if findings.fruitless:
        raise NoPhotosError(" ".join(findings.fruitless), "Leave it out, or name photos.")
    return found


def _label(path: str) -> int:
    folder = PurePath(path).parent.name.lower()
    return EXPRESSIONS.index(folder) if folder in EXPRESSIONS else UNKNOWN
