"""Photos by web address: one address is one photo."""

from __future__ import annotations

import base64
import http.client
import ssl
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from fercli import __version__
from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources.patience import PassingError, Patience, check_size

if TYPE_CHECKING:
    from collections.abc import Callable

_SILENCE = 20.0
"""Seconds without a byte, after which a connection is given up and another one made."""

_CHUNK = 1 << 18
_PASSING = {408, 421, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}
_GONE = {404, 410}
_FORBIDDEN = {401, 403, 407, 451}
_IN_A_PATH, _IN_A_QUERY = "/%:@!$&'()*+,;=~", "/%:@!$&'()*+,;=~?"


def read_web(url: str, admit: Callable[[int], None], patience: Patience) -> bytes:
    """The bytes that an address gives; redirects are followed, to other web addresses only.

    A user and a password in the address are sent to its own host, and to none that it redirects to.

    Raises:
        PhotoError: `missing`, `unreadable`, `timeout` or `too-large`.
    """
    asked = _request(url)
    admitted = False

    def attempt() -> bytes:
        nonlocal admitted
        try:
            with _opener().open(asked, timeout=min(patience.left(), _SILENCE)) as response:
                size = _length(response)
                if size is not None and not admitted:
                    with patience.stopped():
                        admit(size)
                    admitted = True
                return _body(response, size, patience)
        except HTTPError as error:
            raise _refused(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise _broken(error) from None

    return patience.insist(attempt)


def _request(url: str) -> request.Request:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        place = f"[{host}]" if ":" in host else host
        place += f":{parts.port}" if parts.port is not None else ""
        query = quote(parts.query, safe=_IN_A_QUERY)
        path = quote(parts.path.encode("utf-8", "surrogateescape"), safe=_IN_A_PATH)
        asked = request.Request(  # noqa: S310 - the opener knows http and https alone
            urlunsplit((parts.scheme, place, path or "/", query, "")),
            headers={"User-Agent": f"fercli/{__version__}", "Accept": "image/*,*/*;q=0.5"},
        )
    except ValueError:
        host = ""
    if not host:
        raise PhotoError(PhotoErrorKind.UNREADABLE, "It is not a valid web address.")
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        # Not redirected: another host must not see it.
        asked.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}")
    return asked


@cache
def _opener() -> request.OpenerDirector:
    """As urllib's own, but for web addresses alone: no redirect leads to a file of this computer."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _length(response: http.client.HTTPResponse) -> int | None:
    with suppress(TypeError, ValueError):
        size = int(response.headers["Content-Length"])
        check_size(size)
        return size
    return None


def _body(response: http.client.HTTPResponse, size: int | None, patience: Patience) -> bytes:
    data = bytearray()
    while chunk := response.read1(_CHUNK):  # read would wait for all of it, however slow
        data += chunk
        check_size(len(data))
        patience.left()
    if size is not None and len(data) < size:
        raise PassingError(f"The connection ended after {len(data)} of {size} bytes.")
    return bytes(data)


def _refused(error: HTTPError) -> Exception:
    error.close()
    if error.code in _GONE:
        return PhotoError(PhotoErrorKind.MISSING, f"The server has no such file ({error.code}).")
    if error.code in _FORBIDDEN:
        return PhotoError(PhotoErrorKind.UNREADABLE, f"There is no permission to read it ({error.code}).")
    if error.code in _PASSING:
        after = error.headers.get("Retry-After", "") if error.headers else ""
        pause = float(after) if after.isdecimal() else 0.0
        return PassingError(f"The server answers with an error ({error.code}).", pause=pause)
    if error.code // 100 == 3:  # noqa: PLR2004 - the redirects of HTTP
        return PhotoError(
            PhotoErrorKind.UNREADABLE, f"It redirects without end, or nowhere ({error.code})."
        )
    return PhotoError(PhotoErrorKind.UNREADABLE, f"The server refuses it ({error.code}).")


def _broken(error: Exception) -> Exception:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        words = f"The server's certificate is not valid: {reason.verify_message}."
        return PhotoError(PhotoErrorKind.UNREADABLE, words)
    if isinstance(reason, ssl.SSLError):
        return PassingError(f"There is no safe connection to the server ({reason.reason or 'TLS'}).")
    if isinstance(reason, TimeoutError):
        return PassingError("The server does not answer in time.", PhotoErrorKind.TIMEOUT)
    if isinstance(reason, OSError) and reason.strerror:
        return PassingError(f"The server cannot be reached: {reason.strerror}.")
    if isinstance(reason, str):  # a redirect to what is not a web address
        return PhotoError(PhotoErrorKind.UNREADABLE, "It leads to what is not a web address.")
    return PassingError(f"The server's answer cannot be read ({type(reason).__name__}).")
