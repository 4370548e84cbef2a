"""What figures were measured on and with: processor, cores, system, commit and versions."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fercli.devices import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

INSTRUCTION_SETS = (
    "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "sve",
)  # fmt: skip
"""Those that decide how fast a network runs, as Linux names them."""


def machine(packages: Iterable[str]) -> dict[str, Any]:
    """The processor with its instruction sets, cores, system, Python, commit and versions of packages."""
    found = _processor()
    return {
        "processor": found.get("model name", platform.processor()),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in _flags(found)],
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {name: _version(name) for name in packages},
    }


def load() -> float:
    """How many processes ran or waited on average in the last minute."""
    return round(os.getloadavg()[0], 2)


@contextmanager
def watched(figures: dict[str, Any]) -> Iterator[None]:
    """Notes in the figures the load before, and how many cores others kept busy meanwhile, on average."""
    figures["load_before"] = load()
    started, busy = time.perf_counter(), _busy()
    yield
    figures["cores_of_others"] = round((_busy() - busy) / (time.perf_counter() - started), 2)


def _busy() -> float:
    """Seconds of all cores that were not idle, without those of this process and of its ended children."""
    first, _, _ = Path("/proc/stat").read_text("ascii").partition("\n")
    user, nice, system, _idle, _waiting, *rest = map(int, first.split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def _processor() -> dict[str, str]:
    """The first processor's lines in /proc/cpuinfo; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _flags(processor: dict[str, str]) -> list[str]:
    return processor.get("flags", processor.get("Features", "")).split()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """The last one that changed the program, marked where it has been changed since."""
    root = Path(__file__).resolve().parents[1]
    program = ("--", "fercli", "backends")

    def git(*command: str) -> str:
        found = ["git", *command, *program]
        return subprocess.run(found, cwd=root, check=True, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("log", "-1", "--no-merges", "--format=%h") + ("-dirty" if changed else "")
