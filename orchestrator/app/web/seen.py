"""What answers look at, and what a question asks for, read from the words behind its path."""

from __future__ import annotations

from datetime import datetime

from orchestrator.app.past.chronicle import since
from orchestrator.core.chronicle import Sought
from orchestrator.core.errors import UsageError
from orchestrator.record.glance import Glance
from orchestrator.record.history import History
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.site import Known

MOST = 200
"""Entries of one page of a list."""

WORDS = {"success": "passed", "error": "failed", "queued": "running"}
"""Other words for a run's status."""


class Unclear(ValueError):  # noqa: N818 - it says what is the case
    """A question that nobody can answer; its text says why."""


def history(desk: Desk) -> History:
    """The history of runs."""
    if desk.history is None:
        raise AssertionError("a desk without a history answers no such question")
    return desk.history


def glance(desk: Desk) -> Glance:
    """What watchers ask."""
    if desk.glance is None:
        raise AssertionError("a desk without a glance answers no such question")
    return desk.glance


def known(desk: Desk) -> Known:
    """What is known of the project, as far as its site was generated."""
    return desk.site.known() if desk.site is not None else Known()


def limit(asked: Asked, default: int = 50) -> int:
    """How many entries somebody wants at once.

    Raises:
        Unclear: that is no number.
    """
    return min(MOST, max(1, whole(asked, "limit", default)))


def whole(asked: Asked, name: str, default: int) -> int:
    """A whole number behind the path.

    Raises:
        Unclear: it is none.
    """
    text = asked.request.query.get(name) or ""
    try:
        return int(text) if text else default
    except ValueError:
        raise Unclear(f"`{name}={text}` is no number") from None


def sought(desk: Desk, asked: Asked) -> Sought:
    """Which runs a question asks for.

    Raises:
        Unclear: a time that is none, a page that never was.
    """
    given = {name: text for name, text in asked.request.query.items() if text}
    try:
        begun = since(given["since"], desk.now()) if "since" in given else None
    except UsageError as error:
        raise Unclear(error.first.message) from None
    statuses = ",".join(WORDS.get(word, word) for word in given.get("status", "").split(",") if word)
    model = given.get("model")
    return Sought(
        statuses or None,
        given.get("target"),
        begun,
        given.get("trigger"),
        given.get("actor"),
        (known(desk).find(model) or model) if model else None,
        _cursor(given["before"]) if "before" in given else None,
        given.get("schedule"),
    )


def cursor(at: datetime, id_: str) -> str:
    """Where a page of runs ends, for whoever wants the next.

    >>> cursor(datetime.fromisoformat("2026-01-01T00:00:00+00:00"), "a")
    '2026-01-01T00:00:00Z~a'
    """
    return f"{at.isoformat().replace('+00:00', 'Z')}~{id_}"


def _cursor(text: str) -> tuple[datetime, str]:
    at, _, id_ = text.partition("~")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        raise Unclear(f"`before={text}` is no end of a page: it is `next` of the page before") from None
    if found.tzinfo is None:
        raise Unclear(f"`before={text}` is no end of a page: it is `next` of the page before")
    return found, id_
