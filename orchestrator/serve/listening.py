"""A server in front of :class:`~orchestrator.serve.requests.Requests`: the standard library's, a thread for each connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from orchestrator.serve.asking import BODY, Reply, Request
from orchestrator.serve.serve import Serving

PATIENCE = 10
"""Seconds a connection may say nothing."""

GUARDS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every reply that does not say otherwise: nothing may be kept, shown in a frame, or taken for what it is not."""


class Listening(Serving):
    """Bound, and answering from :meth:`start` until :meth:`stop`. On loopback it answers only requests that name it as such."""

    def __init__(self, answer: Callable[[Request], Reply], host: str, port: int) -> None:
        super().__init__(Path(), host, port, "default-src 'none'")
        self.answer = answer
        self.RequestHandlerClass = Telling

    def start(self) -> None:
        """Answer, in a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, name="orc-http", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()


class Telling(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    server: Listening
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server_version = "orc"
    sys_version = ""

    def do_GET(self) -> None:
        """A question."""
        self._tell()

    def do_HEAD(self) -> None:
        """A question about headers."""
        self._tell()

    def do_POST(self) -> None:
        """A wish."""
        self._tell()

    def do_PUT(self) -> None:
        """A wish for how something ought to be."""
        self._tell()

    def do_DELETE(self) -> None:
        """A wish that something be gone."""
        self._tell()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        """Requests are not told: their lines may hold what nobody else should read."""

    def _tell(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not self.server.knows(self.headers.get("Host")):
            self._send(Reply(421, {"error": "this is not the server of that name"}))
        elif length < 0 or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(Reply(411, {"error": "a Content-Length is needed"}))
        elif length > BODY:
            self.close_connection = True
            self._send(Reply(413, {"error": f"more than {BODY} bytes"}))
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            self._send(self.server.answer(Request(self.command, self.path, headers, body, str(self.client_address[0]))))

    def _send(self, reply: Reply) -> None:
        pieces: Iterable[bytes]
        if isinstance(reply.body, Iterator):
            pieces, length, kind = reply.body, None, "application/octet-stream"
            self.close_connection = True  # where it ends is said by the end of the connection
        else:
            content, kind = _written(reply.body)
            pieces, length = (content,), len(content)
        self.send_response(reply.status)
        told = {
            "Content-Type": reply.type or kind,
            **({} if length is None else {"Content-Length": str(length)}),
            **GUARDS,
            **reply.headers,
        }
        for name, value in told.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        try:
            for piece in pieces if self.command != "HEAD" else ():
                self.wfile.write(piece)
                self.wfile.flush()
        finally:
            if close := getattr(pieces, "close", None):
                close()


def _written(body: Any) -> tuple[bytes, str]:
    """A body's bytes and what they are."""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; version=0.0.4; charset=utf-8"
    return (json.dumps(body) + "\n").encode(), "application/json"
