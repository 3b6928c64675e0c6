"""A server in front of :class:`~orchestrator.serve.requests.Requests`: the standard library's, a thread for each connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from orchestrator.serve.requests import BODY, Reply, Request
from orchestrator.serve.serve import Serving

PATIENCE = 10
"""Seconds a connection may say nothing."""


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
            self._send(self.server.answer(Request(self.command, self.path, headers, self.rfile.read(length))))

    def _send(self, reply: Reply) -> None:
        plain = isinstance(reply.body, str)
        content = (reply.body if plain else json.dumps(reply.body) + "\n").encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8" if plain else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
