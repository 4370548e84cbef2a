"""What an output may replace: nothing that is read, nothing of a model, and only what is of its own kind.

Every command asks here before it begins its work.
"""

from __future__ import annotations

import json
import mmap
import os
import re
from typing import TYPE_CHECKING

from fercli.errors import UsageError
from fercli.files import real_path, refuse_unreachable
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fercli.bundle import Bundle

REMOVE = "Remove it first, or choose another name."

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
"""How the path of a URL begins; pathlib has made one `/` of the two."""


def refuse_elsewhere(out: str | Path) -> None:
    """Refuses what is no file or folder of this computer, or none that can be looked at.

    Raises:
        UsageError: it is a URL.
        ReportError: the system does not let it be looked at; nothing could be written there either.
    """
    if (url := _URL.match(str(out))) is not None:
        shown = quoted(f"{url[1]}://{str(out)[url.end() :]}")
        raise UsageError(
            f"{shown} is a URL, and this is written to this computer only.",
            "Name a place here; a report alone may be s3://, gs:// or az://.",
        )
    refuse_unreachable(out)


def refuse_input(out: str | Path | int, inputs: Iterable[tuple[str, str | Path | int]]) -> None:
    """Refuses to write over what is read, whatever name leads to it.

    Args:
        out: what is to be written: a path, or an open descriptor.
        inputs: what is read, each after what it is, such as `photo`; 0 is standard input.

    Raises:
        UsageError: they are the same file or folder; both are named.
    """
    place = _status(out)
    if place is None:
        return
    for kind, path in inputs:
        status = _status(path)
        if status is not None and os.path.samestat(place, status):
            raise UsageError(
                f"{_shown(out)} would be written over the {kind} {_shown(path)}.", "Choose another name."
            )


def model_inputs(bundle: Bundle) -> list[tuple[str, Path]]:
    """A model's folder and files as `refuse_input` takes them."""
    from fercli.bundle import DESCRIPTION  # most commands that write a report start without it

    names = (DESCRIPTION, *bundle.files)
    return [("model", bundle.folder), *(("model's file", bundle.folder / name) for name in names)]


def refuse_inside(out: Path, kind: str, folder: Path) -> None:
    """Refuses to write into a folder that is read; raises a `UsageError` that names both."""
    if os.path.isdir(folder) and real_path(folder) in real_path(out).parents:  # noqa: PTH112 - no error
        raise UsageError(
            f"{quoted(out)} would be written into the {kind} {quoted(folder)}.", "Choose another name."
        )


def refuse_existing(path: Path) -> None:
    """Refuses a place that holds anything but an empty folder; raises a `UsageError`."""
    refuse_elsewhere(path)
    empty_folder = path.is_dir() and not path.is_symlink() and not any(path.iterdir())
    if os.path.lexists(path) and not empty_folder:
        raise UsageError(f"{quoted(path)} exists already.", REMOVE)


def refuse_foreign(path: Path, kind: str, marks: Iterable[bytes]) -> None:
    """Refuses a file that has content but not the marks of its kind, or that belongs to a model.

    Args:
        path: what is to be written; anything but an ordinary file passes.
        kind: what it will be, with its article, such as `a drawing of fercli`.
        marks: what is in every file of that kind, of one version or another.

    Raises:
        UsageError: it is not of that kind, or belongs to a model.
    """
    refuse_elsewhere(path)
    if not path.is_file():
        return
    _refuse_model_file(path)
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if all(content.find(mark) >= 0 for mark in marks):
                return
    raise UsageError(f"{quoted(path)} exists and is not {kind}.", REMOVE)


def _refuse_model_file(path: Path) -> None:
    from fercli.bundle import DESCRIPTION

    place = real_path(path)
    try:
        files = json.loads((place.parent / DESCRIPTION).read_text("utf-8"))["files"]
        belongs = place.name in {DESCRIPTION, *files}
    except (OSError, ValueError, KeyError, TypeError):  # no model's folder
        return
    if belongs:
        raise UsageError(
            f"{quoted(path)} belongs to the model in {quoted(place.parent)}.", "Choose another name."
        )


def _status(path: str | Path | int) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - a descriptor has no path
    except (OSError, ValueError):
        return None


def _shown(path: str | Path | int) -> str:
    if isinstance(path, int):
        return {0: "standard input", 1: "standard output"}.get(path, f"descriptor {path}")
    return quoted(path)
