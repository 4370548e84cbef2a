"""Which photos are meant, and what is left out on the way."""

from __future__ import annotations

import os
import posixpath
import sys
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from fercli.errors import NoPhotosError
from fercli.sources.archive_tree import ArchiveTree
from fercli.sources.lists import read_list
from fercli.sources.members import archive_url, member_of
from fercli.sources.patterns import Glob, Pattern, is_hidden, is_pattern
from fercli.sources.reading import is_url, local_path, printable_path
from fercli.sources.remote import RemoteTree
from fercli.sources.suffixes import is_photo_name, suffix
from fercli.sources.walking import LocalTree, Tree, walk
from fercli.stores import store_scheme
from fercli.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

STANDARD_INPUT = "-"
"""The argument that stands for a list of paths on standard input."""

_SUFFIXES_SHOWN = 3


class LeftOut(StrEnum):
    """Why something in a folder is not taken, in the words of `Findings.left_out_line`."""

    OTHER_SUFFIX = "with another suffix"
    HIDDEN = "hidden"
    EXCLUDED = "excluded"
    NOT_INCLUDED = "not included"
    NOT_ENTERED = "not entered"


@dataclass(slots=True)
class Findings:
    """What `find_photos` met besides photos; filled while it runs.

    Attributes:
        photos: how many paths it yielded.
        fruitless: a sentence for each argument, or folder in a list, that gave none.
        left_out: files and folders that were met inside folders and not taken.
        suffixes: those of `LeftOut.OTHER_SUFFIX`, with their dots; empty for files without one.
    """

    photos: int = 0
    fruitless: list[str] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    suffixes: Counter[str] = field(default_factory=Counter)

    @property
    def met(self) -> int:
        """How many files and folders were found or left out."""
        return self.photos + self.left_out.total()

    def left_out_line(self) -> str:
        """What was left out, by kind, in a line; empty where nothing was."""
        kinds = [f"{self.left_out[kind]} {kind}" for kind in LeftOut if self.left_out[kind]]
        if kinds and self.suffixes:
            most = [name or "none" for name, _ in self.suffixes.most_common(_SUFFIXES_SHOWN)]
            more = ["..."] if len(self.suffixes) > _SUFFIXES_SHOWN else []
            kinds[0] += f" ({', '.join(map(printable_path, most + more))})"
        return f"Left out in folders: {', '.join(kinds)}." if kinds else ""

    def no_photos(self, paths: Iterable[str]) -> NoPhotosError:
        """The error of a run that has nothing to do."""
        remedy = "Give photos, folders that hold photos, or a pattern such as 'photos/**/*.jpg'."
        if self.left_out[LeftOut.OTHER_SUFFIX]:
            remedy = "Name files that have another suffix, or give a pattern such as 'photos/*.dat'."
        return NoPhotosError(
            f"No photo in {', '.join(map(_shown, paths))}.",
            " ".join(filter(None, (self.left_out_line(), remedy))),
        )


def find_photos(
    paths: Iterable[str],
    *,
    recursive: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    null_separated: bool = False,
    stdin: BinaryIO | None = None,
    findings: Findings | None = None,
) -> Iterator[str]:
    r"""The paths of all photos meant by `paths`, in the order given, inside a folder by name.

    A folder gives the photos in it, known by their suffix, also those that cannot be read: HEIC without its
    extra, camera RAW. Hidden files and folders are left out, and links to folders are followed, but never
    in circles.

    A pattern such as `photos/**/*.jpg` gives the photos it matches and those in folders it matches. One
    that spells out a suffix (`*.dat`) gives such files whatever the suffix; so does `include`. A path that
    exists is never taken for a pattern. A pattern that matches nothing and has brackets but neither `*` nor
    `?`, such as `IMG[1].jpg`, is a file's name.

    Anything else is yielded as it is, whatever its name and whether it exists or not, so that it gets a
    row; so are a URL and a folder that cannot be listed. `read_photo` says what is wrong with it.

    Args:
        paths: files, folders, patterns, `file://` URLs, or `-` for a list on standard input, whose entries
            are files, folders and URLs, never patterns.
        recursive: whether folders inside folders are entered.
        include: `*.jpg`-like patterns; what is found in a folder or by a pattern must match one of them
            by its name, its path relative to the folder or its path as given, in any case of letters.
        exclude: the same, for files and whole folders to leave out, whether included or not.
        null_separated: whether the list on standard input is separated by NUL rather than newline.
        stdin: read in place of standard input; each path is yielded as soon as it arrives.
        findings: is told what is left out, and which argument gives nothing.

    Yields:
        Paths as the user gave them, a folder joined with the part below it; bytes that are not UTF-8 are
        surrogate escapes, as `os.fsdecode` gives them.

    Raises:
        UsageError: what comes on standard input is not a list of paths.
    """
    finder = _Finder(
        recursive, tuple(map(Glob, include)), tuple(map(Glob, exclude)), findings or Findings()
    )
    for path in paths:
        if path == STANDARD_INPUT:
            yield from finder.listed(sys.stdin.buffer if stdin is None else stdin, null_separated)
        else:
            yield from finder.given(path)


