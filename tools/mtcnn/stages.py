"""Print, as Markdown, where the milliseconds of a photo go: decoding and the steps of the detector.

Runs from the root of the project, on folders of photos:

    python -m tools.mtcnn.stages FOLDER...

Figures are milliseconds of one thread's processor a photo, each step without the steps inside it, of the
best of three rounds. Smallest face 40.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import wraps
from pathlib import Path
from time import thread_time
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import cv2

from fercli import images
from fercli.mtcnn import cascade, pyramid, resampling
from fercli.mtcnn.nets import Nets, load_nets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 3
MIN_FACE = 40
STEPS = ("decode", "tables", "levels", "P-Net", "crops", "R-Net", "O-Net", "suppression", "the rest")


class Clock:
    """Takes the time of steps, each without the steps that are called inside it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time goes to a step, as does that of a generator that it gives."""

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            result = self._run(step, lambda: function(*arguments, **named))
            return self._iterated(step, result) if isinstance(result, GeneratorType) else result

        return call

    def _iterated(self, step: str, items: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self._run(step, lambda: next(items, end))) is not end:
            yield item

    def _run(self, step: str, work: Callable[[], Any]) -> Any:
        self._inside.append(0.0)
        started = thread_time()
        try:
            return work()
        finally:
            took = thread_time() - started
            self.seconds[step] += took - self._inside.pop()
            if self._inside:
                self._inside[-1] += took


def main(folders: list[Path]) -> None:
    """A column a folder, a row a step."""
    cv2.setNumThreads(1)
    clock = Clock()
    for step, owner, name in (
        ("tables", resampling.Picture, "table"),
        ("levels", pyramid.Level, "add"),
        ("crops", cascade, "crops"),
        ("suppression", cascade, "suppress"),
    ):
        setattr(owner, name, clock.timed(step, getattr(owner, name)))
    loaded = zip(("P-Net", "R-Net", "O-Net"), load_nets(threads=1), strict=True)
    nets = Nets(*(clock.timed(name, net) for name, net in loaded))  # type: ignore[arg-type] # called alike
    decode, find_faces = clock.timed("decode", images.decode), clock.timed("the rest", cascade.find_faces)
    columns = []
    for folder in folders:
        photos = [path.read_bytes() for path in sorted(folder.iterdir())]
        rounds = []
        for _ in range(ROUNDS):
            clock.seconds.clear()
            for photo in photos:
                find_faces(decode(photo), nets, MIN_FACE)
            rounds.append({step: 1000 * clock.seconds[step] / len(photos) for step in STEPS})
        columns.append(min(rounds, key=lambda steps: sum(steps.values())))
    print("| step |", " | ".join(folder.name for folder in folders), "|")
    print("|---|" + "--:|" * len(folders))
    for step in STEPS:
        print(f"| {step} |", " | ".join(f"{column[step]:.1f}" for column in columns), "|")
    print("| together |", " | ".join(f"{sum(column.values()):.1f}" for column in columns), "|")


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    main([Path(name) for name in sys.argv[1:]])
