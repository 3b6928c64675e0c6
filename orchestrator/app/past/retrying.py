"""What ``retry`` does again: what the last run did not finish, and what it did that is not right any more, with that run's own options."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.core.event import Grounds
from orchestrator.core.graph import Graph
from orchestrator.core.interval import Interval, instant
from orchestrator.core.node import Node
from orchestrator.core.plan import Request, Task
from orchestrator.core.snapshot import Snapshot
from orchestrator.record.history import History

RETRIABLE = ("run", "build", "seed", "test", "snapshot", "retry")


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier run that left something undone."""

    command: str
    again: Again
    request: Request
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """What an earlier run had planned, what it left ``undone``, and the grounds of what it did.

    ``killed`` are runs whose processes were: history may have lost their last moments, the ledger has not.
    """

    run: str
    planned: tuple[str, ...]
    undone: tuple[str, ...]
    grounds: Mapping[str, Grounds]
    killed: tuple[str, ...] = ()


def reusable(again: Again, selected: Collection[str], graph: Graph, snapshot: Snapshot) -> dict[str, Task]:
    """What an earlier run did and nobody has to do again, by id, as tasks without steps that say why.

    A node is so when it is built from the same code as then, parents included, the ledger says that it is still what that code made,
    and none of its parents was published after it. A test is so when nothing it looks at is built again. Any doubt builds.
    """
    wanted = [id_ for id_ in graph.order if id_ in selected]
    undone = set(again.undone) - _published(graph, snapshot, frozenset(again.killed))
    fresh: set[str] = set()
    for id_ in wanted:
        node = graph.nodes[id_]
        inputs = graph.inputs(id_)
        if id_ in undone or any(p.id in selected and p.has_data and p.id not in fresh for p in inputs):
            continue
        if not node.has_data or _as_it_was(node, again.grounds.get(id_), inputs, snapshot):
            fresh.add(id_)
    reason = f"run {again.run[:8]} did it, and nothing changed since"
    return {
        i: Task(i, graph.nodes[i].kind, _label(graph.nodes[i]), (), reason=reason, relation=graph.nodes[i].relation)
        for i in wanted
        if i in fresh
    }


def _published(graph: Graph, snapshot: Snapshot, runs: frozenset[str]) -> frozenset[str]:
    """What these runs published, by the ledger. A model built by interval is not among it: its own ledger knows what is left."""
    from orchestrator.plan.expand.microbatch import is_microbatch

    found = (id_ for id_, row in snapshot.ledger.items() if row.run in runs and id_ in graph.nodes)
    return frozenset(id_ for id_ in found if not is_microbatch(graph.nodes[id_]))


def _as_it_was(node: Node, before: Grounds | None, inputs: Sequence[Node], snapshot: Snapshot) -> bool:
    held = snapshot.ledger.get(node.id)
    if before is None or before.fingerprint != node.fingerprint or held is None or held.fingerprint != node.fingerprint:
        return False
    if node.relation is None or snapshot.find(node.relation) is None:
        return False
    published = [snapshot.ledger[p.id] for p in inputs if p.id in snapshot.ledger]
    return all(_moment(p.at) <= _moment(held.at) for p in published)


def _moment(at: str) -> datetime:
    from datetime import UTC

    found = datetime.fromisoformat(at)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _label(node: Node) -> str:
    from orchestrator.plan.expand import label

    return label(node, node.relation) if node.has_data and node.relation is not None else node.name


def last_failure(history: History, given: Mapping[str, Any]) -> Past | None:
    """The last run, if something of it failed, was skipped, or never got a result. Options given now win over its own."""
    last = history.run(given["of"]) if given.get("of") else history.last_run(given.get("target"), commands=RETRIABLE)
    nodes = history.unsuccessful(last.id) if last else ()
    if last is None or not nodes:
        return None
    before: dict[str, Any] = dict(last.arguments)
    command = str(last.command)
    request = Request(
        command=command,
        full_refresh=bool(before.get("full_refresh")),
        fail_fast=bool(given.get("fail_fast") if given.get("fail_fast") is not None else before.get("fail_fast")),
        empty=bool(before.get("empty")),
        gates=bool(before.get("gates", True)),
        store_failures=before.get("store_failures"),
        warn_error=bool(given.get("warn_error") or before.get("warn_error")),
        threads=given.get("threads") or before.get("threads"),
        on_conflict=before.get("on_conflict") or "wait",
        resource_types=("model", "seed", "snapshot", "test", "unit_test"),
        event_times=asked(before),
        batches=left(history, last.id),
        invocation={**before, "retry_of": last.id},
        environment=before.get("environment") or "",
        state=before.get("state"),
        defer_state=before.get("defer_state"),
        defer=before.get("defer"),
        favor_state=bool(before.get("favor_state")),
        sample=before.get("sample"),
        stale=bool(before.get("stale")),
    )
    own = {k: v for k in ("profile", "variables") if (v := given.get(k) or before.get(k))}
    again = Again(last.id, last.planned, nodes, history.grounds(last.id))
    return Past(command, again, request, {**given, **own, "target": given.get("target") or last.target})


def left(history: History, run: str) -> dict[str, tuple[Interval, ...]]:
    """The batches that failed, of models of which others succeeded: those are not built again."""
    found = {r.node: r.batches for r in history.results(run) if r.batches and r.batches["successful"] and r.batches["failed"]}
    return {node: tuple(Interval(*bounds) for bounds in batches["failed"]) for node, batches in found.items()}


def asked(arguments: Mapping[str, Any]) -> Interval | None:
    """The range of event times that a run was limited to."""
    start, end = arguments.get("event_time_start"), arguments.get("event_time_end")
    return Interval(instant(start), instant(end)) if start and end else None
