"""How photos are read, each setting checked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fercli.arguments import number, switch, text, texts, whole_number
from fercli.defaults import BATCH_SIZE, MOST_AT_ONCE, TIMEOUT
from fercli.smallest_face import SmallestFace, smallest_face

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.arguments import AnyPath


class Options(NamedTuple):
    """How photos are read; each is that of `fercli.read_faces`, whose `model` may be several."""

    models: tuple[str, ...]
    backend: str
    detector: str
    device: str
    min_face: SmallestFace
    min_score: float
    fast: bool
    tta: bool
    max_pixels: int
    batch_size: int
    timeout: float


def checked_options(
    *,
    model: AnyPath | Iterable[AnyPath],
    backend: str,
    detector: str,
    device: str,
    min_face: int | str,
    min_score: float,
    fast: bool,
    tta: bool,
    max_pixels: int,
    batch_size: int = BATCH_SIZE,
    timeout: float = TIMEOUT,
) -> Options:
    """The options that a caller gives, as of `fercli.read_faces`.

    Raises:
        UsageError: one of them makes no sense.
    """
    return Options(
        texts("model", model),
        text("backend", backend),
        text("detector", detector),
        text("device", device),
        smallest_face(min_face),
        number("min_score", min_score, 0, 1),
        switch("fast", fast),
        switch("tta", tta),
        whole_number("max_pixels", max_pixels, 1),
        whole_number("batch_size", batch_size, 1, MOST_AT_ONCE),
        number("timeout", timeout, 1),
    )
