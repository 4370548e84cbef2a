"""Writes a model for other programs, and keeps what was written only if it computes what the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fercli.classifiers import load_classifiers
from fercli.devices import CPU
from fercli.errors import ReportError, UnavailableError, UsageError
from fercli.files import blamed_on_place, whole_file, whole_folder
from fercli.flushing import sync_folder
from fercli.guard import attributed_to
from fercli.parity import check_int8, check_parity
from fercli.plugins import EXPORTERS, discover, find_backend, find_exporter
from fercli.replacing import model_inputs, refuse_elsewhere, refuse_foreign, refuse_input
from fercli.sample_faces import sample_faces
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fercli.bundle import Bundle
    from fercli.plugins import Format

_CHOOSE = "Choose another --out."


class Exported(NamedTuple):
    """What was kept: `source` is the backend that ran the model itself, `finding` how they compared."""

    source: str
    faces: int
    finding: str


def export_model(
    bundle: Bundle,
    name: str,
    path: Path,
    threads: int,
    write: Callable[[Bundle, Path], None] | None = None,
    faces: NDArray[np.float32] | None = None,
) -> Exported:
    """Writes a model as a file or a folder, which takes its name once it is checked.

    Args:
        bundle: the model.
        name: the exporter's.
        path: what is made or replaced.
        threads: how many threads the model may use for the check.
        write: writes it in another way than the exporter's own.
        faces: what the check runs on, float32 (N, 1, 48, 48), grey in 0..1; the sample faces if None.

    Raises:
        ParityError: what was written does not compute what the model does; it is not kept.
        ReportError: the path cannot be written, or is a folder in a file's place, or the other way round.
        UnavailableError: the model, the exporter or what it needs is not there or does not work.
        UsageError: the path does not end as the format's do, there is something else than an earlier
            export, or the model lacks what the format needs.
    """
    exporter = find_exporter(name)
    written = exporter.format
    _check_suffix(path, name, written)
    refuse_input(path, model_inputs(bundle))
    _check_place(path, name, written)
    if faces is None:
        faces = sample_faces()[:, np.newaxis]
    source, (network,) = load_classifiers([bundle], _source(written.sources), CPU, threads)
    expected = network(faces)
    place = whole_file(path, _CHOOSE) if written.suffix else whole_folder(path, _CHOOSE, replace=True)
    with place as made, attributed_to(f"export to {name}"):
        with blamed_on_place(path, _CHOOSE):
            (write or exporter.write)(bundle, made)
        exported = exporter.load(made)
        # Batches of two sizes: one that the export took for the only one would show.
        logits = np.concatenate([exported(faces[:1]), exported(faces[1:])])
        check = check_parity if written.precision == "float32" else check_int8
        finding = check(logits, expected, path.name)
        if not written.suffix:
            sync_folder(made)
    return Exported(source, len(faces), finding)


def _check_suffix(path: Path, name: str, written: Format) -> None:
    suffix = written.suffix
    if suffix and path.suffix != suffix:
        raise UsageError(
            f"{quoted(path)} does not end in {suffix}.", f"--to {name} needs --out NAME{suffix}."
        )
    if not suffix and path.suffix in _file_suffixes():
        raise UsageError(f"{quoted(path)} is named like a file.", f"--to {name} makes a folder.")


def _check_place(path: Path, name: str, written: Format) -> None:
    """Refuses to replace what is not an earlier export."""
    refuse_elsewhere(path)
    if not path.exists():
        return
    word = f"an export of fercli in the format {name}"
    if written.suffix:
        if not path.is_file():
            raise ReportError(f"{quoted(path)} exists and is not a file.", _CHOOSE)
        refuse_foreign(path, word, written.marks)
        return
    if not path.is_dir():
        raise ReportError(f"{quoted(path)} exists and is not a folder.", _CHOOSE)
    if not {child.name for child in path.iterdir()} <= set(written.contents):
        raise ReportError(f"{quoted(path)} holds other things than an earlier {name} export.", _CHOOSE)
    for main in written.contents[:1]:
        refuse_foreign(path / main, word, written.marks)


def _file_suffixes() -> set[str]:
    """The suffixes of all formats that are files."""
    exporters = (found.plugin for found in discover(EXPORTERS) if found.plugin is not None)
    return {exporter.format.suffix for exporter in exporters} - {""}


def _source(backends: Sequence[str]) -> str:
    """The first that is here, or the last, which then says what it lacks."""
    return next(filter(_is_here, backends), backends[-1])


def _is_here(backend: str) -> bool:
    try:
        find_backend(backend)
    except UnavailableError:
        return False
    return True
