"""A page as a browser has it, as far as Python's own parser goes."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class Page(HTMLParser):
    """The elements of a page in their order, each with its attributes and its own text."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[list[str]] = []
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts: list[str] = []
        self.elements.append((tag, dict(attrs), texts))
        if tag not in {"meta", "input", "rect", "line"}:
            self._open.append(texts)

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag not in {"rect", "line"}:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].append(data)

    def texts(self, tag: str, **attributes: str) -> list[str]:
        """The text of every element with such a name and such attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            "".join(text)
            for name, has, text in self.elements
            if name == tag and wanted.items() <= has.items()
        ]

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The rows of all blocks, a list a column."""
        columns: dict[str, list[Any]] = {}
        for text in self.texts("script", class_="rows"):
            for name, values in json.loads(text).items():
                columns.setdefault(name, []).extend(values)
        return columns

    @property
    def crops(self) -> list[str]:
        """The small pictures in base64, one a row."""
        return [line for text in self.texts("script", class_="crops") for line in text.split("\n")]
