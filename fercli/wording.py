"""How messages show numbers and paths, in one way everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fercli.redaction import redacted

if TYPE_CHECKING:
    from pathlib import Path

_HISSING = ("s", "x", "z", "ch", "sh")
_VOWELS = "aeiou"
_QUOTES = "'\""
_STOPS = (".", ",", ":", ";")


def count_of(number: int, noun: str) -> str:
    """A number and what it counts: `1 photo`, `2 photos`, `0 batches`, `3 copies`."""
    return f"{number} {noun if number == 1 else _plural(noun)}"


def quoted(path: str | Path) -> str:
    r"""A path as a message shows it: as it is, or in quotes if its end would not be clear.

    A path is quoted if it is empty, ends as a sentence does (the folder `.`) or holds blanks, quotes or
    characters that do not print, which are shown as escapes (`\n`). Secrets in URLs are not shown.
    """
    text = redacted(str(path))
    odd = any(sign.isspace() or not sign.isprintable() or sign in _QUOTES for sign in text)
    if text and not odd and not text.endswith(_STOPS):
        return text
    shown = "".join(sign if sign.isprintable() else _escape(sign) for sign in text)
    mark = '"' if "'" in shown else "'"
    return f"{mark}{shown}{mark}"


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")


def _plural(noun: str) -> str:
    if noun.endswith(_HISSING):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"
