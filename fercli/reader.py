"""Photos that are being read, as an iterator that ends what it has begun."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from weakref import finalize

from fercli.errors import UsageError, shortage
from fercli.records import Photo

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Generator, Mapping, Sequence

    from fercli.bundle import Bundle
    from fercli.reports.parts import Parts
    from fercli.sources import Findings


class Pipeline(NamedTuple):
    """What reads the faces.

    Attributes:
        models: the models, whose probabilities are averaged.
        backend: what runs their networks: `name`, `runtime`, `version`, `device`, `precision`, `threads`.
        detector: what finds the faces: `detector`, `runtime`, `version`, `min_face`, `min_score`, and
            `fast` where its fast way is taken.
        workers: how many processes read photos.
    """

    models: Sequence[Bundle]
    backend: Mapping[str, str]
    detector: Mapping[str, str]
    workers: int


class FaceReader(Iterator[Photo]):
    """The records of photos in the order of their paths, each as soon as those before it are known.

    It works ahead in processes of its own. They end with the last record, when an error or Ctrl-C comes
    through, when it is closed, as `with` does, and when nobody refers to it any more. Threads that share it
    take turns; a process that was forked from its own cannot use it.

    Attributes:
        pipeline: what reads the faces.
        findings: what was found beside photos, and which paths gave none; complete after the last record.
    """

    def __init__(
        self,
        photos: Generator[Photo],
        write_parts: Callable[[Parts], Iterator[Counter[str]]],
        pipeline: Pipeline,
        findings: Findings,
        end: Callable[[], object],
    ) -> None:
        self.pipeline = pipeline
        self.findings = findings
        self._photos = photos
        self._write_parts = write_parts
        self._process = os.getpid()
        self._end = finalize(self, _end_in, self._process, end)
        self._turn = Lock()

    def __next__(self) -> Photo:
        with self._ended_by_errors(), self._turn:
            photo = next(self._photos)
        if not self._end.alive:  # another thread has closed it meanwhile
            raise StopIteration
        return photo

    def write_parts(self, parts: Parts) -> Iterator[Counter[str]]:
        """Has the records written in parts, where they are made, in place of giving them.

        Args:
            parts: where to.

        Yields:
            What each part comes to, as of `Parts.tally`, in order.

        Raises:
            ReportError: a part cannot be written.
            UsageError: a part that is there holds other photos.
        """
        with self._ended_by_errors():
            yield from self._write_parts(parts)

    @contextmanager
    def _ended_by_errors(self) -> Iterator[None]:
        if os.getpid() != self._process:
            raise UsageError(
                "Photos that one process reads cannot be taken by a process that was forked from it.",
                "Call read_faces there, or start that process with multiprocessing's method spawn.",
            )
        try:
            yield
        except BaseException as error:
            self.close()
            lacking = shortage(error)
            if lacking is None or lacking is error:
                raise
            raise lacking from error

    def __enter__(self) -> FaceReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes, whatever they work on; no record comes after that."""
        self._end()


def _end_in(process: int, end: Callable[[], object]) -> None:
    """Ends what a process has begun, unless this is one that was forked from it."""
    if os.getpid() == process:
        end()
