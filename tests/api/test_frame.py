"""Rows as a table of pandas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import fercli
from fercli.errors import UnavailableError, UsageError
from fercli.records import COLUMNS, EXPRESSIONS, Status
from tests.api.photos import LIGHT, rows_of
from tests.corpus import gradient


class TestFrame:
    def test_it_has_the_report_s_rows_columns_and_types(self, folder: Path) -> None:
        photos = list(fercli.read_faces(folder, workers=1))
        frame = fercli.to_frame(photos)
        assert tuple(frame.columns) == COLUMNS
        types = {name: str(dtype) for name, dtype in frame.dtypes.items()}
        assert types == {
            **dict.fromkeys(COLUMNS, "float64"),
            "path": "string",
            "error": "string",
            "face": "Int32",
            "status": "category",
            "expression": "category",
        }
        assert list(frame["status"].cat.categories) == [str(status) for status in Status]
        assert list(frame["expression"].cat.categories) == list(EXPRESSIONS)
        values = frame.astype(object).where(frame.notna(), None).to_dict("records")
        assert values == rows_of(*photos)

    @pytest.mark.parametrize("photos", [None, 7, "photos", [None], [{}]], ids=repr)
    def test_what_is_not_a_photo_is_refused(self, photos: Any) -> None:
        with pytest.raises(UsageError, match=r" is not a Photo\.$"):
            fercli.to_frame(photos)

    def test_without_photos_it_has_the_same_columns(self) -> None:
        empty, one = fercli.to_frame([]), fercli.to_frame(fercli.analyze(gradient(), **LIGHT))
        assert (len(empty), len(one)) == (0, 1)
        assert dict(empty.dtypes) == dict(one.dtypes)

    def test_without_pandas_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(UnavailableError, match=r"^A DataFrame needs pandas, not inst") as caught:
            fercli.to_frame([])
        assert caught.value.remedy == "pip install 'fercli[pandas]'"
