"""A folder of files over HTTP, for the browser of whoever started it."""

from __future__ import annotations

import gzip
import ipaddress
import os
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import AF_INET, AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from urllib.parse import unquote, urlsplit

TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
"""By the end of a file's name; what is not here is a download, never guessed."""

COMPRESSED = frozenset({".html", ".js", ".css", ".json", ".svg", ".txt", ".md"})

LITTLE = 1024
"""Bytes that are not worth compressing."""

PATIENCE = 30
"""Seconds a connection may say nothing."""

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Serving(ThreadingMixIn, TCPServer):
    """A server that is bound and not yet running: ``serve_forever`` runs it until ``shutdown``.

    On loopback it answers only requests that name it as such: a page from elsewhere whose name leads here (DNS rebinding)
    reads nothing. It asks nobody for its own name, as the standard library's does.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it lets two servers share a port
    request_queue_size = 64

    def __init__(self, folder: Path, host: str, port: int, policy: str) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        self.folder = folder.resolve()
        self.policy = policy
        self.local = is_loopback(host)
        self._host = f"[{host}]" if ":" in host else host
        super().__init__((host, port), Answering)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        anywhere = self._host in ("0.0.0.0", "[::]")  # noqa: S104 - asked, not bound
        return f"http://{'localhost' if anywhere else self._host}:{self.port}/"

    def knows(self, name: str | None) -> bool:
        """Whether a ``Host`` header means us."""
        if name is None:
            return False
        ours = {self._host.lower(), *LOOPBACK}
        return not self.local or name.lower() in {f"{h}:{self.port}" for h in ours} | (ours if self.port == 80 else set())

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away in the middle is nobody's problem."""


def serve(folder: Path, host: str, port: int, policy: str) -> Serving:
    """Bind a server for ``folder``; port 0 picks a free one. ``policy`` is the Content-Security-Policy of its pages.

    Raises:
        OSError: the port is taken, the host is not this machine's.
    """
    return Serving(folder, host, port, policy)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def inside(folder: Path, path: str) -> Path | None:
    """The file that a URL's path names, ``None`` when there is none: no listings, no hidden files, nothing outside of the folder."""
    try:
        parts = unquote(path, errors="strict").removeprefix("/").split("/")
    except UnicodeDecodeError:
        return None
    if parts == [""]:
        parts = ["index.html"]
    if any(not part or part.startswith(".") or any(c in part for c in "\\:\0") for part in parts):
        return None
    try:
        found = folder.joinpath(*parts).resolve()
        return found if found.is_relative_to(folder) and found.is_file() else None
    except (OSError, ValueError):  # a name too long, a link to itself
        return None


class Answering(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    server: Serving
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server_version = "orc"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def do_GET(self) -> None:
        """A file."""
        self._answer()

    def do_HEAD(self) -> None:
        """A file's headers."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        """Nothing is told of requests: they are the reader's own."""

    def end_headers(self) -> None:
        """Every answer says how far it may be trusted."""
        self.send_header("Content-Security-Policy", f"{self.server.policy}; frame-ancestors 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def _answer(self) -> None:
        if not self.server.knows(self.headers.get("Host")):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this server is called localhost")
            return
        target = self.path if self.path.startswith("/") else "/\0"  # a proxy's request, or nonsense
        found = inside(self.server.folder, urlsplit(f"http://h{target}").path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            self._send(found)
        except FileNotFoundError:  # generated anew while we looked
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send(self, path: Path) -> None:
        facts = path.stat()
        content = path.read_bytes()
        packed = self._packs(path, content)
        mark = f'"{facts.st_mtime_ns:x}-{len(content):x}{"-gz" if packed else ""}"'
        known = mark in (self.headers.get("If-None-Match") or "")
        self.send_response(HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK)
        self.send_header("ETag", mark)
        self.send_header("Last-Modified", formatdate(facts.st_mtime, usegmt=True))
        self.send_header("Cache-Control", "no-cache")  # ask again each time: a page just generated is seen at once
        self.send_header("Vary", "Accept-Encoding")
        if known:
            self.end_headers()
            return
        if packed:
            content = gzip.compress(content, 3, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", TYPES.get(path.suffix.lower(), "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _packs(self, path: Path, content: bytes) -> bool:
        wanted = {word.split(";")[0].strip() for word in (self.headers.get("Accept-Encoding") or "").lower().split(",")}
        return "gzip" in wanted and path.suffix.lower() in COMPRESSED and len(content) > LITTLE
