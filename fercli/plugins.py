"""The interfaces of backends, detectors and exporters, and their discovery through entry points.

Built-in plugins go the same way as a stranger's: the entry-point groups `fercli.backends`,
`fercli.detectors` and `fercli.exporters`, each naming a class that is made without arguments.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast, runtime_checkable

from fercli.errors import ShortageError, UnavailableError, did_you_mean, in_one_line
from fercli.guard import PRINTING_TO_STDERR
from fercli.interruption import is_interruption
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.crop import Framing
    from fercli.images import Picture
    from fercli.records import Face

BACKENDS = "fercli.backends"
DETECTORS = "fercli.detectors"
EXPORTERS = "fercli.exporters"


class Availability(NamedTuple):
    """Whether a plugin can run here; where it cannot, why, and what to do."""

    ok: bool
    reason: str = ""
    remedy: str = ""


@runtime_checkable
class Classifier(Protocol):
    """A network that is loaded and ready. Called from one thread at a time."""

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, 7) in the order of EXPRESSIONS, for float32 (N, 1, 48, 48) grey in 0..1."""
        ...

    def describe(self) -> Mapping[str, str]:
        """What really runs: `runtime`, `version`, `device`, `precision`, `threads`."""
        ...


@runtime_checkable
class Backend(Protocol):
    """A runtime that can run a bundle's network."""

    name: str

    def is_available(self) -> Availability:
        """Whether the runtime is installed and usable; must not raise."""
        ...

    def load(self, bundle: Bundle, device: str, threads: int) -> Classifier:
        """The bundle's network on `device`, which is `cpu` or `cuda:N`, by `threads` threads.

        Raises:
            DeviceError: the device is not there, or this runtime cannot use it; nothing else is taken.
            UnavailableError: the bundle cannot be run by this runtime.
        """
        ...


@runtime_checkable
class Detector(Protocol):
    """A face detector that is loaded and ready. Called from one thread at a time.

    `framing` says how its boxes become the network's input: `fercli.crop.FER2013` where they lie as
    MTCNN's do, `fercli.crop.WHOLE` where the box already is the crop.
    """

    framing: Framing

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces in an upright picture, uint8 (H, W, 3) RGB, largest box first; no face, no error."""
        ...

    def describe(self) -> Mapping[str, str]:
        """What really runs: `detector`, `runtime`, `version`, `min_face`, `min_score`."""
        ...


@runtime_checkable
class FastDetector(Detector, Protocol):
    """A detector that also has a faster way, for `--fast`, which may miss small faces of large photos."""

    def reduction(self, height: int, width: int) -> int:
        """By how much a photo of that size may be decoded smaller for `detect_fast`: 1, 2, 4 or 8."""
        ...

    def detect_fast(self, picture: Picture) -> list[Face]:
        """As `detect`, in pixels of `picture.rgb`, which may be smaller than the photo, or not."""
        ...


@runtime_checkable
class DetectorPlugin(Protocol):
    """A way to find faces."""

    name: str

    def is_available(self) -> Availability:
        """Whether what the detector runs on is installed and usable; must not raise."""
        ...

    def load(self, min_face: int, min_score: float, threads: int) -> Detector:
        """A detector of faces from `min_face` pixels and `min_score` up, `threads` threads a call.

        It is called again for other pixels where the smallest face is a share of the photo: what is heavy
        and does not depend on them is best kept.

        Raises:
            UnavailableError: what the detector runs on is not installed or does not work.
        """
        ...


class Format(NamedTuple):
    """What an exporter writes: a file, or a folder.

    Attributes:
        suffix: of the file's name, as `.onnx`; empty where it is a folder.
        marks: bytes that are in every file that was written, so that an earlier one is known and replaced,
            and nothing else is; of a folder, those of the first of `contents`.
        contents: the names that the folder may hold.
        precision: `float32`, whose logits are held to the tolerance of backends, or another, whose
            probabilities may move a little.
        sources: the backends that may run the model to compare with, those first that share the least with
            what is written; the first that runs here is taken.
    """

    suffix: str
    marks: tuple[bytes, ...]
    contents: tuple[str, ...] = ()
    precision: str = "float32"
    sources: tuple[str, ...] = ("onnx", "openvino", "torch", "tensorflow")


@runtime_checkable
class Exporter(Protocol):
    """A way to write a model for other programs."""

    name: str
    format: Format

    def is_available(self) -> Availability:
        """Whether what it needs is installed and usable; must not raise."""
        ...

    def write(self, bundle: Bundle, path: Path) -> None:
        """Writes the bundle's network as a file, or into a folder that is there and empty.

        What it takes is float32 (N, 1, 48, 48), grey in 0..1; what it gives are logits, float32 (N, 7).

        Raises:
            OSError: it cannot be written.
            UsageError: the bundle lacks what the format needs.
        """
        ...

    def load(self, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Reads what was written, as any program would, onto the CPU; a call gives faces' logits."""
        ...


