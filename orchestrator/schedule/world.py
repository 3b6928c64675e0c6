"""Facts that change: rows that arrive, nodes that are built. Tests and ``--simulate`` let things happen this way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.core.files import digest
from orchestrator.core.promise import Fact, Facts, Version


@dataclass(frozen=True, slots=True)
class World:
    """A project whose sources change every so many seconds, by their ids."""

    facts: Facts
    arrivals: Mapping[str, float]


def arrived(facts: Facts, source: str, at: datetime) -> Facts:
    """New rows in a source, noticed at once.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> arrived(Facts(at, {"raw": Fact("raw", "raw", "source")}), "raw", at).nodes["raw"].version
    '2026-01-01T00:00:00+00:00'
    """
    before, key = facts.nodes[source], at.isoformat()
    after = replace(before, version=key, versions=(*before.versions, Version(key, at, at)))
    return _through(replace(facts, at=at, nodes={**facts.nodes, source: after}))


def built(facts: Facts, ids: Collection[str], at: datetime, run: str, began: Facts | None = None) -> Facts:
    """Nodes were built well by ``run`` and published at ``at``, from what sources held when it ``began``."""
    now = _through(replace(facts, nodes={**facts.nodes, **({i: n for i, n in began.nodes.items() if n.is_source} if began else {})}))
    for id_ in [i for i in now.nodes if i in ids]:
        node = now.nodes[id_]
        used = {i: v for i in node.inputs if i in now.nodes and (v := now.nodes[i].version) is not None}
        version = node.version if node.passes else f"{at.isoformat()} by {run}"
        made = replace(node, built=node.own, at=at, run=run, version=version, used=used)
        now = _through(replace(now, nodes={**now.nodes, id_: made}))
    sources = {i: n for i, n in facts.nodes.items() if n.is_source}
    return _through(replace(now, at=max(at, facts.at), nodes={**now.nodes, **sources}))


def _through(facts: Facts) -> Facts:
    """What has no rows of its own is as new as what it reads."""
    nodes: dict[str, Fact] = dict(facts.nodes)
    for id_, node in facts.nodes.items():
        if node.passes:
            below = [nodes[i].version for i in node.inputs if i in nodes]
            known = None if any(v is None for v in below) else digest("\n".join(str(v) for v in below).encode())[:16]
            nodes[id_] = replace(node, version=known)
    return replace(facts, nodes=nodes)
