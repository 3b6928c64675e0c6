"""The two APIs that `orc ci comment` talks to, as far as it does, over real sockets and with faults on order."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_doNotShowThisToAnybody"

GITHUB = "/repos/acme/shop/issues/7/comments"
GITHUB_ONE = "/repos/acme/shop/issues/comments/"
GITLAB = "/projects/42/merge_requests/7/notes"


@dataclass(frozen=True)
class Fault:
    """What happens to a request instead of, (``lost``) after, or (``before``: somebody's comment) before what should. ``method`` says to which."""

    method: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"message": "as ordered"}'
    lost: bool = False
    before: str = ""


@dataclass
class Page:
    """A conversation: comments as both APIs give them, who is asking, what was asked, what is to go wrong."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    login: str | None = None  # whose token it is; None: an app's, which may not ask
    writable: bool = True
    said: int = 0

    def say(self, body: str, login: str = "github-actions[bot]", kind: str = "Bot") -> dict[str, Any]:
        id_ = 1000 + self.said
        self.said += 1
        comment = {
            "id": id_, "body": body, "user": {"login": login, "type": kind}, "author": {"id": abs(hash(login)) % 1000, "username": login}, "system": False,
            "html_url": f"https://github.example/acme/shop/pull/7#issuecomment-{id_}",
        }  # fmt: skip
        self.comments.append(comment)
        return comment

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.asked if method != "GET"]


@contextmanager
def serving(page: Page) -> Iterator[Page]:
    """The page on a port of this machine."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            where = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else {}
            page.asked.append((self.command, where.path))
            token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or self.headers.get("JOB-TOKEN") or ""
            page.tokens.append(token)
            fault = page.faults.popleft() if page.faults and page.faults[0].method == self.command else None
            if fault is not None and fault.before:
                page.say(fault.before, page.login or "github-actions[bot]")
                fault = None
            if fault is not None and not fault.lost:
                self.reply(fault.status, fault.body, fault.headers)
                return
            status, answer = self.routed(where.path, parse_qs(where.query), sent, token)
            if fault is not None:
                self.close_connection = True
                self.connection.close()  # it was done, and nobody will hear of it
                return
            self.reply(status, "" if answer is None else json.dumps(answer))

        def routed(self, path: str, query: dict[str, list[str]], sent: dict[str, Any], token: str) -> tuple[int, Any]:
            if not token.endswith(TOKEN):
                return 401, {"message": "Bad credentials"}
            if path == "/user":
                if page.login is None:
                    return 403, {"message": "Resource not accessible by integration"}
                return 200, {"login": page.login, "id": abs(hash(page.login)) % 1000}
            if self.command == "GET" and path in (GITHUB, GITLAB):
                size, number = int(query["per_page"][0]), int(query["page"][0])
                return 200, page.comments[(number - 1) * size : number * size]
            if not page.writable:
                return 403, {"message": "Resource not accessible by integration"}
            if self.command == "POST" and path in (GITHUB, GITLAB):
                return 201, page.say(sent["body"], page.login or "github-actions[bot]")
            for comment in page.comments:
                if (self.command, path) in (("DELETE", f"{GITHUB_ONE}{comment['id']}"), ("DELETE", f"{GITLAB}/{comment['id']}")):
                    page.comments.remove(comment)
                    return 204, None
                if (self.command, path) in (("PATCH", f"{GITHUB_ONE}{comment['id']}"), ("PUT", f"{GITLAB}/{comment['id']}")):
                    comment["body"] = sent["body"]
                    return 200, comment
            return 404, {"message": "Not Found"}

        def reply(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
            content = body.encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(content)), "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - the server's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    page.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