class Discovered(NamedTuple):
    """A plugin's entry point as found: the plugin, or why it could not be had."""

    name: str
    plugin: Any
    availability: Availability


def discover(group: str) -> list[Discovered]:
    """Every plugin of a group that is installed, by name; one that is broken says so."""
    return [_discover(point) for _, point in sorted(_points(group).items())]


def find_backend(name: str) -> Backend:
    """The backend of a name.

    Raises:
        UnavailableError: there is none of that name, or it cannot run here.
    """
    return cast("Backend", _find(BACKENDS, name))


def find_detector(name: str) -> DetectorPlugin:
    """The detector of a name.

    Raises:
        UnavailableError: there is none of that name, or it cannot run here.
    """
    return cast("DetectorPlugin", _find(DETECTORS, name))


def find_exporter(name: str) -> Exporter:
    """The exporter of a name.

    Raises:
        UnavailableError: there is none of that name, or it cannot run here.
    """
    return cast("Exporter", _find(EXPORTERS, name))


def select(group: str, asked: Sequence[str]) -> list[str]:
    """The names asked for, each once, or of all of a group's plugins; none is imported here.

    Raises:
        UnavailableError: there is none of a name.
    """
    points = _points(group)
    for name in asked:
        _point(group, name, points)
    return list(dict.fromkeys(asked)) or sorted(points)


def _find(group: str, name: str) -> Any:
    found = _discover(_point(group, name, _points(group)))
    if not found.availability.ok:
        raise UnavailableError(
            f"The {_KINDS[group]} {name} cannot run here: {found.availability.reason}.",
            found.availability.remedy or "fercli doctor shows what runs here.",
        )
    return found.plugin


def _points(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def _point(group: str, name: str, points: Mapping[str, EntryPoint]) -> EntryPoint:
    if name not in points:
        known = f"Installed are {', '.join(sorted(points))}."
        raise UnavailableError(
            f"There is no {_KINDS[group]} {quoted(name)}.", f"{did_you_mean(name, points)} {known}".lstrip()
        )
    return points[name]


def _discover(point: EntryPoint) -> Discovered:
    plugin = None
    try:
        with PRINTING_TO_STDERR:
            plugin = point.load()()
            if not _PROTOCOLS[point.group](plugin):
                article = "an" if point.group == EXPORTERS else "a"
                reason = f"it does not have the interface of {article} {_KINDS[point.group]}"
                return Discovered(point.name, None, Availability(False, reason))
            return Discovered(point.name, plugin, Availability(*plugin.is_available()))
    except BaseException as error:
        if is_interruption(error) or isinstance(error, ShortageError):
            raise  # neither is the plugin's own doing
        doing = "load" if plugin is None else "answer"
        reason = f"it fails to {doing} ({in_one_line(error)})"
        return Discovered(point.name, plugin, Availability(False, reason))


_KINDS = {BACKENDS: "backend", DETECTORS: "detector", EXPORTERS: "exporter"}
_PROTOCOLS: dict[str, Callable[[object], bool]] = {
    BACKENDS: lambda plugin: isinstance(plugin, Backend),
    DETECTORS: lambda plugin: isinstance(plugin, DetectorPlugin),
    EXPORTERS: lambda plugin: isinstance(plugin, Exporter) and isinstance(plugin.format, Format),
}
