"""Versions of a model: several files that say they are one model, each with its own number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.core.project import Properties


def versions(entries: Iterable[Properties]) -> dict[str, Properties]:
    """The entry of each version, by the stem of the file that defines it (``orders_v2``, or what ``defined_in`` says).

    An entry has its version's own description, tests and columns where those are given, the model's otherwise, and
    ``version`` and ``latest_version`` in its config.

    >>> two = {"latest_version": 1, "versions": [{"v": 1, "defined_in": "orders"}, {"v": 2, "description": "new"}]}
    >>> {stem: (p.name, p.data["config"]["version"]) for stem, p in versions([Properties("models", "orders", "m.yml", two, {})]).items()}
    {'orders': ('orders', 1), 'orders_v2': ('orders', 2)}
    """
    found: dict[str, Properties] = {}
    for entry in entries:
        declared = entry.data.get("versions") or ()
        if not declared:
            continue
        latest = entry.data.get("latest_version", max((v["v"] for v in declared), key=_rank))
        for version in declared:
            stem = str(version.get("defined_in") or f"{entry.name}_v{version['v']}")
            found[stem] = replace(entry, data=_merged(entry.data, version, latest))
    return found


def _rank(version: Any) -> tuple[int, float, str]:
    """Numbers in their order, names after them."""
    try:
        return 0, float(version), ""
    except (TypeError, ValueError):
        return 1, 0.0, str(version)


def _merged(model: Mapping[str, Any], version: Mapping[str, Any], latest: Any) -> dict[str, Any]:
    own = {k: v for k, v in version.items() if k not in ("v", "defined_in", "columns", "config", "deprecation_date")}
    config = {**(model.get("config") or {}), **(version.get("config") or {}), "version": version["v"], "latest_version": latest}
    shared = {k: v for k, v in model.items() if k not in ("versions", "latest_version")}
    return {**shared, **own, "config": config, "columns": _columns(model.get("columns") or (), version.get("columns"))}


def _columns(model: Iterable[Mapping[str, Any]], version: Iterable[Any] | None) -> list[Mapping[str, Any]]:
    """A version's columns: its own, and those of the model it includes (all, unless it says otherwise)."""
    if version is None:
        return list(model)
    own = [c for c in version if isinstance(c, Mapping) and "name" in c]
    rule = next((c for c in version if isinstance(c, Mapping) and ("include" in c or "exclude" in c)), {})
    include, exclude = rule.get("include", "all"), set(rule.get("exclude") or ())
    names = {str(c["name"]) for c in own}
    everything = include in ("all", "*")
    kept = [c for c in model if c["name"] not in names | exclude and (everything or c["name"] in include)]
    return [*kept, *own]
