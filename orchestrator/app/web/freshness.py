"""Promises about freshness over HTTP: what is promised, how old the data is, when something is done about it, and why then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.app.fresh.keeping import as_data
from orchestrator.core.event import plain
from orchestrator.schedule.freshness import Prospect
from orchestrator.serve.asking import Reply
from orchestrator.serve.desk import Asked, Desk


def freshness(desk: Desk, _asked: Asked) -> Reply:
    """All promises, broken ones first. Only the daemon that leads looks after them; another one knows of none."""
    found = sorted(desk.prospects().values(), key=lambda each: (("late", "warned", "kept").index(each.age), each.need.name))
    return Reply(200, {"now": plain(desk.now()), "leads": desk.leads(), "promises": [as_data(each) for each in found]})


def broken(prospects: Mapping[str, Prospect]) -> list[dict[str, Any]]:
    """Promises that are late, or about to be."""
    kept = ("node", "name", "state", "reason", "age", "lag_seconds")
    told = (as_data(each) for each in prospects.values() if each.age != "kept")
    return [{key: each[key] for key in kept} for each in told]


def late(prospects: Mapping[str, Prospect], ids: Iterable[str]) -> bool:
    """Whether a promise of any of some nodes is broken."""
    return any(id_ in prospects and prospects[id_].age == "late" for id_ in ids)
