r"""Patterns: those that are given in place of paths, and those of --include and --exclude.

However both are spelled, `./` and `//` change no match, a closing `/` means folders, and on Windows `\`
separates as `/` does. A pattern *names* a file where it spells out the file's suffix (`*.dat`) or, of a
file that has none, part of its name (`scan*`); such a file is taken whatever its suffix.
"""

from __future__ import annotations

import fnmatch
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_WILDCARD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "\ue000"  # stands for `**/` while fnmatch translates the rest


def is_pattern(path: str, flavour: ModuleType = os.path) -> bool:
    r"""Whether it has wildcards; the `?` of Windows' `\\?\C:` is not one."""
    return _WILDCARD.search(flavour.splitdrive(path)[1]) is not None


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is left out unless it is asked for."""
    return name.startswith(".")


def plain(path: str, flavour: ModuleType = os.path) -> str:
    """The path with single `/` between its parts, and without `.`."""
    path = path.replace(flavour.sep, "/")
    parts = "/".join(part for part in path.split("/") if part not in ("", "."))
    return f"/{parts}" if path.startswith("/") else parts


class Pattern:
    """A pattern in place of a path: what it matches, and what is in folders it matches.

    A folder that is given is a pattern without parts: all that is in it is meant. A part that begins with a
    dot matches hidden names, no other part does. A part that is a name's own spelling matches it, so
    `[1].jpg` may be a file's name. `**` is any number of folders.

    Attributes:
        folder: where to look, as it was written: what comes before the first wildcard.
        given: the same, as `plain` makes it.
    """

    def __init__(
        self, folder: str, rest: str = "", *, recursive: bool, flavour: ModuleType = os.path
    ) -> None:
        self.folder = folder
        self.given = plain(folder, flavour)
        self._parts = _parts(rest, flavour)
        self._folders_only = rest.endswith((flavour.sep, "/"))
        self._recursive = recursive
        self._normcase = flavour.normcase

    @classmethod
    def parse(cls, pattern: str, *, recursive: bool, flavour: ModuleType = os.path) -> Pattern:
        """The pattern that a text is; what exists in front of it is never taken for a wildcard."""
        return cls(*_split(pattern, flavour), recursive=recursive, flavour=flavour)

    def matches(self, relative: str) -> bool:
        """Whether it matches this path below `folder` itself."""
        return self._match(relative.split("/"), self._parts)

    def holds(self, relative: str) -> bool:
        """Whether it matches a folder that the path is in (not recursive: directly in)."""
        path = relative.split("/")
        first = 0 if self._recursive else len(path) - 1
        return any(self._match(path[:depth], self._parts) for depth in range(first, len(path)))

    def leads(self, relative: str) -> bool:
        """Whether something inside this folder may be meant."""
        path = relative.split("/")
        for depth, (name, part) in enumerate(zip(path, self._parts, strict=False)):
            if part == "**":
                return any(map(is_hidden, self._parts)) or not any(map(is_hidden, path[depth:]))
            if not self._same(name, part):
                return False
        below = path[len(self._parts) :]
        return not below or (self._recursive and not any(map(is_hidden, below)))

    def names(self, relative: str) -> bool:
        """Whether it matches the file, and whatever its suffix."""
        if not self.takes(relative):
            return False
        return _spells_out(self._normcase(self._parts[-1]), self._normcase(relative.rpartition("/")[2]))

    def takes(self, relative: str) -> bool:
        """Whether it matches this file itself, not just a folder above it."""
        return not self._folders_only and self.matches(relative)

    def _match(self, path: Sequence[str], parts: Sequence[str]) -> bool:
        if not parts:
            return not path
        if parts[0] != "**":
            return bool(path) and self._same(path[0], parts[0]) and self._match(path[1:], parts[1:])
        for passed in range(len(path) + 1):
            if self._match(path[passed:], parts[1:]):
                return True
            if passed < len(path) and is_hidden(path[passed]):
                return False
        return False

    def _same(self, name: str, part: str) -> bool:
        if name == part:
            return True
        if is_hidden(name) and not is_hidden(part):
            return False
        return fnmatch.fnmatchcase(self._normcase(name), self._normcase(part))


class Glob:
    """A pattern of --include or --exclude, in any case of letters.

    It is compared with a file's name, with its path below the folder that was given and, if it has a `/`,
    with the whole path as given. `*` stands for any characters, `/` too.
    """

    def __init__(self, pattern: str, flavour: ModuleType = os.path) -> None:
        text = plain(pattern, flavour)
        self._last = text.rpartition("/")[2].lower()
        if pattern.endswith((flavour.sep, "/")):
            text = f"{text}/*" if "/" in text else f"**/{text}/*"
            self._last = ""
        self._has_folders = "/" in text
        translated = fnmatch.translate(text.replace("**/", _ANY_FOLDERS))
        self._pattern = re.compile(translated.replace(_ANY_FOLDERS, "(?:.*/)?"), re.IGNORECASE)

    def matches(self, relative: str, given: str) -> bool:
        """Whether it matches a file, or a folder where a `/` closes the path.

        Args:
            relative: the path below the folder that was given.
            given: the path that begins as the user gave it, as `plain` makes it.
        """
        spellings = (relative, relative.rstrip("/").rpartition("/")[2], given)
        return any(map(self._pattern.match, spellings if self._has_folders else spellings[:2]))

    def names(self, name: str) -> bool:
        """Whether it takes a file of this name, which it matches, whatever the suffix."""
        return _spells_out(self._last, name.lower())


def _spells_out(pattern: str, name: str) -> bool:
    """Whether the pattern's last part spells out the suffix of a name or, where it has none, the name."""
    _, dot, ending = pattern.rpartition(".")
    _, has_suffix, suffix = name.lstrip(".").rpartition(".")
    if not ending.strip("*?") or bool(dot) != bool(has_suffix):
        return False
    return not dot or fnmatch.fnmatchcase(suffix, ending)


def _split(pattern: str, flavour: ModuleType) -> tuple[str, str]:
    """The folder that it begins with, as it was written, and the rest."""
    folder, rest = flavour.splitdrive(pattern)
    while separators := re.search(f"[/{re.escape(flavour.sep)}]+", rest):
        name = rest[: separators.start()]
        if _WILDCARD.search(name) and not flavour.isdir(folder + name):
            break
        folder, rest = folder + rest[: separators.end()], rest[separators.end() :]
    return folder, rest


def _parts(pattern: str, flavour: ModuleType) -> tuple[str, ...]:
    """The parts of a pattern: no `.`, and `x/..` is as if it were not there."""
    parts: list[str] = []
    for part in plain(pattern, flavour).split("/"):
        if part == ".." and parts and parts[-1] not in ("..", "**"):
            parts.pop()
        elif part:
            parts.append(part)
    return tuple(parts)
