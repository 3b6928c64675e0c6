"""Requests are answered by the table of routes, if whoever asks may ask for that."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestrator.core.errors import StoreError
from orchestrator.serve.asking import Reply, Request, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.keys import OPEN, Caller, Keys
from orchestrator.serve.routes import SERVED, Route, routed

REFUSALS = 20
"""Wrong keys in a minute, after which nobody is listened to until it is over."""


class Requests:
    """Answers requests: ``routes`` are all there are, ``keys`` say who may ask for what."""

    def __init__(self, desk: Desk, keys: Keys, routes: Sequence[Route] = SERVED) -> None:
        self._desk = desk
        self._keys = keys
        self._routes = tuple(routes)
        self._one = threading.Lock()
        self._refused: deque[datetime] = deque(maxlen=REFUSALS)

    def __call__(self, request: Request) -> Reply:
        """The answer."""
        found = routed(self._routes, request.method, request.place)
        try:
            match found:
                case ():
                    return wrong(404, "there is nothing here")
                case (Route() as route, dict() as places):
                    caller = self._caller(request, route, route.scope.format(**places))
                    return caller if isinstance(caller, Reply) else route.answer(self._desk, Asked(request, caller, places))
                case methods:
                    allowed = ", ".join(str(method) for method in methods)
                    return wrong(405, f"only {allowed}", {"Allow": allowed})
        except StoreError as error:
            return wrong(503, error.first.message)

    def _caller(self, request: Request, route: Route, scope: str) -> Caller | Reply:
        """Who asks, or why nobody is listened to."""
        if route.scope == OPEN:
            return Caller()
        if request.safe and not self._desk.guarded:
            return Caller()
        if not self._keys:
            return wrong(403, "no token is set up here: ORC_TOKENS=name=token, or ORC_TRIGGER_SECRET")
        now = self._desk.now()
        with self._one:
            if len(self._refused) == REFUSALS and now - self._refused[0] < timedelta(minutes=1):
                return wrong(429, "too many wrong keys", {"Retry-After": "60"})
            who = self._keys.who(request, now)
            if who is None:
                self._refused.append(now)
        if who is None:
            return wrong(401, "a token or a signature is needed", {"WWW-Authenticate": "Bearer"})
        return who if who.may(scope) else wrong(403, f"this token is not for `{scope}`")
