"""`fercli doctor`: what runs here, and why something does not."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import typer

from fercli import __version__, defaults
from fercli.cli.configuration import defaults_in_sight
from fercli.cli.messages import print_document
from fercli.errors import ExitCode, FercliError
from fercli.wording import count_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli.plugins import Discovered


def doctor(context: typer.Context) -> None:
    """Say what runs here, and why something does not; exit code 5 where `fercli predict` cannot run."""
    from fercli.plugins import BACKENDS, DETECTORS, EXPORTERS, discover, find_detector

    works, fails = [], []
    for what, check in (
        (f"model {defaults.MODEL}", _check_model),
        (f"--backend {defaults.BACKEND}", _check_backend),
        (f"--detector {defaults.DETECTOR}", lambda: find_detector(defaults.DETECTOR).name),
    ):
        try:
            works.append(f"  {what}: {check()}")
        except FercliError as error:
            fails += [f"  {what}: {error.message}", f"    {error.remedy}"]
    missing: list[str] = []
    for kind, group in (("backend", BACKENDS), ("detector", DETECTORS), ("exporter", EXPORTERS)):
        found = discover(group)
        ready = ", ".join(each.name for each in found if each.availability.ok)
        works.append(f"  {kind}s ready: {ready or 'none'}")
        missing += _reasons(kind, found)
    lines = [f"fercli {__version__} {'cannot read' if fails else 'reads'} photos here.", _computer()]
    defaults_set = [f"  {line}" for line in defaults_in_sight(context)]
    for title, part in (
        ("Works", works),
        ("Does not work", fails),
        ("Not available", missing),
        ("Defaults set", defaults_set),
    ):
        if part:
            lines += ["", title, *part]
    print_document("\n".join(lines))
    if fails:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _reasons(kind: str, found: list[Discovered]) -> Iterator[str]:
    """Why a plugin does not run, and what to do, a line each."""
    for each in found:
        if not each.availability.ok:
            yield f"  {kind} {each.name}: {each.availability.reason}"
            if each.availability.remedy:
                yield f"    {each.availability.remedy}"


def _computer() -> str:
    from fercli.devices import cuda_devices, usable_cores

    python = f"Python {platform.python_version()}"
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    count = cuda_devices()
    cuda = count_of(count, "CUDA device") if count else "no CUDA device"
    return f"{python}, {system}, {count_of(usable_cores(), 'core')}, {cuda}."


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
