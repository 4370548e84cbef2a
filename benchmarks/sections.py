"""What `run.py` measures: a section runs each of its commands once, in turns, and gives a round of figures.

Ratios are made of the figures of one round.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import python_of
from faces import compare, read_report
from photos import SAMPLES, SIZES, make_photos
from processes import FERCLI, MEGABYTE, peak, predict, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Round = dict[str, Any]
    Jobs = Mapping[str, Callable[[], Any]]

HERE = Path(__file__).resolve().parent
NUMPY, HELP, ONE = "import numpy", "fercli --help", "fercli predict of one photo"
EXACT, FLOOR = "fercli", "decoding and networks alone"
OURS: dict[str, Sequence[str]] = {EXACT: (), "fercli --fast": ("--fast",)}
PEERS = {
    "fer 25.10.3, MTCNN": ("fer", "fer-mtcnn"),
    "facenet-pytorch 2.6.0, torch classifier": ("fer", "facenet"),
}
FURTHER = {
    "fer 25.10.3, Haar cascade": ("fer", "fer-haar"),
    "mtcnn 1.0.0, no expressions": ("mtcnn", "mtcnn"),
}
"""Each other tool's environment, and what `peer.py` calls it."""
WORKERS = (1, 2, 4)
SHARES = (0.25, 0.5, 2)
"""How many times the mixed set's photos are read, to see what their number does."""
ONE_SIZE = {(640, 480): 4 / 3, (1280, 960): 2 / 3, (2048, 1536): 1 / 3, (4000, 3000): 1 / 6}
"""Photos of one size, as shares of the mixed set's number: fewer where they are larger."""
LARGE, MANY = (4000, 3000), 5


@dataclass
class Bench:
    """Where a run works, and on what.

    Attributes:
        folder: for photos, which are made once, and for what is thrown away.
        environments: of the other tools.
        photos: in the mixed set.
        backward: whether a round's commands run in reverse order, as they do every second time.
    """

    folder: Path
    environments: Path
    photos: int
    backward: bool = False

    def set_of(self, share: float = 1, sizes: Sequence[tuple[int, int]] = SIZES) -> Path:
        """A folder of so many times the mixed set's number of photos; above that, some are the same."""
        count = max(1, round(self.photos * share))
        folder = self.folder / f"{count}-{'x'.join(map(str, sizes[0])) if sizes != SIZES else 'mixed'}"
        if not folder.exists():
            make_photos(folder, count, min(count, self.photos), sizes)
        return folder

    def classifier(self) -> Path:
        """The network of fercli in TorchScript, for a detector that has none."""
        path = self.folder / "classifier.pt"
        if not path.exists():
            timed([FERCLI, "export", "default", "--to", "torchscript", "--out", str(path)])
        return path

    def in_turns(self, jobs: Jobs) -> Round:
        """What each job gives."""
        given = {}
        for name in sorted(jobs, key=list(jobs).index, reverse=self.backward):
            started = time.perf_counter()
            given[name] = jobs[name]()
            print(f"{name}: {time.perf_counter() - started:.2f} s", file=sys.stderr)
        return {name: given[name] for name in jobs}


def start_up(bench: Bench) -> Round:
    """Seconds of whole processes that do little."""
    photo = str(SAMPLES / "astronaut-eileen-collins.jpg")
    commands = {
        NUMPY: [sys.executable, "-c", "import numpy"],
        HELP: [FERCLI, "--help"],
        ONE: [FERCLI, "predict", photo, "--quiet"],
    }
    return {"seconds": bench.in_turns({name: partial(timed, each) for name, each in commands.items()})}


