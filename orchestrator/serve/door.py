"""Who gets in: by a token, a signature, a browser's session, or because only this machine can ask and nobody has set up a token."""

from __future__ import annotations

import hmac
from datetime import datetime

from orchestrator.core.audit import Actor, Deed
from orchestrator.record.timetable import Timetable
from orchestrator.serve.asking import Reply, Request, wrong
from orchestrator.serve.keys import EVERYTHING, OPEN, Caller, Keys
from orchestrator.serve.limits import Limit
from orchestrator.serve.sessions import Session, Sessions, cookie_of, same_origin

REFUSALS = 20
"""Wrong keys from one address in a minute, after which nobody there is listened to until it is over."""

WISHES = 300
"""Wishes of one caller in a minute."""

TOLD = 100
"""Refusals in a minute that the audit hears of: whoever knocks all night fills no disk."""

LOCAL = "local"
"""In the place of a session's id, where there is none because nobody has to log in."""

HEADER = "x-csrf-token"

READER = Caller("", "", ("read",))
"""Whoever asks on this machine, and shows nothing."""


class Door:
    """Decides who asks. ``guarded``: others than this machine can."""

    def __init__(self, keys: Keys, timetable: Timetable, *, guarded: bool) -> None:
        self.keys = keys
        self.sessions = Sessions()
        self._timetable = timetable
        self._guarded = guarded
        self._refused = Limit(REFUSALS)
        self._wishes = Limit(WISHES)
        self._told = Limit(TOLD)

    def caller(self, request: Request, scope: str, now: datetime) -> Caller | Reply:
        """Who asks for what needs a scope, or why nobody is listened to. The audit hears of refused wishes."""
        if scope == OPEN:
            return Caller()
        found = self._known(request, scope, now)
        if isinstance(found, Reply):
            if found.status == 401 and not request.safe:
                self.note(request, Caller(), _refused(scope), _what(request, scope), now)
            return found
        if not found.may(scope):
            if not request.safe:
                self.note(request, found, _refused(scope), _what(request, scope), now)
            return wrong(403, f"`{scope}` is needed")
        if not request.safe and not self._wishes.take(f"{found}{'' if found.name else request.source}", now):
            return wrong(429, f"more than {WISHES} wishes in a minute", {"Retry-After": "60"})
        return found

    def shown(self, request: Request, now: datetime) -> tuple[Caller, str]:
        """Who a browser is, and the token that its wishes have to come with; nobody, and an empty one, for whoever has to log in."""
        session = self._session(request, now)
        if session is not None:
            return session.caller, self.sessions.csrf(session.id)
        if not self._from_elsewhere(request):
            if not self.keys:
                return Caller(LOCAL, "", EVERYTHING), self.sessions.csrf(LOCAL)
            return READER, ""
        return Caller(), ""

    def login(self, request: Request, token: str, now: datetime) -> tuple[Session, str] | Reply:
        """A session for whoever shows a token: with the cookie's value, or why there is none."""
        if not same_origin(request):
            return wrong(403, "a page from elsewhere cannot log in here")
        if self._refused.reached(request.source, now):
            return wrong(429, "too many wrong keys", {"Retry-After": "60"})
        holder = self.keys.holder(token, now)
        if holder is None:
            self._refused.take(request.source, now)
            self.note(request, Caller(), "login.refused", "", now)
            return wrong(401, "this token is not known here")
        session, value = self.sessions.begin(holder, now)
        self.note(request, session.caller, "login", session.name, now)
        return session, value

    def logout(self, request: Request, now: datetime) -> Reply | None:
        """End a browser's session; why not, if it is not one of our pages that asks."""
        session = self._session(request, now)
        if session is None:
            return None
        if reply := self._elsewhere(request, session.id):
            return reply
        self.sessions.end(session, now)
        self.note(request, session.caller, "logout", session.name, now)
        return None

    def note(self, request: Request, caller: Caller, action: str, what: str, now: datetime) -> None:
        """Let the audit know; of refusals only so many in a minute."""
        if action.endswith("refused") and not self._told.take("", now):
            return
        self._timetable.note(Deed(acting(request, caller), action, what[:200]), now)

    def _known(self, request: Request, scope: str, now: datetime) -> Caller | Reply:
        shows = "authorization" in request.headers or "x-signature-256" in request.headers
        if not shows and (session := self._session(request, now)) is not None:
            return session.caller if request.safe else self._elsewhere(request, session.id) or session.caller
        if not self._from_elsewhere(request):
            if request.safe and READER.may(scope):
                return READER
            if not self.keys:
                if request.safe:
                    return Caller(LOCAL, "", EVERYTHING)
                if shows:
                    return wrong(403, "no token is set up here: `orc token create`, ORC_TOKENS=name=token, or ORC_TRIGGER_SECRET")
                return self._elsewhere(request, LOCAL) or Caller(LOCAL, "", EVERYTHING)
        if self._refused.reached(request.source, now):
            return wrong(429, "too many wrong keys", {"Retry-After": "60"})
        who = self.keys.who(request, now)
        if who is None:
            self._refused.take(request.source, now)
            return wrong(401, "a token or a signature is needed", {"WWW-Authenticate": "Bearer"})
        return who

    def _from_elsewhere(self, request: Request) -> bool:
        """Whether others than this machine can be behind a request: also a proxy on it lets them in."""
        return self._guarded or request.forwarded

    def _session(self, request: Request, now: datetime) -> Session | None:
        value = cookie_of(request)
        session = self.sessions.read(value, now) if value else None
        return session if session is not None and self.keys.holds(session.caller, now) else None

    def _elsewhere(self, request: Request, id_: str) -> Reply | None:
        """A refusal for a wish that no page of ours makes: a browser sends its cookie whoever asks."""
        if not same_origin(request):
            return wrong(403, "a page from elsewhere asks for this")
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.sessions.csrf(id_).encode()):
            return wrong(403, "X-CSRF-Token is missing or an old one: GET /api/v1/session says it; or send a token (`orc token create`)")
        return None


def acting(request: Request, caller: Caller) -> Actor:
    """Who does something, for the audit."""
    return Actor(caller.kind or "anonymous", caller.name, request.source)


def _refused(scope: str) -> str:
    return "trigger.refused" if scope.startswith("trigger:") else "request.refused"


def _what(request: Request, scope: str) -> str:
    return scope.removeprefix("trigger:") if scope.startswith("trigger:") else f"{request.method} {request.place}"
