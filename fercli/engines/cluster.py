"""Ray, quietly: a cluster that is there, or one of this machine's own that ends with the run."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from fercli.devices import usable_cores
from fercli.errors import UnavailableError
from fercli.extras import require
from fercli.runtimes import import_ray

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "RAY_ADDRESS"
"""The variable by which Ray's own tools name a cluster."""

_STORE = 128 << 20
"""Bytes for what goes between processes: rows alone, since photos do not."""
_SECONDS_TO_ANSWER = 10.0
_MOST_WORKERS = 8
"""Photos that an actor works on at once, where the run is not told: more would wait for one network."""


class Seats(NamedTuple):
    """Room for actors: how many there are, and the part of a GPU that each has."""

    actors: int
    gpus: float


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster; one that was started for this is ended.

    Args:
        address: `auto` or HOST:PORT, as of `ray.init`; None takes that of RAY_ADDRESS, or starts a cluster
            of this machine alone. A program that is connected already stays as it is.

    Raises:
        UnavailableError: Ray is not installed, or there is no such cluster.
    """
    require("--engine ray", "ray", "ray")
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    address = address or os.environ.get(ADDRESS)
    with ExitStack() as stack:
        own = {} if address else stack.enter_context(_own_cluster())
        try:
            if address:
                _knock(address)
            with _kept_signals():
                ray.init(
                    address or "local",
                    log_to_driver=False,
                    configure_logging=False,
                    logging_level="CRITICAL",
                    **own,
                )
        except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
            if not address:
                raise UnavailableError(f"Ray cannot be started: {told(error)}.") from error
            raise UnavailableError(
                f"Ray cannot be reached at {address}: {told(error)}.",
                "Name the cluster with --ray-address HOST:PORT; ray status says where it is."
                " All its machines and this one need the same Python and Ray.",
            ) from error
        stack.callback(ray.shutdown)
        yield ray


def _knock(address: str) -> None:
    """Raises an `OSError` where nothing listens; Ray itself would try for minutes, with a line for each."""
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname and place.port:
        socket.create_connection((place.hostname, place.port), _SECONDS_TO_ANSWER).close()


def told(error: Exception) -> str:
    """An error of Ray's in one line, without a full stop: what was raised first, where it holds that."""
    text = getattr(error, "strerror", None) or str(error)
    lines = [line for line in map(str.strip, _COLOUR.sub("", text).splitlines()) if line]
    raised = [line for line in lines if _RAISED.match(line)]
    return (raised[-1] if raised else " ".join(lines)).rstrip(".")


_COLOUR = re.compile(r"\x1b\[\d*m")
_RAISED = re.compile(r"[\w.]*(?:Error|Exception): ")


def useful_workers(nodes: list[dict[str, Any]]) -> int:
    """How many photos an actor works on at once, so that one fits on every node."""
    cores = [int(node["Resources"].get("CPU", 0)) for node in nodes if node["Alive"]]
    return min([_MOST_WORKERS, *filter(None, cores)])


def seats(nodes: list[dict[str, Any]], workers: int, *, on_gpu: bool) -> Seats:
    """The room for actors on the nodes that are alive, with a core for each of their workers.

    Args:
        nodes: as of `ray.nodes()`.
        workers: how many photos an actor works on at once.
        on_gpu: whether an actor needs a part of a GPU; those of a node share its GPUs.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    room = [(int(has.get("CPU", 0)) // workers, has.get("GPU", 0.0)) for has in alive]
    if not on_gpu:
        return Seats(sum(count for count, _ in room), 0)
    shares = [(count, min(1.0, gpus / count)) for count, gpus in room if count and gpus]
    least = int(min((share for _, share in shares), default=0) * _PARTS) / _PARTS
    return Seats(sum(count for count, _ in shares), least)


_PARTS = 10_000
"""Ray counts GPUs in ten-thousandths."""


@contextmanager
def _own_cluster() -> Iterator[dict[str, Any]]:
    """What starts a cluster that nobody else reaches, with a temporary folder that is removed."""
    # A socket's path may have some hundred letters, which macOS has used up with its temporary folder.
    folder = tempfile.mkdtemp(prefix="fercli-ray-", dir="/tmp" if sys.platform == "darwin" else None)  # noqa: S108
    before = {name: os.environ.get(name) for name in _SECRETS}
    if not any(before.values()):
        os.environ[_SECRETS[0]] = _token()  # Ray would keep one of its own in the user's home
    try:
        yield {
            "num_cpus": usable_cores(),
            "object_store_memory": _STORE,
            "include_dashboard": False,
            "_temp_dir": folder,
            "_node_ip_address": "127.0.0.1",
        }
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
        shutil.rmtree(folder, ignore_errors=True)


_SECRETS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE")
"""The variables by which those who start a cluster keep others out; Ray sets the last one itself."""


@cache
def _token() -> str:
    """One for the life of this process, as long as Ray remembers it."""
    return secrets.token_hex(32)


@contextmanager
def _kept_signals() -> Iterator[None]:
    """Leaves the program its own handlers of signals, where Ray puts in others."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(TypeError):  # one that Python has not set
                signal.signal(number, handler)
