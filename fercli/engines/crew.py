"""The actors of a run on Ray: as many as there is room for, all alike, replaced when they are lost."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, Any

from fercli import __version__
from fercli.engines.actor import ChunkReader
from fercli.engines.cluster import seats, told
from fercli.errors import FercliError, UnavailableError
from fercli.wording import count_of

if TYPE_CHECKING:
    from fercli.engines.actor import About
    from fercli.engines.options import Options

_LOOK = 1.0
"""Seconds between two looks at which nodes there are."""
_FAILED_STARTS = 3
"""Actors in a row that may be lost before they were ready."""


class Crew:
    """Actors that start, those that have nothing to do, and what all of them read with.

    Ray itself neither restarts them nor tries again what they did: it would do so without end.
    """

    def __init__(self, ray: Any, options: Options, workers: int) -> None:
        """Starts the first actors, and does not wait for them.

        Args:
            ray: Ray, connected.
            options: how photos are read.
            workers: how many photos an actor works on at once.

        Raises:
            UnavailableError: no node has room for one.
        """
        self._ray = ray
        self._on_gpu = options.device.startswith("cuda")
        self._workers = workers
        self._arguments = (options, workers, os.getcwd())  # noqa: PTH109 - a text for another machine
        self._class = ray.remote(num_cpus=workers, max_restarts=0, max_task_retries=0)(ChunkReader)
        self._looked = -_LOOK
        self._failed_starts = 0
        self._all: list[Any] = []
        self.starting: dict[Any, Any] = {}
        """Actors by the reference to what they will say of themselves."""
        self.idle: list[Any] = []
        self.about: About | None = None
        """What the first actor reads with; None before it is ready."""
        self.fill()

    @property
    def size(self) -> int:
        """How many actors there are."""
        return len(self._all)

    def fill(self) -> None:
        """Starts actors where there is room for more, since nodes have come or actors have gone.

        Raises:
            UnavailableError: no node has room for one, and there is none.
        """
        if monotonic() - self._looked < _LOOK:
            return
        self._looked = monotonic()
        room = seats(self._ray.nodes(), self._workers, on_gpu=self._on_gpu)
        if not (room.actors or self._all):
            needed = "a GPU and " if self._on_gpu else ""
            raise UnavailableError(
                f"No node of the Ray cluster has {needed}{count_of(self._workers, 'CPU')} for an actor.",
                "Choose fewer --workers, which are those of an actor, or see what ray status says.",
            )
        for _ in range(room.actors - len(self._all)):
            actor = self._class.options(num_gpus=room.gpus).remote(*self._arguments)
            self._all.append(actor)
            self.starting[actor.describe.remote()] = actor

    def welcome(self, reference: Any) -> None:
        """Takes an actor that has started, or failed to.

        Raises:
            FercliError: what kept it from loading what it reads with.
            UnavailableError: it has another fercli, would give other rows than the first one, or is one of
                several that were lost.
        """
        actor = self.starting.pop(reference)
        try:
            about: About | FercliError = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self.lose(actor)
            self._failed_starts += 1
            if self._failed_starts < _FAILED_STARTS:
                return
            raise UnavailableError(
                f"Actors of Ray end before they can read: {told(error)}.",
                "Install the same fercli on every node, with its backends.",
            ) from error
        if isinstance(about, FercliError):
            raise about
        self._failed_starts = 0
        if about.settings.fercli != __version__:
            raise UnavailableError(
                f"A node of the Ray cluster has fercli {about.settings.fercli}, and this is {__version__}.",
                "Install the same fercli on every node.",
            )
        self.about = self.about or about
        if differences := self.about.settings.differences(about.settings):
            words = "; ".join(f"{what} {one} and {other}" for what, one, other in differences)
            raise UnavailableError(
                f"Nodes of the Ray cluster would give different rows: {words}.",
                "Install the same on every node, or choose a --backend that is the same on all.",
            )
        self.idle.append(actor)

    def lose(self, actor: Any) -> None:
        """Counts an actor no longer; it is ended, whatever it does."""
        self._ray.kill(actor)
        self._all.remove(actor)
        self._looked = -_LOOK

    def close(self) -> None:
        """Ends all actors."""
        for actor in self._all:
            self._ray.kill(actor)
        self._all.clear()