@dataclass(frozen=True, slots=True)
class _Finder:
    recursive: bool
    include: tuple[Glob, ...]
    exclude: tuple[Glob, ...]
    findings: Findings

    def listed(self, stream: BinaryIO, null_separated: bool) -> Iterator[str]:
        entry = ""
        for entry in read_list(stream, null_separated=null_separated):
            yield from self._counted(self._path(entry, _place(entry)), f"{_shown(entry)} holds no photo.")
        if not entry:
            self.findings.fruitless.append("The list on standard input names no photo.")

    def given(self, path: str) -> Iterator[str]:
        place = _place(path)
        if place is None or not is_pattern(place.path) or place.tree.exists(place.path):
            yield from self._counted(self._path(path, place), f"{_shown(path)} holds no photo.")
        else:
            yield from self._counted(self._matching(place), f"No photo matches {_shown(path)}.")

    def _counted(self, photos: Iterator[str], fruitless: str) -> Iterator[str]:
        before = self.findings.photos
        for photo in photos:
            self.findings.photos += 1
            yield photo
        if self.findings.photos == before:
            self.findings.fruitless.append(fruitless)

    def _path(self, path: str, place: _Place | None) -> Iterator[str]:
        if place is None or not place.tree.is_folder(place.path):
            yield path
        else:
            pattern = Pattern(place.path, recursive=self.recursive, flavour=place.flavour)
            yield from self._walk(place.tree, pattern)

    def _matching(self, place: _Place) -> Iterator[str]:
        pattern = Pattern.parse(place.path, recursive=self.recursive, flavour=place.flavour)
        before = self.findings.met
        if not pattern.folder or place.tree.is_folder(pattern.folder):
            yield from self._walk(place.tree, pattern)
        if self.findings.met == before and not any(wildcard in place.path for wildcard in "*?"):
            yield place.tree.shown(place.path)

    def _walk(self, tree: Tree, pattern: Pattern) -> Iterator[str]:
        found = walk(
            tree,
            pattern.folder,
            lambda folder: self._enters(pattern, folder),
            lambda file: self._takes(pattern, file),
        )
        return map(tree.shown, found)

    def _enters(self, pattern: Pattern, folder: str) -> bool:
        if not pattern.leads(folder):
            reason = LeftOut.HIDDEN if is_hidden(folder.rpartition("/")[2]) else LeftOut.NOT_ENTERED
        elif self._excluded(pattern, folder) or self._excluded(pattern, f"{folder}/"):
            reason = LeftOut.EXCLUDED
        else:
            return True
        if pattern.matches(folder) or pattern.holds(folder):
            self._leave_out(folder, reason)
        return False

    def _takes(self, pattern: Pattern, file: str) -> bool:
        itself = pattern.takes(file)
        if not itself and not pattern.holds(file):
            return False
        reason = self._reason_against(pattern, file, itself=itself)
        if reason is None:
            return True
        if reason is not LeftOut.HIDDEN or is_photo_name(file):  # .DS_Store is not worth a mention
            self._leave_out(file, reason)
        return False

    def _leave_out(self, path: str, reason: LeftOut) -> None:
        self.findings.left_out[reason] += 1
        if reason is LeftOut.OTHER_SUFFIX:
            ending = suffix(path)
            self.findings.suffixes[ending and f".{ending}"] += 1

    def _reason_against(self, pattern: Pattern, file: str, *, itself: bool) -> LeftOut | None:
        name = file.rpartition("/")[2]
        if is_hidden(name) and not itself:
            return LeftOut.HIDDEN
        if self._excluded(pattern, file):
            return LeftOut.EXCLUDED
        given = f"{pattern.given}/{file}"
        including = [glob for glob in self.include if glob.matches(file, given)]
        if self.include and not including:
            return LeftOut.NOT_INCLUDED
        if is_photo_name(name) or pattern.names(file) or any(glob.names(name) for glob in including):
            return None
        return LeftOut.OTHER_SUFFIX

    def _excluded(self, pattern: Pattern, path: str) -> bool:
        given = f"{pattern.given}/{path}"
        return any(glob.matches(path, given) for glob in self.exclude)


class _Place(NamedTuple):
    """Where a path leads: a tree, and the path in it."""

    tree: Tree
    path: str

    @property
    def flavour(self) -> ModuleType:
        """The rules of its paths."""
        return os.path if isinstance(self.tree, LocalTree) else posixpath


def _place(path: str) -> _Place | None:
    """The place that may be a folder or a pattern; None for a URL that is one photo, whatever it holds."""
    located = local_path(path)
    located = archive_url(located) or located
    if (member := member_of(located)) is not None:
        return _Place(ArchiveTree(member), member.name)
    if store_scheme(located) is not None:
        return _Place(RemoteTree(located), located)
    return None if is_url(located) else _Place(LocalTree(), located)


def _shown(path: str) -> str:
    return quoted(printable_path(path))
