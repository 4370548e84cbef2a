"""The local engine, put together: networks, detector and workers."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING

from fercli.detectors import load_detector
from fercli.engines.workers import Workers
from fercli.reader import Pipeline
from fercli.reports.parts import PHOTOS_A_PART

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Generator, Iterable, Sequence

    from fercli.engines.memory import Memory
    from fercli.engines.options import Options
    from fercli.records import Photo
    from fercli.reports.parts import Parts


class LocalEngine:
    """Reads photos on this machine; `pipeline` says what reads them."""

    def __init__(self, options: Options, workers: int, memory: Memory) -> None:
        """Loads everything.

        Args:
            options: how photos are read.
            workers: how many processes read photos.
            memory: what they share.

        Raises:
            UnavailableError: a model, backend, detector or device is not there or does not work.
        """
        self._batch_size = options.batch_size
        with ExitStack() as stack:
            # They load the detector while the networks, and what these need, are loaded here.
            self._workers = Workers(
                partial(
                    load_detector,
                    options.detector,
                    options.min_face,
                    options.min_score,
                    threads=1,
                    fast=options.fast,
                ),
                options.max_pixels,
                workers,
                options.timeout,
                memory,
                fast=options.fast,
            )
            stack.callback(self._workers.close)
            from fercli.bundle import load_models
            from fercli.classifiers import load_classifiers
            from fercli.prediction import Predictor

            bundles = load_models(options.models)
            name, classifiers = load_classifiers(bundles, options.backend, options.device, workers)
            self._predictor = Predictor(classifiers, mirrored=options.tta)
            self.pipeline = Pipeline(
                bundles,
                {"name": name, **classifiers[0].describe()},
                self._workers.describe(),
                self._workers.count,
            )
            self.close = stack.pop_all().close

    def run(self, paths: Iterable[str]) -> Generator[Photo]:
        """The records of photos in the order of their paths, as of `fercli.engines.local.run_local`."""
        from fercli.engines.local import run_local

        return run_local(paths, self._workers, self._predictor, self._batch_size)

    def write_parts(self, paths: Iterable[str], parts: Parts) -> Generator[Counter[str]]:
        """Writes the records in parts, and gives what each comes to; as of `write_part`."""
        remaining = iter(paths)
        for number in count():
            if not (chunk := list(islice(remaining, PHOTOS_A_PART))):
                return
            yield self.write_part(number, chunk, parts)

    def write_part(self, number: int, paths: Sequence[str], parts: Parts) -> Counter[str]:
        """Writes one part, unless it is there already, and gives what it comes to, as of `Parts.tally`.

        Raises:
            ReportError: it cannot be written.
            UsageError: it is there and holds other photos.
            UnavailableError: the detector or the network fails.
        """
        tally = parts.tally(number, paths)
        return parts.write(number, paths, self.run(paths)) if tally is None else tally
