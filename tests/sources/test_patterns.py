"""Patterns by the rules of Windows, which hold wherever they are asked for."""

from __future__ import annotations

import ntpath
import posixpath

import pytest

from fercli.sources.patterns import Glob, Pattern, is_pattern, plain


def windows(pattern: str, *, recursive: bool = True) -> Pattern:
    return Pattern.parse(pattern, recursive=recursive, flavour=ntpath)


@pytest.mark.parametrize(
    ("pattern", "folder", "found", "passed"),
    [
        (r"C:\photos\*.jpg", "C:\\photos\\", "a.JPG", "c/a.jpg"),
        ("C:/photos/*.jpg", "C:/photos/", "a.jpg", "a.png"),
        (r"C:\photos\**\*.jpg", "C:\\photos\\", "c/deep/a.jpg", "c/deep/a.gif"),
        (r"C:\photos\2024-??\IMG_*", "C:\\photos\\", "2024-05/img_1.jpg", "2024/IMG_1.jpg"),
        (r"C:*.jpg", "C:", "a.jpg", "c/a.jpg"),
        (r"\\server\share\*\a.jpg", "\\\\server\\share\\", "b/a.jpg", "b/c/a.jpg"),
        (r"\\?\C:\photos\*.jpg", "\\\\?\\C:\\photos\\", "a.jpg", "a.png"),
        (r"..\photos\.\*.jpg", "..\\photos\\.\\", "a.jpg", "b/a.jpg"),
        (r".\photos\\*\x/*.jpg", ".\\photos\\\\", "b/X/a.jpg", "b/a.jpg"),
        (r"photos\*" + "\\", "photos\\", "b/a.jpg", "a.jpg"),
        (r"*\..\*.jpg", "", "a.jpg", "b/a.jpg"),
    ],
)
def test_patterns_on_windows(pattern: str, folder: str, found: str, passed: str) -> None:
    meant = windows(pattern)
    assert is_pattern(pattern, ntpath)
    assert meant.folder == folder
    assert [meant.takes(path) or meant.holds(path) for path in (found, passed)] == [True, False]


def test_a_question_mark_of_a_long_path_is_no_wildcard() -> None:
    assert not is_pattern(r"\\?\C:\photos\a.jpg", ntpath)
    assert not is_pattern(r"\\?\UNC\server\share\a.jpg", ntpath)
    assert is_pattern(r"\\?\C:\photos\?.jpg", ntpath)


def test_names_differ_by_case_only_where_the_system_says_so() -> None:
    assert windows("*.JPG").takes("a.jpg")
    assert not Pattern.parse("*.JPG", recursive=True, flavour=posixpath).takes("a.jpg")
    assert windows("*.DAT").names("a.dat")


def test_a_backslash_is_part_of_a_name_elsewhere() -> None:
    pattern = Pattern.parse(r"a\*.jpg", recursive=True, flavour=posixpath)
    assert (pattern.folder, pattern.takes("a\\b.jpg")) == ("", True)
    assert plain(r".\a", posixpath) == r".\a"


@pytest.mark.parametrize(
    ("glob", "folder"),
    [
        (r"c\*", "photos"),
        (r".\c" + "\\", r"C:\photos"),
        (r"c\**\*.jpg", r"C:\photos"),
        (r"C:\photos\c\*", "C:/photos/"),
        ("c:/Photos/c/*", r"C:\photos"),
        (r"\\server\share\c" + "\\", r"\\server\share"),
        (r"..\photos\\c\*.jpg", "../photos/."),
    ],
)
def test_include_and_exclude_on_windows(glob: str, folder: str) -> None:
    chosen = Glob(glob, ntpath)
    given = plain(folder, ntpath)
    assert chosen.matches("c/a.jpg", f"{given}/c/a.jpg")
    assert not chosen.matches("d/a.jpg", f"{given}/d/a.jpg")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"C:\photos\.\a" + "\\", "C:/photos/a"),
        (r"\\server\share", "/server/share"),
        (".\\", ""),
        ("..\\a//b", "../a/b"),
    ],
)
def test_plain_on_windows(path: str, expected: str) -> None:
    assert plain(path, ntpath) == expected


def test_leads_only_where_something_may_match() -> None:
    pattern = Pattern.parse("a*/**/x/*.jpg", recursive=False)
    assert pattern.leads("ab")
    assert pattern.leads("ab/c/d")
    assert not pattern.leads("b")
    assert not pattern.leads("ab/.git")
    flat = Pattern.parse("a*/*", recursive=False)
    assert flat.leads("ab/c")
    assert not flat.leads("ab/c/d")
