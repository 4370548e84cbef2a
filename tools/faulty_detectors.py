"""What detectors that crash, hang, leak or lie cost a run: photos, rows, errors and seconds, for each.

python -m tools.faulty_detectors
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from fercli.engines.local import run_local
from fercli.engines.memory import usable_memory
from fercli.engines.workers import Workers
from fercli.prediction import Predictor
from tests.corpus import encoded, gradient
from tests.faulty_plugins.backends import ConstantBackend
from tests.faulty_plugins.detectors import ByWidthPlugin

_PHOTOS = 200
_FAULTY = (20, 80, 140)
"""Which of them go wrong."""
_TIMEOUT = 3.0
_FAULTS = ("", "CRASHES", "ABORTS", "CRASHES_ONCE", "HANGS", "LEAKS", "IS_HUGE", "LIES", "IS_NO_LIST")


def run(folder: Path, fault: str) -> dict[str, object]:
    """A run over photos of which three are of the width at which the detector has that fault."""
    paths = [str(folder / f"{fault}{number}.png") for number in range(_PHOTOS)]
    for number, path in enumerate(paths):
        width = getattr(ByWidthPlugin, fault) if fault and number in _FAULTY else 30
        Path(path).write_bytes(encoded(gradient(width, 20), "png"))
    workers = Workers(ByWidthPlugin, 200_000_000, 2, _TIMEOUT, usable_memory())
    try:
        workers.describe()
        started = time.monotonic()
        photos = list(run_local(paths, workers, Predictor([ConstantBackend()]), 64))
        seconds = time.monotonic() - started
    finally:
        workers.close()
    errors = sorted({photo.error or "" for photo in photos} - {""})
    in_order = [photo.path for photo in photos] == paths
    return {
        "fault": fault, "photos": len(paths), "rows": len(photos), "in order": in_order,
        "failed": sum(photo.error is not None for photo in photos), "errors": errors,
        "seconds": round(seconds, 2),
    }  # fmt: skip


def main() -> None:
    """Prints a line of JSON a fault; the first one is a run without any."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FERCLI_CRASHED_ONCE"] = f"{folder}/once"
        for fault in _FAULTS:
            print(json.dumps(run(Path(folder), fault)), flush=True)


if __name__ == "__main__":
    main()
