"""Measures how fast fercli is, beside other tools and beside what the machine allows.

    python benchmarks/run.py --environments FOLDER --out benchmarks/results [--only SECTION...] [--rounds N]

Run it with the Python of the environment that fercli is in, with its extras `cpu`, `torch` and `charts`,
while nothing else runs. The other tools get environments of their own in FOLDER, 10 GB, made where they are
missing (Python 3.11 or 3.12). Writes speed-DATE.json and prints tables. Where the day's file
exists, further rounds are added to it, so that sections can be measured one by one.
"""

from __future__ import annotations

import argparse
import compileall
import datetime as dt
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import machine, watched
from page import draw, tables
from sections import SECTIONS, Bench

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = {"start-up": 15, "mixed": 3, "further": 3, "floor": 5, "scaling": 3, "memory": 3}
PHOTOS = 96
PACKAGES = ("fercli", "numpy", "opencv-python-headless", "simplejpeg", "onnxruntime", "openvino", "typer")


def main() -> None:
    """Measures what is asked for, and writes it after each round."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--rounds", type=int, help="of each section; otherwise 3 to 15")
    parser.add_argument("--photos", type=int, default=PHOTOS, help="in the mixed set")
    parser.add_argument("--chart", type=Path, help="a PNG of the mixed set, once that is measured")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for package in ("fercli", "backends"):  # as pip does for what it installs, but not for a checkout
        compileall.compile_dir(ROOT / package, quiet=1)
    file = asked.out / f"speed-{dt.datetime.now(tz=dt.UTC).date()}.json"
    result = begun(file, {"machine": machine(PACKAGES), "photos": asked.photos})
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), asked.environments, asked.photos)
        for section in asked.only:
            rounds: list[dict[str, Any]] = result["rounds"].setdefault(section, [])
            for _ in range(asked.rounds or ROUNDS[section]):
                bench.backward = len(rounds) % 2 == 1
                figures: dict[str, Any] = {}
                with watched(figures):
                    figures |= SECTIONS[section](bench)
                rounds.append(figures)
                file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
                print(f"{section}: {len(rounds)} rounds", file=sys.stderr)
    print(tables(result))
    if asked.chart:
        draw(result, asked.chart)


def begun(file: Path, about: dict[str, Any]) -> dict[str, Any]:
    """The result in a file, or an empty one about this machine.

    Raises:
        SystemExit: the file is about something else.
    """
    if not file.exists():
        return {**about, "rounds": {}}
    result: dict[str, Any] = json.loads(file.read_text("utf-8"))
    if any(result[name] != about[name] for name in about):
        sys.exit(f"{file} was measured with something else: {about} now. Choose another --out.")
    return result


if __name__ == "__main__":
    main()
