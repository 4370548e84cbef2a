"""What is missing of an extra is named, with what to type for it; nothing is imported to find that out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from fercli.errors import UnavailableError
from fercli.extras import import_extra, install, missing, require

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_installed_is_not_imported() -> None:
    sys.modules.pop("this", None)
    assert missing("this", "fercli_nowhere") == ["fercli_nowhere"]
    require("Reading", "train", "this")
    assert "this" not in sys.modules


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(UnavailableError) as caught:
        require("Reading", "train", "fercli_nowhere", "json", "fercli_neither")
    assert caught.value.message == "Reading needs fercli_nowhere, fercli_neither, not installed here."
    assert caught.value.remedy == install("train") == "pip install 'fercli[train]'"


def test_a_part_of_a_package_is_imported() -> None:
    assert import_extra("A tree", "train", "xml.etree").__name__ == "xml.etree"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("fercli_nowhere.part", "A tree needs fercli_nowhere, not installed here."),
        ("broken_extra", "A tree needs broken_extra, which cannot be imported: no such library."),
        ("xml.nowhere", "A tree needs xml, which cannot be imported: No module named 'xml.nowhere'."),
    ],
)
def test_what_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, said: str
) -> None:
    (tmp_path / "broken_extra.py").write_text("raise ImportError('no such library')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnavailableError) as caught:
        import_extra("A tree", "train", module)
    assert (caught.value.message, caught.value.remedy) == (said, "pip install 'fercli[train]'")
