"""The rows in a page: blocks of JSON, each in a line, with a list for each column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fercli.records import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAGE_START = b"<!doctype html><!-- a report of fercli -->\n"
"""The beginning of every page, by which it is recognised."""

PAGE_END = b"</html>"

_ROWS = '<script type="application/json" class="rows">'
_CROPS = '<script type="text/plain" class="crops">'
_END = "</script>\n"
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def inert_json(value: Any) -> str:
    """JSON for a script element. It can neither end the element nor begin a comment."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def block(columns: Mapping[str, Sequence[Any]], crops: Sequence[str]) -> str:
    """The columns of some rows, and for each row a picture or an empty text."""
    lines = "\n".join(crops)
    return f"{_ROWS}{inert_json(columns)}{_END}{_CROPS}{lines}{_END}"


def read_page(path: str) -> Iterator[Any]:
    """The rows in a page, one after another, not yet checked.

    Raises:
        ValueError: it is not a complete page of fercli.
    """
    start, end = _ROWS.encode(), _END.encode()
    with Path(path).open("rb") as file:
        if file.readline() != PAGE_START:
            raise ValueError("it begins in another way")
        line = b""
        for line in file:
            if line.startswith(start):
                columns = json.loads(line.removeprefix(start).removesuffix(end))
                for values in zip(*(columns[name] for name in COLUMNS), strict=True):
                    yield dict(zip(COLUMNS, values, strict=True))
        if line.rstrip() != PAGE_END:
            raise ValueError("it ends early")
