"""Sessions of browsers: a signed cookie that says who logged in with which token, and until when. Nothing of it is kept on our side."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie

from orchestrator.serve.asking import Request
from orchestrator.serve.keys import Caller

LASTING = timedelta(hours=12)
"""How long a session is good for; a token that is revoked or expires before that ends it, too."""

COOKIE = "orc_session"


@dataclass(frozen=True, slots=True)
class Session:
    """What a cookie says. ``id`` is its own, ``token`` that of the token it was begun with (empty for one of the environment)."""

    id: str
    name: str
    scopes: tuple[str, ...]
    token: str
    until: datetime

    @property
    def caller(self) -> Caller:
        """Who asks with it."""
        return Caller("user", self.name, self.scopes, self.token)


class Sessions:
    """Begins, reads and ends sessions. ``secret`` signs them; a new one, made for each process, ends all there were."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)
        self._ended: dict[str, datetime] = {}
        self._one = threading.Lock()

    def begin(self, caller: Caller, now: datetime) -> tuple[Session, str]:
        """A session of somebody who showed a token, and the cookie's value."""
        session = Session(secrets.token_urlsafe(16), caller.name, caller.scopes, caller.id, now + LASTING)
        told = [session.id, session.name, list(session.scopes), session.token, int(session.until.timestamp())]
        text = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return session, f"{text}.{self._signed('session', text)}"

    def read(self, value: str, now: datetime) -> Session | None:
        """The session of a cookie's value, if we gave it and it is not over."""
        text, _, mark = value.partition(".")
        if not hmac.compare_digest(self._signed("session", text).encode(), mark.encode("utf-8", "surrogateescape")):
            return None
        id_, name, scopes, token, until = json.loads(base64.urlsafe_b64decode(text))
        session = Session(id_, name, tuple(scopes), token, datetime.fromtimestamp(until, UTC))
        with self._one:
            return None if session.until <= now or session.id in self._ended else session

    def end(self, session: Session, now: datetime) -> None:
        """A session that is over before its time."""
        with self._one:
            self._ended = {id_: until for id_, until in self._ended.items() if until > now}
            self._ended[session.id] = session.until

    def csrf(self, id_: str) -> str:
        """What a page of ours knows and no other: it comes with every wish of a browser. ``id_`` is the session's."""
        return self._signed("csrf", id_)

    def _signed(self, purpose: str, text: str) -> str:
        mark = hmac.new(self._secret, f"{purpose}:{text}".encode("utf-8", "surrogateescape"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mark).decode().rstrip("=")


def cookie_name(request: Request) -> str:
    """The cookie's name: two of us on two ports of one machine share a browser's cookies.

    >>> cookie_name(Request("GET", "/", {"host": "localhost:8081"})), cookie_name(Request("GET", "/", {"host": "orc.example"}))
    ('orc_session_8081', 'orc_session')
    """
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"{COOKIE}_{port}" if port.isascii() and port.isdigit() else COOKIE


def cookie_of(request: Request) -> str:
    """The value of our cookie, empty without one."""
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(cookie_name(request))
    except CookieError:
        return ""
    return found.value if found is not None else ""


def set_cookie(request: Request, value: str, lasting: timedelta = LASTING) -> str:
    """The header that gives a browser its cookie; no script reads it, no other site sends it, and behind TLS it never leaves that."""
    secure = "; Secure" if scheme(request) == "https" else ""
    return f"{cookie_name(request)}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={int(lasting.total_seconds())}{secure}"


def scheme(request: Request) -> str:
    """``https`` when a proxy in front of us says that it was asked so."""
    return "https" if request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower() == "https" else "http"


def same_origin(request: Request) -> bool:
    """Whether a request comes from a page of ours, or from no page at all: browsers say where a wish comes from.

    >>> same_origin(Request("POST", "/", {"host": "localhost:8080", "origin": "http://localhost:8080"}))
    True
    >>> same_origin(Request("POST", "/", {"host": "localhost:8080", "origin": "http://localhost:3000"}))
    False
    """
    if (site := request.headers.get("sec-fetch-site")) is not None and site.strip().lower() != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    kind, _, place = origin.strip().lower().partition("://")
    # A page from elsewhere cannot add a header that we would believe: its browser would ask us first.
    ours = {request.headers.get(name, "").rpartition(",")[2].strip().lower() for name in ("host", "x-forwarded-host")} - {""}
    return kind in ("http", "https") and place in ours