def mixed(peers: Mapping[str, tuple[str, str]], bench: Bench) -> Round:
    """The mixed set by fercli and by other tools: seconds of the whole process, and once they are warm."""
    photos, reports = bench.set_of(), bench.folder / "reports"
    reports.mkdir(exist_ok=True)
    report = reports / "fercli.csv"
    ours = {name: partial(_ours, photos, options, report) for name, options in OURS.items()}
    theirs = {name: partial(_peer, bench, photos, *peer) for name, peer in peers.items()}
    given = bench.in_turns({**ours, **theirs})
    exact = given[EXACT]["faces"]
    return {
        "seconds": {name: each["seconds"] for name, each in given.items()},
        "warm": {name: each["warm"] for name, each in given.items() if "warm" in each},
        "failed": {name: each["failed"] for name, each in given.items() if "failed" in each},
        "faces": {name: compare(exact, each["faces"]) for name, each in given.items()},
    }


def _ours(photos: Path, options: Sequence[str], report: Path) -> Round:
    report.unlink(missing_ok=True)
    return {"seconds": timed(predict(photos, *options, out=report)), "faces": read_report(report)}


def _peer(bench: Bench, photos: Path, environment: str, tool: str) -> Round:
    report = bench.folder / "reports" / f"{tool}.json"
    python = python_of(environment, bench.environments)
    network = [bench.classifier()] if tool == "facenet" else []
    whole = timed([python, HERE / "peer.py", tool, photos, report, *network])
    told = json.loads(report.read_text("utf-8"))
    # Reading the first photos twice is for the warm figure alone.
    taken = {"seconds": whole - told["warm_up_s"], "warm": told["photos_s"]}
    return {**taken, "failed": told["failed"], "faces": told["faces"]}


def floor(bench: Bench) -> Round:
    """The mixed set by fercli, beside decoding alone and the networks alone."""
    photos, report = bench.set_of(), bench.folder / "floor.json"

    def measured() -> dict[str, float]:
        timed([sys.executable, HERE / "floor.py", photos, report])
        told: dict[str, float] = json.loads(report.read_text("utf-8"))
        return told

    jobs = {name: partial(timed, predict(photos, *options)) for name, options in OURS.items()}
    given = bench.in_turns({**jobs, FLOOR: measured})
    least = given.pop(FLOOR)
    parts = {"decoding": least["decode_s"], "networks": least["nets_s"]}
    return {"seconds": {**given, FLOOR: sum(parts.values()), **parts}}


def scaling(bench: Bench) -> Round:
    """Photos and seconds with more workers, with more photos, and with larger ones."""
    work = {f"--workers {count}": (bench.set_of(), ["--workers", str(count)]) for count in WORKERS}
    work |= {f"{_count(folder)} photos": (folder, []) for folder in map(bench.set_of, SHARES)}
    for size, share in ONE_SIZE.items():
        for name, options in OURS.items():
            folder = bench.set_of(share, [size])
            work["{} by {}, {}".format(*size, name)] = (folder, list(options))
    jobs = {name: partial(timed, predict(folder, *options)) for name, (folder, options) in work.items()}
    return {
        "photos": {name: _count(folder) for name, (folder, _) in work.items()},
        "seconds": bench.in_turns(jobs),
    }


def memory(bench: Bench) -> Round:
    """Megabytes at the peak, of the run and its workers together."""
    many, large = bench.set_of(MANY), bench.set_of(ONE_SIZE[LARGE], [LARGE])
    work = {
        "mixed": predict(bench.set_of()),
        f"mixed, {MANY} times as many": predict(many),
        "12 megapixels": predict(large),
        "12 megapixels, --fast": predict(large, "--fast"),
    }
    jobs = {name: partial(peak, command) for name, command in work.items()}
    return {"megabytes": {name: bytes_ / MEGABYTE for name, bytes_ in bench.in_turns(jobs).items()}}


def _count(folder: Path) -> int:
    return len(list(folder.iterdir()))


SECTIONS: dict[str, Callable[[Bench], Round]] = {
    "start-up": start_up,
    "mixed": partial(mixed, PEERS),
    "further": partial(mixed, FURTHER),
    "floor": floor,
    "scaling": scaling,
    "memory": memory,
}
