"""Start-up, photos a second and memory of `fercli predict`, as ratios inside one run.

    python benchmarks/speed.py --facenet .venv-facenet/bin/python --out benchmarks/results

Run it with the Python of the environment that fercli is installed in. Without --facenet the comparison
with facenet-pytorch's detector is left out. Writes speed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from photos import SAMPLES, make_photos

FERCLI = str(Path(sys.executable).parent / "fercli")
HERE = Path(__file__).resolve().parent
MIN_FACE = "40"
FEW, MANY = 200, 2000


def main() -> None:
    """Runs everything, prints and writes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--facenet", help="a Python that has facenet-pytorch")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=15, help="of start-up; the others take three")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few", Path(folder) / "many"
        make_photos(few, FEW, FEW)
        make_photos(many, MANY, FEW)
        result: dict[str, Any] = {"machine": _machine(), "start_up": _start_up(arguments.rounds)}
        result["photos"] = _photos(few, arguments.facenet)
        result["memory"] = _memory(few, many)
    text = json.dumps(result, indent=1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "speed.json").write_text(text + "\n", "utf-8")
    print(text)


def _machine() -> dict[str, Any]:
    packages = ("fercli", "numpy", "opencv-python-headless", "onnxruntime", "typer")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _start_up(rounds: int) -> dict[str, Any]:
    """Whole processes, interleaved: medians in seconds, and ratios to importing NumPy."""
    photo = str(SAMPLES / "astronaut-eileen-collins.jpg")
    commands = {
        "import numpy": [sys.executable, "-c", "import numpy"],
        "fercli --help": [FERCLI, "--help"],
        "one photo": [FERCLI, "predict", photo, "--quiet"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(_run(command)[0])
    base = median(seconds["import numpy"])
    return {
        name: {
            "median_s": round(median(times), 3),
            "spread_s": [round(min(times), 3), round(max(times), 3)],
            "ratio": round(median(times) / base, 2),
        }
        for name, times in seconds.items()
    }


def _photos(folder: Path, facenet: str | None) -> dict[str, Any]:
    """Seconds for the folder: fercli's whole process, and the reference's detector alone, interleaved."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        ours.append(_predict(folder)[0])
        if facenet:
            command = [facenet, str(HERE / "facenet_detector.py"), str(folder), MIN_FACE]
            theirs.append(float(subprocess.run(command, check=True, capture_output=True).stdout))
    result: dict[str, Any] = {"photos": FEW, "fercli_whole_process_s": [round(each, 2) for each in ours]}
    if theirs:
        result["facenet_detector_alone_s"] = [round(each, 2) for each in theirs]
        result["times_as_fast"] = round(median(theirs) / median(ours), 2)
    return result


def _memory(few: Path, many: Path) -> dict[str, Any]:
    """Peak resident memory in megabytes, three runs of each, interleaved."""
    peaks = [(_predict(few)[1], _predict(many)[1]) for _ in range(3)]
    small, large = (median(each) for each in zip(*peaks, strict=True))
    return {
        "peak_mb": {FEW: [peak[0] for peak in peaks], MANY: [peak[1] for peak in peaks]},
        "growth_mb": round(large - small, 1),
    }


def _predict(folder: Path) -> tuple[float, float]:
    return _run(
        [FERCLI, "predict", str(folder), "--min-face", MIN_FACE, "--out", os.devnull, "--format", "csv"]
    )


def _run(command: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a process that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, round(usage.ru_maxrss / 1024, 1)


if __name__ == "__main__":
    main()
