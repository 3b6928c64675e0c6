"""What `orc serve` answers over HTTP, as functions of a request: whoever listens is elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from orchestrator.core.errors import StoreError
from orchestrator.core.schedule import Launch, Trigger
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import asked
from orchestrator.schedule.spec import Spec
from orchestrator.serve.metrics import metrics
from orchestrator.serve.scheduler import run_of

BODY = 65_536
"""Bytes that a request may bring."""

SKEW = timedelta(minutes=5)
"""How far the time in a signed request may be from ours: an older copy of it is worth nothing."""

REFUSALS = 20
"""Wrong keys in a minute, after which nobody is listened to until it is over."""

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_TRIGGER = re.compile(r"/api/v1/triggers/([\w-]+)")
_LAUNCH = re.compile(r"/api/v1/launches/([\w@:.-]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as far as anybody looks at it; names of headers in small letters."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a body: text, or what JSON can say."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may ask for what: tokens by the name of who has them, and the secret of senders that sign."""

    tokens: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""

    def __bool__(self) -> bool:
        return bool(self.tokens or self.secret)

    def who(self, request: Request, now: datetime) -> str | None:
        """Who sends a request; ``None`` for somebody unknown."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        found = None
        for name, token in self.tokens.items():  # all of them: how long it takes says nothing
            if kind.lower() == "bearer" and hmac.compare_digest(_digest(token), _digest(given.strip())):
                found = f"token:{name}"
        return found or ("signature" if self._signed(request, now) else None)

    def _signed(self, request: Request, now: datetime) -> bool:
        """Whether the body and the time are signed with our secret: ``HMAC-SHA256(secret, time + "." + body)``."""
        at, given = request.headers.get("x-timestamp", ""), request.headers.get("x-signature-256", "")
        if not self.secret or not given or not re.fullmatch(r"[0-9]{1,12}", at):
            return False
        due = hmac.new(self.secret.encode(), at.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        fresh = abs(now.timestamp() - int(at)) <= SKEW.total_seconds()
        return hmac.compare_digest(due, given.removeprefix("sha256=").lower()) and fresh


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class Requests:
    """Answers requests. ``leads`` says whether this daemon leads, ``beat`` when its loop last went round.

    ``guarded`` says that everything but the signs of life needs a token: others than this machine can ask.
    """

    def __init__(
        self,
        timetable: Timetable,
        spec: Callable[[], Spec],
        keys: Keys,
        now: Callable[[], datetime],
        *,
        leads: Callable[[], bool],
        beat: Callable[[], datetime],
        guarded: bool,
        version: str,
    ) -> None:
        self._timetable = timetable
        self._spec = spec
        self._keys = keys
        self._now = now
        self._leads = leads
        self._beat = beat
        self._guarded = guarded
        self._version = version
        self._one = threading.Lock()
        self._refused: deque[datetime] = deque(maxlen=REFUSALS)

    def __call__(self, request: Request) -> Reply:
        """The answer."""
        path = request.path.partition("?")[0]
        try:
            if path == "/healthz":
                return self._healthy()
            if path == "/readyz":
                return self._ready()
            if path == "/metrics":
                return self._read(request, lambda: Reply(200, self._metrics()))
            if found := _LAUNCH.fullmatch(path):
                id_ = str(found[1])
                return self._read(request, lambda: self._launch(id_))
            if found := _TRIGGER.fullmatch(path):
                return self._trigger(request, found[1])
        except StoreError as error:
            return _wrong(503, error.first.message)
        return _wrong(404, "there is nothing here")

    def _healthy(self) -> Reply:
        idle = (self._now() - self._beat()).total_seconds()
        return Reply(200, {"status": "ok"}) if idle < 60 else _wrong(503, f"the scheduler has not gone round for {idle:.0f} s")

    def _ready(self) -> Reply:
        self._timetable.board()
        return Reply(200, {"status": "ready", "role": "leader" if self._leads() else "standby"})

    def _metrics(self) -> str:
        return metrics(self._spec(), self._timetable.board(), self._timetable.counts(), leads=self._leads(), version=self._version)

    def _launch(self, id_: str) -> Reply:
        launch = self._timetable.launch(id_)
        return _wrong(404, f"there is no launch `{id_}`") if launch is None else Reply(200, shown(launch))

    def _read(self, request: Request, answer: Callable[[], Reply]) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return _wrong(405, "only GET", {"Allow": "GET"})
        if self._guarded and (refusal := self._known(request)[1]):
            return refusal
        return answer()

    def _known(self, request: Request) -> tuple[str, Reply | None]:
        """Who asks, or why nobody is listened to."""
        now = self._now()
        if len(self._refused) == REFUSALS and now - self._refused[0] < timedelta(minutes=1):
            return "", _wrong(429, "too many wrong keys", {"Retry-After": "60"})
        who = self._keys.who(request, now)
        if who is None:
            self._refused.append(now)
            return "", _wrong(401, "a token or a signature is needed", {"WWW-Authenticate": "Bearer"})
        return who, None

    def _trigger(self, request: Request, name: str) -> Reply:
        if request.method != "POST":
            return _wrong(405, "only POST", {"Allow": "POST"})
        if not self._keys:
            return _wrong(403, "no token is set up here: ORC_TOKENS=name=token, or ORC_TRIGGER_SECRET")
        who, refusal = self._known(request)
        if refusal:
            return refusal
        trigger = self._spec().triggers.get(name)
        if trigger is None:
            return _wrong(404, f"there is no trigger `{name}`")
        try:
            given = variables(trigger, request.body)
        except ValueError as error:
            return _wrong(400, str(error))
        key = request.headers.get("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            return _wrong(400, "an Idempotency-Key is up to 128 plain characters")
        with self._one:
            return self._asked(trigger, given, who, key)

    def _asked(self, trigger: Trigger, given: Mapping[str, Any], who: str, key: str | None) -> Reply:
        now, board = self._now(), self._timetable.board()
        going = board.of(trigger.name)
        waits = now + timedelta(seconds=trigger.debounce) if trigger.debounce else None
        if waits is not None:
            shared = next((g for g in going if g.status == "queued" and g.not_before is not None and dict(g.vars) == dict(given)), None)
            if shared is not None and self._timetable.join(shared.id, waits):
                return Reply(202, {**shown(shared), "joined": True})
        if going and trigger.schedule.overlap == "skip":
            return _wrong(409, f"`{going[0].id}` is not over, and `overlap` is skip")
        launch = asked(trigger.schedule, f"{trigger.name}@{now:%Y-%m-%dT%H:%M:%S.%fZ}", "api", now, reason="asked for over HTTP", actor=who)
        launch = replace(launch, vars=given, not_before=waits)
        return Reply(202, shown(self._timetable.ask(launch, None if key is None else f"{trigger.name}:{key}")))


def variables(trigger: Trigger, body: bytes) -> dict[str, Any]:
    """The variables of a request: those that the trigger declares, each of the type of its value there (any, where that is null).

    Raises:
        ValueError: the body is something else.

    >>> from orchestrator.core.schedule import Schedule
    >>> variables(Trigger("t", Schedule("t", vars={"day": "2026-01-01", "n": 1})), b'{"n": 2}')
    {'day': '2026-01-01', 'n': 2}
    """
    declared = dict(trigger.schedule.vars)
    try:
        given = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(given, dict):
        raise ValueError("the body has to be an object: variables by name")
    for name, value in given.items():
        if name not in declared:
            raise ValueError(f"the trigger declares no variable `{name}` (it has {', '.join(declared) or 'none'})")
        default = declared[name]
        if default is not None and (type(value) is not type(default) and not (type(default) is float and type(value) is int)):
            raise ValueError(f"`{name}` has to be of the type of {json.dumps(default, default=str)}")
    return {**declared, **given}


def shown(launch: Launch) -> dict[str, Any]:
    """A launch for whoever asked for it."""
    times = {"due": launch.due, "queued": launch.queued, "started": launch.started, "finished": launch.finished}
    return {
        "launch": launch.id,
        "run_id": launch.runs[-1] if launch.runs else run_of(launch),
        "status": launch.status,
        "reason": launch.reason,
        "attempt": launch.attempt,
        "vars": dict(launch.vars),
        **{name: None if at is None else at.isoformat() for name, at in times.items()},
    }


def _wrong(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, {"error": message}, headers or {})
