"""Writes drawings as PNG files with a mark of fercli, and replaces only files with that mark."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from fercli import __version__
from fercli.errors import UsageError
from fercli.files import descriptor, whole_file
from fercli.replacing import refuse_foreign
from fercli.reports.output import open_growing
from fercli.wording import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

_ENDING = ".png"
_HEADER = 33
"""The bytes of a PNG's signature and its first chunk, which others may follow."""

_MARK = b"tEXtSoftware\0fercli "


def write_png(picture: Figure | bytes, out: Path | int, dots_per_inch: float | None = None) -> None:
    """Writes a drawing whole or not at all, to a path or an open descriptor.

    Args:
        picture: a figure, or the bytes of a PNG.
        out: the path or the descriptor.
        dots_per_inch: the figure's resolution; its own one if None.

    Raises:
        ReportError: it cannot be written.
    """
    data = _marked(picture if isinstance(picture, bytes) else _drawn(picture, dots_per_inch))
    if isinstance(out, int):
        with open_growing(out) as file:
            file.write(data)
    else:
        with whole_file(out) as made:
            made.write_bytes(data)


def refuse_place(path: Path) -> None:
    """Refuses to draw over another picture or any other file.

    Raises:
        UsageError: the name does not end in .png, or the file that exists is not a drawing of fercli.
    """
    if descriptor(path) is not None:
        return
    if path.suffix.lower() != _ENDING:
        raise UsageError(
            f"{quoted(path)} does not end in {_ENDING}.", f"Choose a name that ends in {_ENDING}."
        )
    refuse_foreign(path, "a drawing of fercli", [_MARK])


def _drawn(figure: Figure, dots_per_inch: float | None) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # A title may be a file's name in a script that matplotlib's font does not have.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        # Otherwise matplotlib's own mark would be there too.
        figure.savefig(file, format="png", dpi=dots_per_inch or "figure", metadata={"Software": None})
    return file.getvalue()


def _marked(png: bytes) -> bytes:
    """The PNG with a chunk of text that names the program (PNG specification, 11.3.3)."""
    content = _MARK + __version__.encode()
    chunk = struct.pack(">I", len(content) - len(b"tEXt")) + content
    return png[:_HEADER] + chunk + struct.pack(">I", zlib.crc32(content)) + png[_HEADER:]
