"""The report as a table of pandas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fercli.arguments import shown
from fercli.errors import UsageError
from fercli.extras import import_extra
from fercli.records import COLUMNS, EXPRESSIONS, Photo, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def to_frame(photos: Photo | Iterable[Photo]) -> pd.DataFrame:
    """The report's rows as a table: one a face, and one for a photo without any.

    Examples:
        >>> import fercli
        >>> frame = fercli.to_frame(fercli.read_faces("samples/photos", exclude="group*", workers=1))
        >>> frame["status"].value_counts().to_dict()
        {'ok': 7, 'no_face': 2, 'error': 0}

    Args:
        photos: what `read_faces` or `analyze` gives.

    Returns:
        The columns of the report: `path` and `error` of dtype string, `status` and `expression` of
        category, `face` Int32, all others float64.

    Raises:
        UnavailableError: pandas is not installed.
        UsageError: something else is given.
    """
    pandas = import_extra("A DataFrame", "pandas", "pandas")
    types = dict.fromkeys(COLUMNS, "float64") | {"path": "string", "face": "Int32", "error": "string"}
    for name, choices in (("status", map(str, Status)), ("expression", EXPRESSIONS)):
        types[name] = pandas.CategoricalDtype(list(choices))
    rows = [row for photo in _several(photos) for row in photo.rows()]
    return pandas.DataFrame(
        {name: pandas.Series([row[name] for row in rows], dtype=types[name]) for name in COLUMNS}
    )


def _several(photos: Photo | Iterable[Photo]) -> Iterator[Photo]:
    if not isinstance(photos, Iterable) or isinstance(photos, str):
        photos = [photos]
    for photo in photos:
        if not isinstance(photo, Photo):
            raise UsageError(f"{shown(photo)} is not a Photo.", "Give what read_faces or analyze gives.")
        yield photo
