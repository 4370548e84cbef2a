"""A long run: does its rate fall or its memory grow?

    python benchmarks/soak.py --photos 20000 --out benchmarks/results/soak.json --chart docs/images/soak.png

Makes the photos from the samples (turned, mirrored, of 0.1 to 2 megapixels; a few hundred files under many
names), reads them all, and records, once a second, the photos that are done and the memory of all processes
together (PSS: what processes share counts once).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import cv2

from processes import MEGABYTE, memory

SAMPLES = Path(__file__).parents[1] / "samples" / "photos"
_SIDES = (320, 320, 320, 320, 480, 480, 640, 1400)
"""Longer sides of the photos, in pixels; the last makes up to 2 megapixels."""
_FIRST = 2000


def make_photos(folder: Path, number: int) -> None:
    """The photos, in 1,000 to a folder, of which most are links to one file."""
    originals: list[Path] = []
    for path, turn, side in product(sorted(SAMPLES.iterdir()), range(4), sorted(set(_SIDES))):
        picture = cv2.imread(str(path))
        if picture is None:
            continue
        scale = side / max(picture.shape[:2])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # Faces are upright in half of them.
        turned = {0: picture, 1: cv2.flip(picture, 1), 2: cv2.flip(picture, 0), 3: cv2.transpose(picture)}
        original = folder / f"original-{len(originals):04}-{side}.jpg"
        cv2.imwrite(str(original), turned[turn])
        originals.append(original)
    by_side = {side: [path for path in originals if path.stem.endswith(f"-{side}")] for side in _SIDES}
    for photo in range(number):
        side = _SIDES[photo % len(_SIDES)]
        place = folder / f"{photo // 1000:03}"
        place.mkdir(exist_ok=True)
        os.link(by_side[side][photo // len(_SIDES) % len(by_side[side])], place / f"{photo:06}.jpg")
    for original in originals:
        original.unlink()


def run(folder: Path, workers: int, minutes: float) -> list[tuple[float, int, int]]:
    """Seconds, photos done and bytes of memory, once a second; it is ended after so many minutes."""
    out = folder / "report.jsonl"
    options = ["--out", str(out), "--workers", str(workers), "--quiet"]
    command = [sys.executable, "-m", "fercli", "predict", str(folder / "photos"), *options]
    record: list[tuple[float, int, int]] = []
    done, read, last = 0, 0, ""
    started = time.monotonic()
    with subprocess.Popen(command) as process:
        while process.poll() is None and time.monotonic() < started + 60 * minutes:
            time.sleep(1)
            if out.exists():
                with out.open("rb") as file:
                    file.seek(read)
                    lines = file.read().split(b"\n")
                read += sum(len(line) + 1 for line in lines[:-1])
                for line in lines[:-1]:
                    path = json.loads(line)["path"]
                    done, last = done + (path != last), path
            record.append((round(time.monotonic() - started, 1), done, memory(process.pid)))
        process.terminate()
    return record


def summary(record: list[tuple[float, int, int]]) -> dict[str, float]:
    """Rates in photos a second, without the start; memory in megabytes."""
    begun = next(entry for entry in record if entry[1])
    first = next((entry for entry in record if entry[1] >= begun[1] + _FIRST), record[-1])
    last = max(record, key=lambda entry: entry[1])
    half = [used for _, done, used in record if done > last[1] / 2]
    early = [used for _, done, used in record if 0 < done <= last[1] / 2]
    return {
        "photos": last[1],
        "rate of the first 2000": round((first[1] - begun[1]) / (first[0] - begun[0]), 2),
        "rate of all": round((last[1] - begun[1]) / (last[0] - begun[0]), 2),
        "peak of the first half": round(max(early) / MEGABYTE),
        "peak of the second half": round(max(half) / MEGABYTE),
    }


def draw(record: list[tuple[float, int, int]], chart: Path) -> None:
    """Rate and memory over the photos that are done."""
    from fercli.runtimes import import_matplotlib

    import_matplotlib()
    from matplotlib.figure import Figure

    record = [entry for entry in record if entry[1]]
    window = max(1, len(record) // 40)
    pairs = list(zip(record, record[window:], strict=False))
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.plot([b[1] for _, b in pairs], rates)
    upper.set(ylabel="photos a second", ylim=(0, None))
    lower.plot([done for _, done, _ in record], [used / MEGABYTE for *_, used in record])
    lower.set(ylabel="memory, MB", xlabel="photos done", ylim=(0, None))
    figure.savefig(chart, dpi=110)


def main() -> None:
    """Prints the summary, and writes the record and its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=600, help="ends it earlier")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--chart", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "photos").mkdir()
        make_photos(Path(folder) / "photos", asked.photos)
        record = run(Path(folder), asked.workers, asked.minutes)
    about = summary(record)
    print(json.dumps(about, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps({"summary": about, "record": record}) + "\n")
    if asked.chart:
        draw(record, asked.chart)


if __name__ == "__main__":
    main()
