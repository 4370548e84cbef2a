"""Writes a model for other programs, and keeps what was written only if it computes what the model does."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from fercli.choosing import load_classifiers
from fercli.devices import CPU
from fercli.errors import FercliError, ReportError, UnavailableError, UsageError
from fercli.export_formats import FORMATS, ExportFormat
from fercli.plugins import blamed_on, find_backend
from fercli.prediction import TOLERANCE, softmax
from fercli.sample_faces import sample_faces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.export_formats import Exporter

INT8_TOLERANCE = 0.05
"""How far the probabilities of a face may move by 8 bits, on average.

The distance of a face's two answers is half the sum of the differences of its seven probabilities (total
variation), so no probability moves by more. A network that is calibrated well has 0.01 to 0.02, one that
is calibrated on noise 0.07 and more.
"""

_SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets"}
_CHOOSE = "Choose another --out."


class ParityError(FercliError):
    """What was exported does not compute what its source computes."""


class Exported(NamedTuple):
    """What was kept: `source` is the backend that ran the model itself, `finding` how they compared."""

    source: str
    faces: int
    finding: str


def export_model(
    bundle: Bundle,
    kind: ExportFormat,
    path: Path,
    threads: int,
    write: Callable[[Bundle, Path], None] | None = None,
    faces: NDArray[np.float32] | None = None,
) -> Exported:
    """Writes a model as a file, or a SavedModel's folder, which takes its name once it is checked.

    Args:
        bundle: the model.
        kind: the format.
        path: what is made or replaced.
        threads: how many threads the model may use for the check.
        write: writes it in another way than the format's own.
        faces: what the check runs on, float32 (N, 1, 48, 48), grey in 0..1; the sample faces if None.

    Raises:
        ParityError: what was written does not compute what the model does; it is not kept.
        ReportError: the path cannot be written, or is something that must not be replaced.
        UnavailableError: the model, or the runtime of the format, is not there or does not work.
        UsageError: the path has not the ending of the format, or the model has not what it needs.
    """
    making = FORMATS[kind]
    _check_ending(path, kind)
    find_backend(making.backend)
    target = path.resolve()  # a link goes on leading to its file
    _check_place(target, folder=not making.ending)
    exporter = cast("Exporter", resolve_name(making.exporter)())
    if faces is None:
        faces = sample_faces()[:, np.newaxis]
    source, (network,) = load_classifiers([bundle], _source(making.sources), CPU, threads)
    expected = network(faces)
    with _partial(target) as partial, blamed_on(f"export to {kind}"):
        with _named(target):
            (write or exporter.write)(bundle, partial)
        exported = exporter.load(partial)
        # Batches of two sizes: one that the export took for the only one would show.
        logits = np.concatenate([exported(faces[:1]), exported(faces[1:])])
        check = check_int8 if kind is ExportFormat.ONNX_INT8 else check_parity
        finding = check(logits, expected, target.name)
        with _named(target):
            _keep(partial, target)
    return Exported(source, len(faces), finding)


def check_parity(logits: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> str:
    """Makes sure that two runtimes of 32 bits give the same logits, float32 (N, 7); says how near they are.

    Raises:
        ParityError: they differ by more than the tolerance; `name` is what has the wrong ones.
    """
    difference = float(np.abs(logits - expected).max())
    if not difference <= TOLERANCE:
        raise ParityError(
            f"The logits of {name} differ from the model's by {difference:.2g}; {TOLERANCE:g} is allowed.",
            "Check the model's files, or try other versions of the runtimes.",
        )
    return f"logits within {difference:.1e}"


def check_int8(logits: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> str:
    """Makes sure that 8 bits give nearly the probabilities of 32; both are logits, float32 (N, 7).

    Raises:
        ParityError: they differ by more than INT8_TOLERANCE; `name` is what has the wrong ones.
    """
    distance = float(np.abs(softmax(logits) - softmax(expected)).sum(axis=1).mean() / 2)
    if not distance <= INT8_TOLERANCE:
        raise ParityError(
            f"The probabilities of {name} are {distance:.2g} from those of 32 bits on average;"
            f" {INT8_TOLERANCE:g} is allowed.",
            "Calibrate it by faces like those that the model was trained on.",
        )
    same = int((logits.argmax(axis=1) == expected.argmax(axis=1)).sum())
    return f"probabilities within {distance:.3f} on average, {same} expressions the same"


def _check_ending(path: Path, kind: ExportFormat) -> None:
    ending = FORMATS[kind].ending
    if ending and path.suffix != ending:
        raise UsageError(f"{path} does not end in {ending}.", f"--to {kind} needs --out NAME{ending}.")
    if not ending and path.suffix in {making.ending for making in FORMATS.values()} - {""}:
        raise UsageError(f"{path} is named like a file.", f"--to {kind} makes a folder.")


def _check_place(path: Path, *, folder: bool) -> None:
    """Refuses to replace what is no earlier export."""
    if not path.exists():
        return
    if folder and not path.is_dir():
        raise ReportError(f"{path} is there and is no folder.", _CHOOSE)
    if folder and not {child.name for child in path.iterdir()} <= _SAVED_MODEL:
        raise ReportError(f"{path} holds other things than a SavedModel.", _CHOOSE)
    if not folder and not path.is_file():
        raise ReportError(f"{path} is there and is no file.", _CHOOSE)


def _source(backends: Sequence[str]) -> str:
    """The first that is here, or the last, which then says what it lacks."""
    return next(filter(_is_here, backends), backends[-1])


def _is_here(backend: str) -> bool:
    try:
        find_backend(backend)
    except UnavailableError:
        return False
    return True


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """The path's name in a folder beside it, which is gone at the end, whatever happens."""
    with _named(path):
        folder = TemporaryDirectory(
            prefix=f"{path.name}.", suffix=".partial", dir=path.parent, ignore_cleanup_errors=True
        )
    with folder:
        yield Path(folder.name, path.name)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the system refuses becomes an error that names the path."""
    try:
        yield
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror or error}.", _CHOOSE) from error


def _keep(partial: Path, path: Path) -> None:
    """Gives what was written its name; an earlier folder makes room and goes with the partial one."""
    earlier = partial.with_name("earlier")
    if path.is_dir():
        path.rename(earlier)
    try:
        partial.replace(path)
    except OSError:
        if earlier.exists():
            earlier.rename(path)
        raise
