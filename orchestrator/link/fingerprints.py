"""Fingerprints: what would change a node's data if it changed, ancestors included."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace

from orchestrator.core.files import digest
from orchestrator.core.node import Body, Node, PythonBody, SeedBody, SqlBody
from orchestrator.graph.fingerprint import fingerprint


def fingerprints(nodes: Mapping[str, Node], changed: Collection[str] | None = None) -> dict[str, Node]:
    """The same nodes; those with data carry their fingerprint: own content, data config and the parents' fingerprints.

    With ``changed``, all others but their descendants keep the fingerprint they have.
    """
    data = {id_: n for id_, n in nodes.items() if n.kind in ("model", "seed", "snapshot", "source")}
    below: dict[str, list[str]] = {id_: [] for id_ in data}
    for node in data.values():
        for parent in node.depends_on:
            if parent in below:
                below[parent].append(node.id)
    stale = data.keys() if changed is None else _reached(changed, below)
    waiting = {id_: sum(p in stale for p in data[id_].depends_on) for id_ in data if id_ in stale}
    ready = deque(id_ for id_, count in waiting.items() if not count)
    found = dict(nodes)
    while ready:
        id_ = ready.popleft()
        node = data[id_]
        parents = [found[p].fingerprint for p in node.depends_on if p in data]
        if (made := fingerprint(node, parents)) != node.fingerprint:
            found[id_] = replace(node, fingerprint=made)
        for child in below[id_]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return found


def _reached(start: Collection[str], below: Mapping[str, list[str]]) -> set[str]:
    """``start`` and everything below it."""
    found = {id_ for id_ in start if id_ in below}
    edge = list(found)
    while edge:
        edge = [c for id_ in edge for c in below[id_] if c not in found]
        found.update(edge)
    return found


def content(body: Body) -> str:
    """A digest of what a node itself says, layout and comments left out."""
    match body:
        case SqlBody():
            # A late template's final text is not known yet: its source stands for it.
            return (
                body.query.canon + (body.incremental.canon if body.incremental else "") + (digest(body.raw.encode()) if body.late else "")
            )
        case PythonBody():
            return digest(body.raw.encode())
        case SeedBody():
            return body.checksum
        case _:
            return ""
