"""Ends runs of `fercli predict` in every way, goes on with them, and counts what is lost.

    python -m tools.kill_and_resume --kills 200 --disks 20 --limits 20 --writers 50

Runs are killed at random moments, meet a full disk (a small tmpfs, for which one must be root), limits of
the size of files and of memory, and a second writer. Afterwards the report must be that of a run without
any of that.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from fercli.errors import ExitCode
from fercli.reports import Format, open_report
from fercli.reports.reading import read_report

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ("csv", "jsonl", "parquet")
_PHOTOS = 120
_DONE, _FULL = int(ExitCode.SOME_UNREADABLE), int(ExitCode.REPORT)
"""One of the photos is broken."""
_BY_SIZE = 0.8
"""Share of the kills that wait for rows; the others come at any moment of a run."""
_FERCLI = [sys.executable, "-m", "fercli"]
_LONG = 120.0
"""Seconds after which a run counts as hanging."""


class Count(NamedTuple):
    """What came of one kind of end, over all its trials."""

    trials: int
    ends: Counter[int]
    """Exit codes; negative numbers are signals."""
    wrong: Counter[str]
    """Rows that were lost, doubled, out of order or changed; hanging runs; tracebacks."""

    def as_row(self) -> dict[str, object]:
        """For JSON."""
        return {"trials": self.trials, "ends": dict(self.ends), "wrong": dict(self.wrong)}


class Trials:
    """A folder of small pictures, and the report that an undisturbed run writes of them."""

    def __init__(self, folder: Path, seed: int, photos: int = _PHOTOS) -> None:
        self.random = random.Random(seed)  # noqa: S311 - any numbers do
        self.photos = folder / "photos"
        self.photos.mkdir()
        picture = np.random.default_rng(seed)
        for number in range(photos):
            pixels = picture.integers(0, 256, (20, 20 + number % 7, 3), np.uint8)
            cv2.imwrite(str(self.photos / f"{number:04}.png"), pixels)
        (self.photos / "0003 broken.png").write_bytes(b"no picture")
        (self.photos / 'comma, quote" and\nline.png').write_bytes((self.photos / "0001.png").read_bytes())
        self.folder = folder
        started = time.monotonic()
        out = folder / "whole.jsonl"
        assert self.run(out)[0] == _DONE, out  # noqa: S101 - nothing else has a meaning
        self.seconds = time.monotonic() - started
        self.whole = list(read_report(str(out)))
        self.size = dict.fromkeys(FORMATS, out.stat().st_size)
        with open_report(str(folder / "whole.csv"), Format.CSV) as writer:
            for rows in self.whole:
                writer.write(rows)
        self.size["csv"] = (folder / "whole.csv").stat().st_size

    def start(self, out: Path, limit: tuple[int, int] | None = None) -> subprocess.Popen[str]:
        """A run that goes on with a report, or begins it; `limit` is one of the system's, and its size."""
        fixed = ("--detector", "none", "--backend", "onnx", "--workers", "2", "--resume", "--quiet")
        process = subprocess.Popen(
            [*_FERCLI, "predict", str(self.photos), "--out", str(out), *fixed],
            stderr=subprocess.PIPE,
            text=True,
        )
        if limit is not None:
            what, most = limit
            resource.prlimit(process.pid, what, (most, most))
        return process

    def run(self, out: Path, limit: tuple[int, int] | None = None) -> tuple[int | str, str]:
        """The exit code of a run, or `hangs`, and what it says."""
        process = self.start(out, limit)
        try:
            _, said = process.communicate(timeout=_LONG)
        except subprocess.TimeoutExpired:
            process.kill()
            return "hangs", process.communicate()[1]
        return process.returncode, said

    def faults(self, out: Path) -> Counter[str]:
        """What a finished report has otherwise than that of the undisturbed run."""
        rows = list(read_report(str(out)))
        names = [str(photo[0]["path"]) for photo in rows]
        expected = [str(photo[0]["path"]) for photo in self.whole]
        times, needed = Counter(names), Counter(expected)
        return +Counter(
            lost=(needed - times).total(),
            doubled=(times - needed).total(),
            out_of_order=int(times == needed and names != expected),
            changed=int(names == expected and rows != self.whole),
        )


def kills(trials: Trials, kind: str, number: int) -> Count:
    """Runs that are killed again and again at random moments until one is done, then others."""
    ends, wrong, killed, chain = Counter[int](), Counter[str](), 0, 0
    while killed < number:
        chain += 1
        out = trials.folder / f"killed-{chain}.{kind}"
        while True:
            process = trials.start(out)
            if _wait(trials, process, out, kind):
                process.kill()
                killed += 1
            _, said = process.communicate()
            ends[process.returncode] += 1
            wrong["tracebacks"] += "Traceback" in said
            if process.returncode >= 0 or killed >= number:
                break
        code, _ = trials.run(out)
        wrong["other ends"] += code != _DONE
        wrong += trials.faults(out)
        _remove(out)
    return Count(killed, ends, +wrong)


