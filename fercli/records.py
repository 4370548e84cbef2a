"""What is known of a picture: its faces, their boxes and expressions, and the report's columns."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven expressions in the order of FER2013's labels, of every logit vector and of the report."""

COLUMNS = (
    "path", "face", "status", "x1", "y1", "x2", "y2", "score", "expression", "confidence",
    *EXPRESSIONS, "error",
)  # fmt: skip
"""The report's columns, the same in every format."""

_OF_A_BOX, _SHARES = ("x1", "y1", "x2", "y2"), ("score", "confidence", *EXPRESSIONS)
DECIMALS = dict.fromkeys(_OF_A_BOX, 2) | dict.fromkeys(_SHARES, 4)
"""The columns of decimals, in their order, and the digits that each has after the point."""

Value = str | int | float | None
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright photo: left, top, right, bottom; floats."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """In pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height

    def clipped(self, width: int, height: int) -> Box:
        """The part of the box inside a photo of `width` by `height` pixels."""
        return Box(
            min(max(self.x1, 0.0), float(width)),
            min(max(self.y1, 0.0), float(height)),
            min(max(self.x2, 0.0), float(width)),
            min(max(self.y2, 0.0), float(height)),
        )


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The five points MTCNN gives, as (x, y) in pixels; left and right are the viewer's."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    left_mouth: tuple[float, float]
    right_mouth: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """One face: where it is, how sure the detector is, and, once classified, what it expresses.

    `box` is the detector's own and may reach beyond the photo, as MTCNN's boxes do; `landmarks` is None
    where a detector gives none; `probabilities` follow EXPRESSIONS and add up to 1, None before
    classification.
    """

    box: Box
    score: float
    landmarks: Landmarks | None = None
    probabilities: tuple[float, ...] | None = None

    def scaled(self, across: float, down: float) -> Face:
        """The face in a picture that is so many times as wide, and as high."""
        box, points = self.box, self.landmarks
        return replace(
            self,
            box=Box(box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down),
            landmarks=points and Landmarks(*((x * across, y * down) for x, y in astuple(points))),
        )

    @property
    def expression(self) -> str | None:
        """The most probable of EXPRESSIONS, the first of several; None before classification."""
        if self.probabilities is None:
            return None
        return EXPRESSIONS[max(range(len(EXPRESSIONS)), key=self.probabilities.__getitem__)]

    @property
    def confidence(self) -> float | None:
        """The probability of that expression; None before classification."""
        return None if self.probabilities is None else max(self.probabilities)


class Status(StrEnum):
    """How reading a photo ended."""

    OK = "ok"
    NO_FACE = "no_face"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo's outcome: its faces, largest first, or the reason it has none.

    `width` and `height` are the upright photo's, in pixels; 0 where it could not be read. `error` has
    the form `KIND: sentence`.
    """

    path: str
    faces: tuple[Face, ...] = ()
    width: int = 0
    height: int = 0
    error: str | None = None

    @property
    def status(self) -> Status:
        """As the report's column `status` says it."""
        if self.error is not None:
            return Status.ERROR
        return Status.OK if self.faces else Status.NO_FACE

    def rows(self) -> Iterator[Row]:
        """The photo's rows in the report: one a face, or a single one that says why there are no faces."""
        if not self.faces:
            yield self._row()
        for number, face in enumerate(self.faces):
            yield self._row() | {"face": number} | _face_values(face, self.width, self.height)

    def _row(self) -> Row:
        empty: Row = dict.fromkeys(COLUMNS)
        return empty | {"path": self.path, "status": str(self.status), "error": self.error}


def _face_values(face: Face, width: int, height: int) -> Row:
    box = face.box.clipped(width, height)
    values = {"x1": box.x1, "y1": box.y1, "x2": box.x2, "y2": box.y2, "score": face.score}
    if face.probabilities is not None:
        values["confidence"] = max(face.probabilities)
        values |= zip(EXPRESSIONS, face.probabilities, strict=True)
    rounded: Row = {name: round(value, DECIMALS[name]) for name, value in values.items()}
    return rounded | {"expression": face.expression}
