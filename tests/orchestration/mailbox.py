"""Receivers on loopback: what comes by HTTP and by mail is kept."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Sink:
    """A receiver of HTTP: ``answers`` are the codes it gives, the last one for ever."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [200])

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}"

    @property
    def events(self) -> list[str]:
        return [r.json["event"] for r in self.requests if r.method == "POST"]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [r.json for r in self.requests if r.json["event"] == event]


@contextmanager
def sink() -> Iterator[Sink]:
    """A receiver that answers as long as this lasts."""
    kept = Sink()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept.requests.append(Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            code = kept.answers.pop(0) if len(kept.answers) > 1 else kept.answers[0]
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        kept.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def post_office() -> Iterator[tuple[int, list[str]]]:
    """A mail server that takes every letter; its port, and the letters."""
    letters: list[str] = []

    class Talking(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            def say(line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

            say("220 test")
            while line := self.rfile.readline().decode().strip():
                match line.split()[0].upper():
                    case "EHLO":
                        say("250-test")
                        say("250 AUTH PLAIN")
                    case "AUTH":
                        say("235 welcome")
                    case "DATA":
                        say("354 go on")
                        found = b""
                        while not found.endswith(b"\r\n.\r\n"):
                            found += self.rfile.readline()
                        letters.append(found.decode())
                        say("250 kept")
                    case "QUIT":
                        say("221 bye")
                        return
                    case _:
                        say("250 fine")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talking) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1]), letters
        finally:
            server.shutdown()
            thread.join()
