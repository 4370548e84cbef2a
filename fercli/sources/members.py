"""Members of ZIP and tar archives: how they are written.

A member is written as fsspec writes it, `zip://MEMBER::ARCHIVE` or `tar://MEMBER::ARCHIVE`; the archive
is a file of this computer or in a store. Without a member, all photos in it are meant.
"""

# An archive's path stays as the user wrote it.
# ruff: noqa: PTH113

from __future__ import annotations

import os
import re
from typing import NamedTuple

from fercli.sources.suffixes import suffix
from fercli.stores import store_scheme

_URL = re.compile(r"(zip|tar)://(?:(.*)::)?(.+)", re.IGNORECASE | re.DOTALL)
_COMPRESSED_TAR = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|zst)|tgz|tbz2?|txz)$", re.IGNORECASE)


class Member(NamedTuple):
    """A file or folder inside an archive."""

    scheme: str
    name: str
    """With `/`; empty for the whole archive."""
    archive: str
    """A path of this computer, or a store's URL."""


def member_of(path: str) -> Member | None:
    """The member that a `zip://` or `tar://` URL means; None for every other path."""
    found = _URL.fullmatch(path)
    return Member(found[1].lower(), plain_name(found[2] or ""), found[3]) if found else None


def is_compressed_tar(path: str) -> bool:
    """Whether it has the name of one."""
    return _COMPRESSED_TAR.search(path) is not None


def archive_url(path: str) -> str | None:
    """The URL of all that an archive holds, where one is named itself; None for every other path."""
    if is_compressed_tar(path):
        scheme = "tar"
    elif (scheme := suffix(path)) not in {"zip", "tar"}:
        return None
    return f"{scheme}://::{path}" if store_scheme(path) or os.path.isfile(path) else None


def plain_name(name: str) -> str:
    """A member's path without `.`, `//` and a `/` before it, by which members are known."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))