def _wait(trials: Trials, process: subprocess.Popen[str], out: Path, kind: str) -> bool:
    """Waits for a random moment, or until the report has a random size; False where the run is done."""
    growing = out if kind != "parquet" else Path(f"{out}.unfinished")
    begun = growing.stat().st_size if growing.exists() else 0
    by_size = trials.random.random() < _BY_SIZE
    size = trials.random.randint(begun, trials.size[kind])
    until = time.monotonic() + (2 * _LONG if by_size else trials.random.uniform(0, 1.2 * trials.seconds))
    while process.poll() is None:
        if time.monotonic() > until:
            return True
        if by_size and growing.exists() and growing.stat().st_size >= size > begun:
            return True
        time.sleep(0.0005)
    return False


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A tmpfs of that size."""
    place = folder / "disk"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", place], check=True)  # noqa: S607
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)  # noqa: S607


def full_disks(trials: Trials, kind: str, number: int) -> Count:
    """Runs whose disk is full at a random size of the report, gone on with once there is room."""
    ends, wrong = Counter[int](), Counter[str]()
    for _ in range(number):
        most = trials.size[kind] // 1024
        with small_disk(trials.folder, max(16, trials.random.randint(8, most) // 4 * 4)) as place:
            out = place / f"full.{kind}"
            code, said = trials.run(out)
            ends[code] += 1  # type: ignore[index] # or `hangs`
            wrong["without a remedy"] += (
                code == _FULL and "--resume" not in said and "make room" not in said
            )
            wrong["tracebacks"] += "Traceback" in said
            subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)  # noqa: S607
            wrong["other ends"] += trials.run(out)[0] != _DONE
            wrong += trials.faults(out)
    return Count(number, ends, +wrong)


def limited(trials: Trials, kind: str, number: int, what: int, low: int, high: int) -> Count:
    """Runs that meet a limit of the system between two sizes, gone on with once it is lifted."""
    ends, wrong = Counter[int](), Counter[str]()
    for trial in range(number):
        out = trials.folder / f"limited-{trial}.{kind}"
        code, said = trials.run(out, (what, trials.random.randint(low, high)))
        ends[code] += 1  # type: ignore[index] # or `hangs`
        wrong["hangs"] += code == "hangs"
        wrong["tracebacks"] += "Traceback" in said
        wrong["other ends"] += trials.run(out)[0] != _DONE
        wrong += trials.faults(out)
        _remove(out)
    return Count(number, ends, +wrong)


def writers(trials: Trials, kind: str, number: int) -> Count:
    """Two runs into one report at once, of which one at least must be refused or come after the other."""
    ends, wrong = Counter[int](), Counter[str]()
    for trial in range(number):
        out = trials.folder / f"shared-{trial}.{kind}"
        both = [trials.start(out) for _ in range(2)]
        said = [process.communicate(timeout=_LONG)[1] for process in both]
        codes = sorted(process.returncode for process in both)
        ends.update(codes)
        wrong["other ends"] += codes not in ([_DONE, _FULL], [_DONE, _DONE])
        wrong["tracebacks"] += any("Traceback" in words for words in said)
        wrong += trials.faults(out)
        _remove(out)
    return Count(number, ends, +wrong)


def _remove(out: Path) -> None:
    for path in (*out.parent.glob(f"{out.name}*"), *out.parent.glob(f".{out.name}.*")):
        path.unlink() if path.is_file() else shutil.rmtree(path)


def main() -> None:
    """Prints what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("kills", "disks", "limits", "writers"):
        parser.add_argument(f"--{name}", type=int, default=0, help="how many, over all formats")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(Path(folder), asked.seed)
        for place, kind in enumerate(FORMATS):
            share = {name: (getattr(asked, name) + place) // len(FORMATS) for name in vars(asked)}
            sizes = (resource.RLIMIT_FSIZE, 1024, trials.size[kind])
            memory = (resource.RLIMIT_AS, 250 << 20, 900 << 20)
            results[kind] = {
                "kills": kills(trials, kind, share["kills"]).as_row(),
                "full disks": full_disks(trials, kind, share["disks"]).as_row(),
                "limits of files": limited(trials, kind, share["limits"], *sizes).as_row(),
                "limits of memory": limited(trials, kind, share["limits"], *memory).as_row(),
                "two writers": writers(trials, kind, share["writers"]).as_row(),
            }
            print(json.dumps({kind: results[kind]}), flush=True)


if __name__ == "__main__":
    main()
