"""Effective configs with every key readers look up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.core.history import META
from orchestrator.core.node import Node

SHOWN: dict[str, Any] = {"show": True, "node_color": None}
CONTRACT: dict[str, Any] = {"enforced": False, "alias_types": True}

_ANY: dict[str, Any] = {"enabled": True, "alias": None, "schema": None, "database": None, "tags": [], "meta": {}, "group": None}
_BUILT: dict[str, Any] = {
    **_ANY,
    "materialized": "view",
    "incremental_strategy": None,
    "batch_size": None,
    "lookback": 1,
    "begin": None,
    "persist_docs": {},
    "post-hook": [],
    "pre-hook": [],
    "quoting": {},
    "column_types": {},
    "full_refresh": None,
    "unique_key": None,
    "on_schema_change": "ignore",
    "on_configuration_change": "apply",
    "grants": {},
    "packages": [],
    "docs": SHOWN,
    "contract": CONTRACT,
    "event_time": None,
    "concurrent_batches": None,
}
_TESTED: dict[str, Any] = {
    **_ANY,
    "schema": "dbt_test__audit",
    "materialized": "test",
    "severity": "ERROR",
    "store_failures": None,
    "store_failures_as": None,
    "where": None,
    "limit": None,
    "fail_calc": "count(*)",
    "warn_if": "!= 0",
    "error_if": "!= 0",
}
_BY_KIND: dict[str, dict[str, Any]] = {
    "model": {**_BUILT, "access": "protected", "freshness": None},
    "seed": {**_BUILT, "materialized": "seed", "delimiter": ",", "quote_columns": None},
    "snapshot": {
        **_BUILT,
        "materialized": "snapshot",
        "strategy": None,
        "updated_at": None,
        "check_cols": None,
        "dbt_valid_to_current": None,
        "target_schema": None,
        "target_database": None,
        "snapshot_meta_column_names": dict.fromkeys(META),
    },
    "test": _TESTED,
    "analysis": _BUILT,
    "operation": _BUILT,
}
_HOOKS = {"pre_hook": "pre-hook", "post_hook": "post-hook"}


def config(node: Node) -> dict[str, Any]:
    """The node's config: defaults of its kind below, hooks as the list of objects readers expect."""
    own = node.config
    found = {**_BY_KIND.get(node.kind, _ANY), **own}
    for ours, theirs in _HOOKS.items():
        if ours in own or theirs in own:
            found.pop(ours, None)
            found[theirs] = [_hook(hook) for hook in _list(own.get(ours, own.get(theirs)))]
    if not isinstance(found["tags"], list):
        found["tags"] = _list(found["tags"])
    return found


def _hook(hook: Any) -> dict[str, Any]:
    written = dict(hook) if isinstance(hook, Mapping) else {"sql": str(hook)}
    return {"sql": "", "transaction": True, "index": None, **written}


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple | list | set | frozenset) else [value]
