"""Counts the rows of a report, one photo after another."""

from __future__ import annotations

from collections import Counter
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, NamedTuple

from fercli.intervals import wilson_interval
from fercli.records import EXPRESSIONS, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.records import Row


class Share(NamedTuple):
    """How many of all faces show an expression, with the share's 95% interval."""

    expression: str
    faces: int
    share: float
    low: float
    high: float


class Summary:
    """Counts of photos, faces and failures; memory does not grow with the rows.

    Attributes:
        photos: how many photos, by their status.
        expressions: how many faces, by expression.
        failures: how many photos that could not be read, by the kind of their error.
    """

    def __init__(self, least_certain: int = 0) -> None:
        self.photos: Counter[str] = Counter()
        self.expressions: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._kept = least_certain
        self._least: list[tuple[float, int, Row]] = []

    def add(self, rows: Iterable[Row]) -> None:
        """Counts a photo."""
        status = Status.NO_FACE
        for row in rows:
            status = Status(str(row["status"]))
            if status is Status.ERROR:
                self.failures[str(row["error"]).partition(":")[0]] += 1
            elif status is Status.OK:
                self.expressions[str(row["expression"])] += 1
                self._keep(row)
        self.photos[status] += 1

    @property
    def faces(self) -> int:
        """How many there are."""
        return self.expressions.total()

    def shares(self) -> list[Share]:
        """The share of every expression, in the report's order; none where there are no faces."""
        total = self.faces
        return [
            Share(name, self.expressions[name], self.expressions[name] / total,
                  *wilson_interval(self.expressions[name], total))
            for name in EXPRESSIONS if total
        ]  # fmt: skip

    def least_certain(self) -> list[Row]:
        """The rows of the least certain faces, the least certain first; as many as were asked for."""
        return [row for _, _, row in sorted(self._least, key=lambda entry: (-entry[0], -entry[1]))]

    def _keep(self, row: Row) -> None:
        if not self._kept:
            return
        confidence = row["confidence"]
        # Of two that are equally certain, the later one is dropped first.
        entry = (-float(confidence or 0), -self.faces, row)
        if len(self._least) < self._kept:
            heappush(self._least, entry)
        else:
            heappushpop(self._least, entry)
