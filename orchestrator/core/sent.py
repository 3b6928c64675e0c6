"""Statements as they were sent, for whoever measures them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement that ran for a node from ``started`` to ``finished``; ``error`` is what the engine said against it."""

    node: str
    sql: str
    started: datetime
    finished: datetime
    error: str = ""


Watch = Callable[[Sent], None]
"""Hears of every statement, in the thread that sent it; it never raises."""


def traceparent(text: str | None) -> str | None:
    """The span that something is part of, as W3C's Trace Context writes it; ``None`` for what is no such thing.

    >>> traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    >>> traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01")
    """
    found = (text or "").strip()
    if not _PARENT.fullmatch(found) or found.startswith("ff"):
        return None
    _, trace, span, _ = found.split("-")
    return found if set(trace) != {"0"} and set(span) != {"0"} else None


def tracing(env: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for spans: an exporter or an endpoint is named, and nothing says no.

    >>> tracing({}), tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}), tracing({"OTEL_TRACES_EXPORTER": "none"})
    (False, True, False)
    """
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    named = env.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return named != "none" and (bool(named) or any(env.get(name) for name in places))
