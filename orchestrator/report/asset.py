"""One model with all that is known of it, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.duration import spoken


def asset(found: Mapping[str, Any]) -> str:
    """Some lines; what nobody knows is said so."""
    return "\n".join(_lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['name']}  {found['kind']}  {found['path']}"
    yield f"owner      {_owner(found['owner'])}"
    yield f"upstream   {_names(found['upstream'])}"
    yield f"downstream {_names(found['downstream'])}"
    up_to, lag = found["data_time"], found["lag"]
    yield f"data       {'nobody looked up to when' if up_to is None else f'up to {up_to}, {spoken(max(lag, 0.0))} ago'}"
    yield f"freshness  {found['freshness_status'] or 'unknown, or not limited'}"
    yield "columns"
    for column in found["columns"]:
        origins = dict.fromkeys(f"{_short(h['from']['node'])}.{h['from']['column']}" for h in column["lineage"] if h["from"]["column"])
        yield f"  {column['name']}  {column['type'] or '?'}{'  from ' + ', '.join(origins) if origins else ''}"
    yield "tests"
    yield from (f"  {test['name']}  {test['last_status'] or 'never run'}" for test in found["tests"])
    yield "last runs"
    yield from (f"  {run['run'][:8]}  {run['at']}  {run['status']}" for run in found["runs"])


def _owner(owner: Any) -> str:
    return str(owner.get("name") or owner.get("email") or "") if isinstance(owner, Mapping) else str(owner or "nobody")


def _names(ids: list[str]) -> str:
    return ", ".join(_short(id_) for id_ in ids) or "nothing"


def _short(id_: str) -> str:
    return id_.split(".", 2)[-1]
