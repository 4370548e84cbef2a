"""The folders in a ZIP or tar archive, walked as those of this computer are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.errors import PhotoError
from fercli.sources.walking import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli.sources.members import Member


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
