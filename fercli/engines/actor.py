"""What an actor of Ray is: the local engine on another machine, given chunks of paths."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, NamedTuple

from fercli.devices import usable_cores
from fercli.engines.memory import Memory, usable_memory
from fercli.engines.reading import LocalEngine
from fercli.errors import FercliError, UnavailableError, shortage
from fercli.reports.settings import Settings, settings_of
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from fercli.engines.options import Options
    from fercli.reader import Pipeline
    from fercli.records import Photo
    from fercli.reports.parts import Parts


class About(NamedTuple):
    """What an actor reads with."""

    pipeline: Pipeline
    settings: Settings


class ChunkReader:
    """Reads chunks of photos, one after another.

    What ends a run is returned, not raised: Ray would make another error of it.
    """

    def __init__(self, options: Options, workers: int, folder: str) -> None:
        """Loads everything.

        Args:
            options: how photos are read.
            workers: how many photos are worked on at once.
            folder: what relative paths are relative to.
        """
        self._loaded: LocalEngine | FercliError
        try:
            _enter(folder)
            self._loaded = LocalEngine(options, workers, _share_of_memory(workers))
        except Exception as error:
            known = error if isinstance(error, FercliError) else shortage(error)
            if known is None:
                raise
            known.message = f"On the node {platform.node()} of the Ray cluster: {known.message}"
            self._loaded = known
        self._tta = options.tta

    def describe(self) -> About | FercliError:
        """What it reads with, or what kept it from loading that."""
        if isinstance(self._loaded, FercliError):
            return self._loaded
        pipeline = self._loaded.pipeline
        settings = settings_of(pipeline.models, pipeline.backend, pipeline.detector, tta=self._tta)
        return About(pipeline, settings)

    def read(self, paths: Sequence[str]) -> list[Photo] | FercliError:
        """The records of photos, in the order of their paths."""
        if isinstance(self._loaded, FercliError):
            return self._loaded
        try:
            return list(self._loaded.run(paths))
        except FercliError as error:
            return error

    def write(self, number: int, paths: Sequence[str], parts: Parts) -> Counter[str] | FercliError:
        """Writes a part, unless it is there already; gives what it comes to, as of `Parts.tally`."""
        if isinstance(self._loaded, FercliError):
            return self._loaded
        try:
            return self._loaded.write_part(number, paths, parts)
        except FercliError as error:
            return error


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise UnavailableError(
            f"The folder {quoted(folder)} cannot be entered: {error.strerror}.",
            "Every node must see photos and models at the same place; start in a folder that all have.",
        ) from error


def _share_of_memory(workers: int) -> Memory:
    """An actor's part of its machine's memory: that of the cores which it has."""
    memory, share = usable_memory(), min(1.0, workers / usable_cores())
    return Memory(int(memory.available * share), int(memory.swap * share))
