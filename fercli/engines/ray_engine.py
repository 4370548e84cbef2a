"""The engine on Ray: chunks of photos read by actors on many machines, taken back in input order."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from fercli.engines.chunks import Chunks
from fercli.engines.cluster import connected, useful_workers
from fercli.engines.crew import Crew
from fercli.errors import FercliError, PhotoError, PhotoErrorKind, UsageError
from fercli.records import Photo
from fercli.reports.parts import PHOTOS_A_PART
from fercli.sources import printable_path

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from fercli.engines.chunks import Piece
    from fercli.engines.options import Options
    from fercli.reports.parts import Parts

    _Result = list[Photo] | Counter[str]

_TOGETHER = 64
"""Photos that an actor is given at once, so that a report grows steadily."""
_AHEAD = 4
"""Chunks an actor that are given out or wait for those before them."""
_GLANCE = 0.2
"""Seconds after which a wait looks up: for an interruption, nodes that have come and paths."""


class RayEngine:
    """Reads photos on a cluster; `pipeline` says what reads them."""

    def __init__(self, options: Options, workers: int, address: str | None) -> None:
        """Waits until the first actor is ready.

        Args:
            options: how photos are read.
            workers: how many photos an actor works on at once; 0 takes what fits on every node.
            address: the cluster, as of `fercli.engines.cluster.connected`.

        Raises:
            UsageError: the device is one of a single machine.
            UnavailableError: the cluster, a model, backend, detector or device is not there or fails.
        """
        if ":" in options.device:
            raise UsageError(
                f"--device {options.device} is a GPU of one machine.",
                "Choose --device cuda: Ray gives each actor its part of a GPU.",
            )
        with ExitStack() as stack:
            self._ray = stack.enter_context(connected(address))
            workers = workers or useful_workers(self._ray.nodes())
            self._crew = Crew(self._ray, options, workers)
            stack.callback(self._crew.close)
            while self._crew.about is None:
                self._crew.fill()
                self._wait(())
            pipeline = self._crew.about.pipeline
            self.pipeline = pipeline._replace(workers=self._crew.size * workers)
            self.close = stack.pop_all().close

    def run(self, paths: Iterable[str]) -> Generator[Photo]:
        """The records of photos in the order of their paths.

        Raises:
            UnavailableError: the detector or the network fails, or no node is left.
        """

        def submit(actor: Any, piece: Piece) -> Any:
            return actor.read.remote(piece.paths)

        for _, results in self._results(paths, _TOGETHER, submit):
            for _, result in results:
                yield from cast("list[Photo]", result)

    def write_parts(self, paths: Iterable[str], parts: Parts) -> Generator[Counter[str]]:
        """Has the actors write parts, and gives what each comes to, as of `Parts.tally`, in input order.

        Raises:
            ReportError: a part cannot be written.
            UsageError: a part that is there holds other photos.
            UnavailableError: as of `run`.
        """

        def submit(actor: Any, piece: Piece) -> Any:
            if piece.is_whole:
                return actor.write.remote(piece.number, piece.paths, parts)
            return actor.read.remote(piece.paths)

        for number, results in self._results(paths, PHOTOS_A_PART, submit):
            tally = results[0][1]
            if not isinstance(tally, Counter):  # it was halved
                names = [path for piece, _ in results for path in piece.paths]
                photos = [photo for _, result in results for photo in cast("list[Photo]", result)]
                tally = parts.write(number, names, photos)
            yield tally

    def _results(
        self, paths: Iterable[str], size: int, submit: Callable[[Any, Piece], Any]
    ) -> Generator[tuple[int, list[tuple[Piece, _Result]]]]:
        """The chunks that are whole, in order, each with its pieces and what came of them."""
        chunks: Chunks[_Result] = Chunks(paths, size, _AHEAD)
        running: dict[Any, tuple[Any, Piece]] = {}
        try:
            while not chunks.is_done:
                self._crew.fill()
                chunks.window = _AHEAD * max(1, self._crew.size)
                while self._crew.idle and (piece := chunks.next_piece(waiting=not running)) is not None:
                    actor = self._crew.idle.pop()
                    running[submit(actor, piece)] = actor, piece
                for reference in self._wait(running):
                    self._take(reference, *running.pop(reference), chunks)
                yield from chunks.in_order()
        finally:
            chunks.close()

    def _wait(self, running: Iterable[Any]) -> list[Any]:
        """What is ready of what runs, after a moment at most; actors that are ready join the crew."""
        waited_for = [*running, *self._crew.starting]
        if not waited_for:
            return []
        ready, _ = self._ray.wait(waited_for, num_returns=len(waited_for), timeout=0)
        if not ready:
            ready, _ = self._ray.wait(waited_for, timeout=_GLANCE)
        for reference in self._crew.starting.keys() & set(ready):
            self._crew.welcome(reference)
            ready.remove(reference)
        return cast("list[Any]", ready)

    def _take(self, reference: Any, actor: Any, piece: Piece, chunks: Chunks[_Result]) -> None:
        """Takes back a piece, whatever came of it."""
        try:
            result: _Result | FercliError = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error  # which nobody foresaw
        except self._ray.exceptions.RayError:
            self._crew.lose(actor)
            if not chunks.lost(piece):
                chunks.done(piece, [_crashed(piece)])
            return
        if isinstance(result, FercliError):
            raise result
        _check(piece, result)
        self._crew.idle.append(actor)
        chunks.done(piece, result)


def _crashed(piece: Piece) -> Photo:
    """The record of a photo that is to blame."""
    (path,) = piece.paths
    sentence = f"Reading it ended the actor of Ray {piece.attempts} times."
    return Photo(printable_path(path), error=str(PhotoError(PhotoErrorKind.CRASHED, sentence)))


def _check(piece: Piece, result: _Result) -> None:
    """Makes sure that each photo has come back, once; parts do that themselves."""
    if isinstance(result, list) and [photo.path for photo in result] != [*map(printable_path, piece.paths)]:
        raise RuntimeError(f"An actor gave {len(result)} photos for {len(piece.paths)}, or others.")
