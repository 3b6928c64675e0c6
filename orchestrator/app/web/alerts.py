"""Alerts over HTTP: what is not well, and who was told of it. Addresses are never among it: they may hold passwords."""

from __future__ import annotations

from typing import Any

from orchestrator.app.web.seen import Unclear, limit
from orchestrator.core.alert import Incident, Sealed
from orchestrator.core.event import plain
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk


def alerts(desk: Desk, asked: Asked) -> Reply:
    """Incidents, open ones apart, and letters with what became of them."""
    if desk.outbox is None:
        raise AssertionError("a desk without an outbox answers no such question")
    try:
        most = limit(asked)
    except Unclear as error:
        return wrong(400, str(error))
    every = desk.outbox.incidents(most, open_only=False)
    return Reply(
        200,
        {
            "now": plain(desk.now()),
            "open": [_incident(each) for each in desk.outbox.incidents(most)],
            "closed": [_incident(each) for each in every if each.closed is not None],
            "letters": [_letter(each) for each in desk.outbox.letters(most, asked.request.query.get("run") or None)],
        },
    )


def _incident(each: Incident) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "target": each.target,
        "subject": each.subject,
        "aspect": each.aspect,
        "opened": plain(each.opened),
        "told": plain(each.told),
        "closed": plain(each.closed),
        "run": each.run or None,
    }


def _letter(each: Sealed) -> dict[str, Any]:
    """A letter as it was written; of where it goes only its place among the rule's addresses."""
    return {
        "id": each.id,
        "rule": each.rule,
        "address": each.address,
        "kind": each.letter.kind,
        "title": each.letter.title,
        "body": each.letter.body,
        "run": each.letter.data.get("run") or None,
        "made": plain(each.made),
        "due": plain(each.due),
        "sent": plain(each.sent),
        "status": each.status,
        "tries": each.tries,
        "error": each.error or None,
    }
