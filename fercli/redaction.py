"""Secrets in URLs, taken out wherever a person may read them: messages, reports, lists of what was done.

What stays tells one photo from another, and is the same however often a URL is signed anew, so that a run
that goes on knows the photos of the one before.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+"
_URL = re.compile(rf"(?<![A-Za-z0-9+.-])({_SCHEME})://((?:(?!::{_SCHEME}://).)*)", re.DOTALL)
# A password may hold what it should not; a colon that no port follows tells it from a path with an @.
_USER = re.compile(r"(?:[^/?#@]*@)+|[^/?#@:\[]*:(?!\d{0,5}(?:[/?#]|$))[^@]*@")
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#?]*)=([^&;#]*)")
_SECRET = re.compile(
    r"signature|token|secret|credential|passw|bearer|session|policy|api[-_]?key|access[-_]?key"
    r"|(?:^|[-_.])(?:sig|pass|pwd?|auth|authorization|sas|code|jwt|sid|hmac|hdnea|hdnts)$",
    re.IGNORECASE,
)
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_~.-]{32,}")
_NO_SECRET = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|.*\.[A-Za-z]{3,5}", re.IGNORECASE)
"""A UUID, and a file's name."""


def redacted(text: str) -> str:
    """The text with `***` for what URLs in it hold of secrets.

    These are a user's name and password before the host and, of the parameters behind `?`, those whose
    name means a secret (`X-Amz-Signature`, `sig`, `access_token`) or, of a web address, whose value looks
    like one.
    """
    return _URL.sub(_without_secrets, text) if "://" in text else text


def _without_secrets(url: re.Match[str]) -> str:
    scheme, rest = url.groups()
    web = scheme.lower() in {"http", "https"}
    user = _USER.match(rest)
    if user and (web or ":" in user[0]):
        rest = f"{HIDDEN}@{rest[user.end() :]}"
    return f"{scheme}://" + _PARAMETER.sub(lambda found: _parameter(found, web=web), rest)


def _parameter(found: re.Match[str], *, web: bool) -> str:
    name, value = (unquote(part) for part in found.groups())
    opaque = web and _OPAQUE.fullmatch(value) and not _NO_SECRET.fullmatch(value)
    return f"{found[1]}={HIDDEN}" if opaque or _SECRET.search(name) else found[0]
