"""Who may ask for what: tokens, what they are good for, and senders that sign."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.serve.asking import Request

SKEW = timedelta(minutes=5)
"""How far the time in a signed request may be from ours: an older copy of it is worth nothing."""

OPEN = "open"
"""The scope of what anybody may ask for who can reach us."""

FIRST = ("read", "trigger:*")
"""What a token of ``ORC_TOKENS`` is good for, unless it says more."""

EVERYTHING = ("admin",)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``kind`` says how that is known: ``token``, ``signature``, ``user`` (a browser's session), ``local`` (nobody has a
    token here, and only this machine can ask), or nothing. ``id`` tells a token from a later one of its name.
    """

    kind: str = ""
    name: str = ""
    scopes: tuple[str, ...] = ()
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind or "anonymous"

    def may(self, scope: str) -> bool:
        """Whether a scope is among what the caller may do.

        >>> Caller("token", "ci", ("trigger:*",)).may("trigger:loaded"), Caller("token", "ci", ("run",)).may("admin")
        (True, False)
        """
        return scope == OPEN or any(grants(each, scope) for each in self.scopes)


def grants(given: str, wanted: str) -> bool:
    """Whether one scope includes another: ``admin`` all, ``run`` what reads and triggers, ``trigger:*`` every trigger.

    >>> grants("run", "read"), grants("run", "trigger:x"), grants("read", "run"), grants("trigger:x", "trigger:y")
    (True, True, False, False)
    """
    if given in ("admin", wanted):
        return True
    if wanted.startswith("trigger:"):
        return given in ("run", "trigger:*")
    return wanted == "read" and given == "run"


@dataclass(frozen=True, slots=True)
class Keys:
    """Tokens by the name of who has them, the secret of senders that sign, and how to find a token that is kept elsewhere.

    ``scopes`` are those of the tokens named here (:data:`FIRST`). ``kept`` finds a caller by the SHA-256 of its token, in hexadecimal;
    ``any_kept`` says whether there ever was such a token, ``lives`` whether the one with an id still is good for something.
    """

    tokens: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept: Callable[[str, datetime], Caller | None] = lambda _digest, _now: None
    any_kept: Callable[[], bool] = lambda: False
    lives: Callable[[str, datetime], bool] = lambda _id, _now: False

    def __bool__(self) -> bool:
        return bool(self.tokens or self.secret or self.any_kept())

    def who(self, request: Request, now: datetime) -> Caller | None:
        """Who sends a request; ``None`` for somebody unknown."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        found = self.holder(given.strip(), now) if kind.lower() == "bearer" else None
        return found or (Caller("signature", "", FIRST) if self._signed(request, now) else None)

    def holder(self, token: str, now: datetime) -> Caller | None:
        """Who has a token."""
        found = None
        for name, known in self.tokens.items():  # all of them: how long it takes says nothing
            if hmac.compare_digest(digest(known), digest(token)):
                found = Caller("token", name, self.scopes.get(name, FIRST))
        return found or (self.kept(digest(token).hex(), now) if token else None)

    def holds(self, caller: Caller, now: datetime) -> bool:
        """Whether the token that somebody once showed is still good for something."""
        return self.lives(caller.id, now) if caller.id else caller.name in self.tokens

    def _signed(self, request: Request, now: datetime) -> bool:
        """Whether the body and the time are signed with our secret: ``HMAC-SHA256(secret, time + "." + body)``."""
        at, given = request.headers.get("x-timestamp", ""), request.headers.get("x-signature-256", "")
        if not self.secret or not given or not re.fullmatch(r"[0-9]{1,12}", at):
            return False
        due = hmac.new(self.secret.encode(), at.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        fresh = abs(now.timestamp() - int(at)) <= SKEW.total_seconds()
        return hmac.compare_digest(due.encode(), given.removeprefix("sha256=").lower().encode("utf-8", "surrogateescape")) and fresh


def digest(text: str) -> bytes:
    """The SHA-256 of a token: what is compared, and what is kept of it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
