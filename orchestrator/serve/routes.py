"""Which requests there are: one table, from which requests are answered and described."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from orchestrator.serve.asking import Reply
from orchestrator.serve.commanding import COMMANDS, cancel, pause, resume, retry, run, run_now
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.entering import login, logout, page, whoever
from orchestrator.serve.keys import OPEN
from orchestrator.serve.living import healthy, measured, ready
from orchestrator.serve.triggering import launched, triggered
from orchestrator.serve.widening import WIDEST, reset, widened

Answer = Callable[[Desk, Asked], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of request: ``GET /api/v1/runs/{run}`` and the scope it needs, who answers, and a sentence on what for.

    ``{run}`` stands for one piece of the path, ``{path+}`` at the end for all that is left of it. The scope may name a place, too
    (``trigger:{name}``); ``open`` needs none. ``body`` is the JSON Schema of what it brings, ``query`` says what may stand behind the
    path, ``replies`` what a status means, ``page`` that browsers ask for it: it is no part of the API's description.
    """

    method: str
    pattern: str
    scope: str
    answer: Answer
    summary: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    replies: Mapping[int, str] = field(default_factory=dict)
    page: bool = False

    def places(self, path: str) -> dict[str, str] | None:
        """The values of a path's places, decoded; ``None`` when it is another route's.

        >>> Route("GET", "/runs/{run}", "read", lambda desk, asked: Reply(200, {}), "A run.").places("/runs/a%40b")
        {'run': 'a@b'}
        """
        found = _expression(self.pattern).fullmatch(path)
        try:
            return None if found is None else {name: unquote(text, errors="strict") for name, text in found.groupdict().items()}
        except UnicodeDecodeError:
            return None


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+\+?)\}", pattern)
    return re.compile(
        "".join(re.escape(p) if i % 2 == 0 else f"(?P<{p[:-1]}>.+)" if p.endswith("+") else f"(?P<{p}>[^/]+)" for i, p in enumerate(pieces))
    )


def routed(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | tuple[str, ...]:
    """The first route of a request with the values of its places; or the methods that its path has instead, none for an unknown one."""
    wanted = "GET" if method == "HEAD" else method
    others: list[str] = []
    for route in routes:
        places = route.places(path)
        if places is None:
            continue
        if route.method == wanted:
            return route, places
        others.append(route.method)
    return tuple(dict.fromkeys(others))


_WORDS = {"type": "array", "items": {"type": "string"}}
_QUEUED = {202: "it waits; an Idempotency-Key that came before is answered with its run"}

SERVED: tuple[Route, ...] = (
    Route("GET", "/healthz", OPEN, healthy, "Whether the scheduler goes round.", replies={503: "it has not for a minute"}),
    Route("GET", "/readyz", OPEN, ready, "Whether the state can be read, and who leads.", replies={503: "it cannot"}),
    Route("GET", "/metrics", "read", measured, "Metrics for Prometheus."),
    Route("GET", "/login", OPEN, page, "A form for a token.", page=True),
    Route(
        "POST",
        "/login",
        OPEN,
        login,
        "Begin a browser's session with a token.",
        body={"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"], "additionalProperties": False},
        replies={200: "a cookie, and the token that wishes have to come with", 401: "the token is not known", 429: "too many wrong ones"},
    ),
    Route("POST", "/logout", OPEN, logout, "End a browser's session."),
    Route("GET", "/api/v1/session", OPEN, whoever, "Who one is, what one may do, and what wishes of a browser have to come with."),
    Route("GET", "/api/v1/launches/{launch}", "read", launched, "What became of a launch.", replies={404: "there is none"}),
    Route(
        "POST",
        "/api/v1/triggers/{name}",
        "trigger:{name}",
        triggered,
        "Put a trigger's run in the queue.",
        body={"type": "object", "description": "values of the variables that the trigger declares"},
        replies={202: "it waits, or joined one that waits", 404: "there is no such trigger", 409: "an earlier run is not over"},
    ),
    Route(
        "POST",
        "/api/v1/runs",
        "run",
        run,
        "Put a run of whatever is selected in the queue.",
        body={
            "type": "object",
            "properties": {
                "command": {"enum": list(COMMANDS)},
                "select": _WORDS,
                "exclude": _WORDS,
                "selector": {"type": "string"},
                "vars": {"type": "object"},
                "target": {"type": "string"},
                "threads": {"type": "integer"},
                "full_refresh": {"type": "boolean"},
            },
            "additionalProperties": False,
        },
        replies=_QUEUED,
    ),
    Route(
        "POST",
        "/api/v1/runs/{run}/cancel",
        "run",
        cancel,
        "End a run, waiting or running.",
        replies={202: "it was asked to end", 404: "there is no such run", 409: "it is over, or on another machine"},
    ),
    Route(
        "POST",
        "/api/v1/runs/{run}/retry",
        "run",
        retry,
        "Put in the queue what a run did not finish.",
        replies={**_QUEUED, 404: "there is no such run", 409: "it is not over, or left nothing to do"},
    ),
    Route("POST", "/api/v1/schedules/{name}/pause", "run", pause, "Let a schedule's ticks wait.", replies={404: "there is none"}),
    Route("POST", "/api/v1/schedules/{name}/resume", "run", resume, "Let its ticks come again.", replies={404: "there is none"}),
    Route(
        "POST",
        "/api/v1/schedules/{name}/run",
        "run",
        run_now,
        "Run a schedule now, whatever the time is.",
        replies={**_QUEUED, 404: "there is none", 409: "an earlier run is not over, and `overlap` is skip"},
    ),
    Route(
        "POST",
        "/api/v1/pools/{name}",
        "run",
        widened,
        "Set how wide a pool is, from now on.",
        body={
            "type": "object",
            "properties": {"limit": {"type": "integer", "minimum": 0, "maximum": WIDEST}},
            "required": ["limit"],
            "additionalProperties": False,
        },
        replies={404: "there is none"},
    ),
    Route("POST", "/api/v1/pools/{name}/reset", "run", reset, "Leave it to the project's files again.", replies={404: "there is none"}),
)
"""What every `orc serve` answers, whoever else adds to it."""
