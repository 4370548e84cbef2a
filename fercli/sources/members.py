"""Members of ZIP and tar archives: how they are written, and which an archive holds.

A member is written as fsspec writes it, `zip://MEMBER::ARCHIVE` or `tar://MEMBER::ARCHIVE`; the archive
is a file of this computer or in a store. Without a member, all photos in it are meant.
"""

# An archive's path stays as the user wrote it.
# ruff: noqa: PTH113

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from fercli.errors import PhotoError
from fercli.sources.suffixes import suffix
from fercli.sources.walking import Entry
from fercli.stores import store_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class ArchiveTree:
    """The folders in an archive, by their paths in it."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._folders: dict[str, set[Entry]] | None = None
        self._broken = False

    def is_folder(self, path: str) -> bool:
        """Whether it is one in the archive, or the archive itself."""
        try:
            return not path or path.rstrip("/") in self._listed()
        except OSError:
            return not path

    def exists(self, path: str) -> bool:
        """Whether it is there."""
        folder, _, name = path.rpartition("/")
        try:
            return any(entry.name == name for entry in self._listed().get(folder, ()))
        except OSError:
            return False

    def identity(self, folder: str) -> str:
        """Its path: links in archives are not followed."""
        return folder

    def entries(self, folder: str) -> Iterator[Entry]:
        """What lies in it, by name; raises an OSError at the end of an archive that is cut off."""
        yield from sorted(self._listed().get(folder.rstrip("/"), ()))
        if self._broken and not folder:
            raise OSError

    def join(self, folder: str, entry: Entry) -> str:
        """With a `/` between them."""
        return f"{folder.rstrip('/')}/{entry.name}" if folder else entry.name

    def unlisted(self, folder: str) -> str:
        """The folder itself."""
        return folder

    def shown(self, path: str) -> str:
        """The URL of a member."""
        return f"{self._member.scheme}://{path}::{self._member.archive}"

    def _listed(self) -> dict[str, set[Entry]]:
        """What each folder holds."""
        if self._folders is None:
            from fercli.sources.archives import open_archive  # few need it, and all would wait for it

            try:
                archive = open_archive(self._member)
            except PhotoError as error:
                raise OSError(error.sentence) from None
            self._broken = archive.is_cut
            self._folders = {"": set()}
            for path in archive.names():
                _enter(self._folders, path)
        return self._folders


def _enter(folders: dict[str, set[Entry]], path: str) -> None:
    """Notes a file, and the folders that it is in."""
    name, is_folder = path, False
    while name:
        above, _, last = name.rpartition("/")
        known = folders.setdefault(above, set())
        entry = Entry(last, is_folder)
        if entry in known:
            return
        known.add(entry)
        name, is_folder = above, True


def plain_name(name: str) -> str:
    """A member's path without `.`, `//` and a `/` before it, by which members are known."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))
