"""Google's and Azure's stores on this machine, behind a proxy that has faults on request."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

AZURITE = "FERCLI_AZURITE"
"""The variable that names Azurite's program `azurite-blob`, which is no package of Python's."""

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's only key, which its documentation gives."""

PAGE = 1000
"""Keys that Google gives at once; its emulator would give all."""


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, and answers some with a fault.

    Attributes:
        faults: what befalls the next requests of a method and a key's last part, `GET a.jpg`: a status, or
            `cut`. A listing has the name of its container, with Google `o`.
        calls: the requests so far, each its method and its path with the query.
    """

    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passed)
        self.upstream = upstream
        self.faults: defaultdict[str, deque[int | str]] = defaultdict(deque)
        self.calls: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone does not matter."""


class _Passed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        self.server.calls.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = unquote(urlsplit(self.path).path).rpartition("/")[2]
        coming = self.server.faults[f"{self.command} {name}"]
        fault = coming.popleft() if coming else None
        if isinstance(fault, int):
            self.send_response(fault)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        content = _page(self.path, answer.read())
        upstream.close()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(key, value)
        length = answer.headers["Content-Length"] if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)

    def __getattr__(self, name: str) -> Any:
        """Any method: `do_GET` and the others."""
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's
        pass


def _page(path: str, content: bytes) -> bytes:
    """The part of Google's listing that is asked for, as Google would give it."""
    asked = urlsplit(path)
    if not asked.path.endswith("/o") or not content.startswith(b"{"):
        return content
    first = int(parse_qs(asked.query).get("pageToken", ["0"])[0])
    listing = json.loads(content)
    names = sorted([*(item["name"] for item in listing.get("items", ())), *listing.get("prefixes", ())])
    these = set(names[first : first + PAGE])
    listing["items"] = [item for item in listing.get("items", ()) if item["name"] in these]
    listing["prefixes"] = [prefix for prefix in listing.get("prefixes", ()) if prefix in these]
    if first + PAGE < len(names):
        listing["nextPageToken"] = str(first + PAGE)
    return json.dumps(listing).encode()


@contextmanager
def google() -> Iterator[tuple[Proxy, dict[str, str]]]:
    """Google's store as gcp-storage-emulator has it, and the variables that lead there."""
    from gcp_storage_emulator.server import RequestHandler
    from gcp_storage_emulator.storage import Storage

    with HTTPServer(("127.0.0.1", 0), partial(RequestHandler, Storage(use_memory_fs=True))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with _proxy(server.server_port) as proxy:
                address = f"http://127.0.0.1:{proxy.server_port}"
                # `NO_GCE_CHECK`: or Google's library looks for a server that only Google's machines have.
                yield (
                    proxy,
                    {"STORAGE_EMULATOR_HOST": address, "NO_GCE_CHECK": "true", "NO_PROXY": "127.0.0.1"},
                )
        finally:
            server.shutdown()


@contextmanager
def azure() -> Iterator[tuple[Proxy, dict[str, str]]]:
    """Azure's store as Azurite has it, and the variables that lead there."""
    # `skipApiVersionCheck`: Azure's library is always newer than Azurite.
    command = [os.environ[AZURITE], "--blobHost", "127.0.0.1", "--blobPort", "0", "--silent"]
    command += ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as azurite:
        try:
            assert azurite.stdout is not None
            ports = (re.search(r"listens on \S+:(\d+)", line) for line in azurite.stdout)
            with _proxy(int(next(filter(None, ports))[1])) as proxy:
                place = f"http://127.0.0.1:{proxy.server_port}/devstoreaccount1"
                connection = (
                    f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
                    f"BlobEndpoint={place};"
                )
                yield proxy, {"AZURE_STORAGE_CONNECTION_STRING": connection, "NO_PROXY": "127.0.0.1"}
        finally:
            azurite.kill()  # it holds nothing, and would have last words


@contextmanager
def _proxy(upstream: int) -> Iterator[Proxy]:
    with Proxy(upstream) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
