"""`fercli doctor`: what runs here, and why something does not."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import typer

from fercli import __version__, defaults
from fercli.cli.messages import count_of, print_table
from fercli.errors import ExitCode, FercliError

if TYPE_CHECKING:
    from fercli.plugins import Discovered


def doctor() -> None:
    """Say what runs here, and why something does not; exit code 5 where `fercli predict` cannot run."""
    from rich.table import Table

    from fercli.devices import AUTO, cuda_devices, usable_cores
    from fercli.plugins import BACKENDS, DETECTORS, EXPORTERS, discover, find_detector

    table = Table("what", "name", "state", "remedy", title=f"fercli {__version__}")
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    cores = count_of(usable_cores(), "core")
    table.add_row("python", platform.python_version(), f"{system}, {cores}", "")
    count = cuda_devices()
    table.add_row(
        "device", "cuda", count_of(count, "device") if count else "NVIDIA's driver shows none", ""
    )
    for kind, group in (("backend", BACKENDS), ("detector", DETECTORS), ("exporter", EXPORTERS)):
        for found in discover(group):
            table.add_row(kind, found.name, *_state(found))
    well = True
    for kind, name, check in (
        ("model", defaults.MODEL, _check_model),
        ("--backend", AUTO, _check_backend),
        ("--detector", defaults.DETECTOR, lambda: find_detector(defaults.DETECTOR).name),
    ):
        try:
            table.add_row(kind, name, str(check()), "")
        except FercliError as error:
            table.add_row(kind, name, error.message, error.remedy)
            well = False
    print_table(table)
    if not well:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _state(found: Discovered) -> tuple[str, str]:
    if found.availability.ok:
        return "ready", ""
    return f"not available: {found.availability.reason}", found.availability.remedy


def _check_backend() -> str:
    """What `--backend auto` takes, made sure of by loading the default model."""
    from fercli.bundle import load_bundle
    from fercli.classifiers import load_classifiers
    from fercli.devices import AUTO, usable_cores

    backend, (classifier,) = load_classifiers([load_bundle(defaults.MODEL)], AUTO, AUTO, usable_cores())
    about = classifier.describe()
    return f"{backend}, on {about.get('device', 'a device that it does not name')}"


def _check_model() -> str:
    from fercli.bundle import load_bundle

    bundle = load_bundle(defaults.MODEL)
    for name in bundle.files:
        bundle.verified(name)
    return f"{bundle.name}, files whole"
