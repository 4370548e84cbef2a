"""What the tests of the library read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.corpus import SAMPLES

if TYPE_CHECKING:
    from fercli import Photo


FACE = SAMPLES / "astronaut-eileen-collins.jpg"
LIGHT: dict[str, Any] = {"backend": "onnx", "detector": "none"}
"""What loads quickly."""


def rows_of(*photos: Photo) -> list[dict[str, Any]]:
    return [dict(row) for photo in photos for row in photo.rows()]
