"""Servers on this machine, with faults on request: S3 (moto's), and the web (Python's own)."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    import ssl

ACCESS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",  # or its library hides the faults, and takes its time
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
MANY = 50_000
_PAGE = 1000

Start = Callable[[str, list[tuple[str, str]]], Any]


class FaultyS3:
    """moto's S3 as a WSGI application, with faults before it.

    Attributes:
        faults: what befalls the next GETs of a key, by its name: a status, or `cut`, `halt`.
        calls: the requests so far, each its method and its path with the query.
        go_on: what a `halt` waits for.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._app = DomainDispatcherApplication(create_backend_app)
        self.faults: defaultdict[str, deque[int | str]] = defaultdict(deque)
        self.calls: list[str] = []
        self.go_on = threading.Event()

    def __call__(self, environment: dict[str, Any], start: Start) -> Iterable[bytes]:
        path, query = environment["PATH_INFO"], environment["QUERY_STRING"]
        self.calls.append(f"{environment['REQUEST_METHOD']} {path}?{query}")
        if path.startswith("/many") and "list-type" in query:
            return _page_of_many(query, start)
        coming = self.faults[path.rpartition("/")[2]]
        if environment["REQUEST_METHOD"] in {"GET", "PUT"} and coming:
            fault = coming.popleft()
            if isinstance(fault, int):
                start(f"{fault} Fault", [("Content-Type", "application/xml"), ("Content-Length", "0")])
                return [b""]
            if fault == "halt":
                self.go_on.wait(60)
            elif fault == "cut":
                body = b"".join(self._app(environment, start))
                return _cut(body)
        return self._app(environment, start)  # type: ignore[no-any-return]


def _cut(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionAbortedError


def _page_of_many(query: str, start: Start) -> list[bytes]:
    """A page of a bucket of 50,000 photos, made on the spot: moto sorts all keys for every page."""
    asked = parse_qs(query)
    first = int(asked.get("continuation-token", ["0"])[0])
    last = min(first + _PAGE, MANY)
    keys = "".join(
        f"<Contents><Key>photos/{n:05}.jpg</Key><Size>1</Size></Contents>" for n in range(first, last)
    )
    more = f"<NextContinuationToken>{last}</NextContinuationToken>" if last < MANY else ""
    ended = "true" if more else "false"
    body = (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>many</Name><IsTruncated>{ended}</IsTruncated>{more}{keys}</ListBucketResult>"
    ).encode()
    start("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def s3_server() -> Iterator[tuple[FaultyS3, str]]:
    """A server of S3, and its address."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's
            pass

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    application = FaultyS3()
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield application, f"http://127.0.0.1:{server.server_port}"
    finally:
        application.go_on.set()
        server.shutdown()
        server.server_close()


class Answer:
    """What a web server answers to one request: a status, a body, and how it fails."""

    def __init__(
        self, body: bytes = b"", status: int = 200, *, length: int | None = None, **headers: str
    ) -> None:
        self.body = body
        self.status = status
        self.length = len(body) if length is None else length
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Web(ThreadingHTTPServer):
    """A web server.

    Attributes:
        answers: what the next requests of a path get; the last one stays.
        seen: the requests so far: path, and headers.
        go_on: what an answer with the header `Halt` waits for, after the first byte of its body.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.go_on = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone does not matter."""


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        answers = self.server.answers.get(self.path, [Answer(status=404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(answer.status)
        if answer.length >= 0:
            self.send_header("Content-Length", str(answer.length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if "Halt" in answer.headers:
            self.wfile.write(answer.body[:1])
            self.wfile.flush()
            self.server.go_on.wait(60)
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's
        pass


@contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[tuple[Web, str]]:
    """A web server, and its address."""
    with Web() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server, f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
        finally:
            server.go_on.set()
            server.shutdown()
