"""What Ray and a store cost: rates beside the local ones, and Ray's driver with very many paths.

python benchmarks/scaling.py rate PHOTOS     the same photos by both engines on this machine, in turn
python benchmarks/scaling.py store PHOTOS    the same photos from files and from a local S3 server, in turn
python benchmarks/scaling.py driver COUNT    COUNT paths through the driver, whose actors read nothing
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fercli import read_faces
from fercli.engines import crew
from fercli.engines.actor import About
from fercli.engines.options import Options
from fercli.engines.ray_engine import RayEngine
from fercli.reader import Pipeline
from fercli.records import Photo
from fercli.reports.settings import settings_of
from fercli.smallest_face import smallest_face

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

_TURNS = 2


class _Stub:
    """An actor that gives a record of each photo at once."""

    def __init__(self, *_: Any) -> None:
        pass

    def describe(self) -> About:
        return About(Pipeline((), {}, {}, 1), settings_of((), {}, {}, tta=False))

    def read(self, paths: Sequence[str]) -> list[Photo]:
        return [Photo(path) for path in paths]


def _rate(photos: str) -> None:
    for _ in range(_TURNS):
        for engine in ("local", "ray"):
            print(f"{engine}: {_read(photos, engine)}", flush=True)


def _read(photos: str, engine: str = "local") -> str:
    begun = time.monotonic()
    with read_faces(photos, engine=engine) as found:
        first = next(found)
        since = time.monotonic()
        count = sum(1 for _ in found)
    rate = count / (time.monotonic() - since)
    return f"{rate:.2f} photos a second; {since - begun:.1f} s until {first.path}"


def _store(photos: str) -> None:
    context = get_context("spawn")  # in a process of its own, as servers are
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": here.recv(),
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    import fsspec

    files = fsspec.filesystem("s3")
    files.mkdir("photos")
    files.put(photos, "photos/", recursive=True)
    for _ in range(_TURNS):
        for place in (photos, "s3://photos/"):
            print(f"{place}: {_read(place)}", flush=True)
    here.send(None)
    server.join()


def _serve(told: Connection) -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    told.send("http://{}:{}".format(*server.get_host_and_port()))
    told.recv()
    server.stop()


def _driver(count: int) -> None:
    crew.ChunkReader = _Stub  # type: ignore[assignment,attr-defined] # for this measurement alone
    options = Options((), "", "", "cpu", smallest_face(40), 0.9, False, False, 1, 64, 1.0)
    engine = RayEngine(options, 1, None)
    begun = time.monotonic()
    paths = (f"/data/photos/{number // 1000:06}/{number:012}.jpg" for number in range(count))
    for done, _ in enumerate(engine.run(paths), 1):
        if done in {10**power for power in range(3, 10)}:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(f"{done} paths: {time.monotonic() - begun:.1f} s, {peak} MB at most", flush=True)
    engine.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["rate", photos] if Path(photos).is_dir():
            _rate(photos)
        case ["store", photos] if Path(photos).is_dir():
            _store(photos)
        case ["driver", count]:
            _driver(int(count))
        case _:
            sys.exit(__doc__)
