"""The audit over HTTP: who did what, and whether the chain of entries holds."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.app.past.chronicle import since
from orchestrator.app.web.seen import Unclear, limit
from orchestrator.core.audit import Entry
from orchestrator.core.errors import UsageError
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk


def audit(desk: Desk, asked: Asked) -> Reply:
    """The newest entries, newest first; with ``verify`` also what is wrong with the chain, which is read whole for that."""
    if desk.audit is None:
        raise AssertionError("a desk without an audit answers no such question")
    given = asked.request.query
    try:
        most = limit(asked)
        begun = since(given["since"], desk.now()) if given.get("since") else None
    except (Unclear, UsageError) as error:
        return wrong(400, error.first.message if isinstance(error, UsageError) else str(error))
    found = desk.audit.entries(begun, given.get("action", ""), given.get("actor", ""), most)
    verdict = desk.audit.verify() if given.get("verify") else None
    checked = None if verdict is None else {"entries": verdict.count, "head": verdict.head, "faults": list(verdict.faults)}
    return Reply(200, {"entries": [_entry(each) for each in found], "verdict": checked})


def _entry(each: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: getattr(each, name) for name in ("seq", "at", "kind", "actor", "source", "action", "object", "run", "hash")
    }
    return {**told, "before": json.loads(each.before) if each.before else None, "after": json.loads(each.after) if each.after else None}
