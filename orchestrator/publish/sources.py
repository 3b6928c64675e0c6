"""``sources.json``: how fresh sources were, in the shape of dbt's version 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.core.event import NodeFinished, plain
from orchestrator.core.freshness import Probe
from orchestrator.publish.facts import Facts, instant

SCHEMA = "sources/v3"

NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Up to when the data of a source without rows is, for readers that want a time."""

LIMITS = ("warn_after", "error_after")


def sources(
    results: Iterable[tuple[NodeFinished, Probe, str]], freshness: Mapping[str, Mapping[str, Any]], facts: Facts, seconds: float
) -> dict[str, Any]:
    """The artifact as plain data. ``results`` are ends of looks, what was seen, and the verdict; ``freshness`` the limits as written."""
    return {
        "metadata": facts.metadata(SCHEMA),
        "results": [_result(end, probe, verdict, freshness[end.node]) for end, probe, verdict in results],
        "elapsed_time": plain(seconds) or 0.0,
    }


def _result(end: NodeFinished, probe: Probe, verdict: str, freshness: Mapping[str, Any]) -> dict[str, Any]:
    if probe.error:
        return {"unique_id": end.node, "error": probe.error, "status": "runtime error"}
    newest = probe.data_time or NEVER
    started = end.started or end.at - timedelta(seconds=end.seconds)
    over = instant(started + timedelta(seconds=end.seconds))
    return {
        "unique_id": end.node,
        "max_loaded_at": instant(newest),
        "snapshotted_at": instant(probe.at),
        "max_loaded_at_time_ago_in_s": (probe.at - newest).total_seconds(),
        "status": verdict,
        "criteria": {**{key: _limit(freshness.get(key)) for key in LIMITS}, "filter": freshness.get("filter")},
        "adapter_response": plain(end.response),
        "timing": [
            {"name": "compile", "started_at": instant(started), "completed_at": instant(started)},
            {"name": "execute", "started_at": instant(started), "completed_at": over},
        ],
        "thread_id": end.thread,
        "execution_time": plain(end.seconds) or 0.0,
    }


def _limit(given: Any) -> dict[str, Any] | None:
    if not isinstance(given, Mapping) or given.get("count") is None:
        return None
    return {"count": int(given["count"]), "period": str(given.get("period"))}
