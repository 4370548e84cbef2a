"""A hook of MkDocs: pages beside docs/ are pages of the site, and links between all of them lead there.

In the repository a link leads from file to file. What it leads to may not be a page of the site (a script,
a licence): then its name stays, without a link.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_FRONT = {"README.md": "index.md"}
"""Files of the repository that have another place on the site."""
_BESIDE = (
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md",
    "backends/README.md", "benchmarks/README.md", "samples/README.md",
    "fercli/models/residual/MODEL_CARD.md", "fercli/models/article/MODEL_CARD.md",
)  # fmt: skip
_LINK = re.compile(r"(!?)\[([^\]\[]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
_RUN, _SHELL = "```sh run\n", "```sh\n"
"""A block that a test runs is a block like any other for readers."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie beside docs/."""
    for path in _BESIDE:
        files.append(File.generated(config, _FRONT.get(path, path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Links from file to file become links from page to page."""
    place = _on_site(page.file.src_uri)

    def led(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.groups()
        if re.match(r"\w+:", target):
            return link[0]
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
        uri = _FRONT.get(meant, meant.removeprefix("docs/"))
        if files.get_file_from_path(uri) is None:
            return text
        way = posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or ".")
        return f"{mark}[{text}]({way}{anchor or ''})"

    return _LINK.sub(led, markdown.replace(_RUN, _SHELL))


def _on_site(uri: str) -> str:
    """Where in the repository a page of the site lies."""
    back = {site: path for path, site in _FRONT.items()}
    return back.get(uri) or (uri if uri in _BESIDE else f"docs/{uri}")
