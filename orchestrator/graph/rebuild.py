"""What a change of the project makes necessary to build: what changed, and those below it that read something of the change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.graph.compare import Change, Version
from orchestrator.graph.impact import Effect, consequences
from orchestrator.graph.lineage import Point, label

TOLD = frozenset({"tags", "meta", "group", "docs", "description", "access", "lint", "deprecation_date", "owner"})
"""Keys of the config that are told to people and change nothing in the warehouse."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """``ids`` have to be built: models, seeds and snapshots of the new version. ``reasons`` say why, by id: what changed about it, or what
    it reads of a change. ``changed`` are those of ``ids`` that changed themselves, ``unaffected`` are descendants that read nothing of
    any change. ``tests`` are new or say something else, wherever they look.
    """

    ids: frozenset[str]
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    unaffected: tuple[str, ...] = ()
    tests: frozenset[str] = frozenset()

    @property
    def affected(self) -> frozenset[str]:
        """Those that say what they said, and are different all the same."""
        return self.ids - self.changed


def rebuild(before: Version, after: Version, changes: Iterable[Change], *, widen: bool = False) -> Rebuild:
    """What has to be built because of ``changes`` (of :func:`~orchestrator.graph.compare.compare`).

    A change of a column reaches who reads that column, a change of the rows everybody below; ``widen`` takes everybody below any
    change. Layout, comments, and what only people read make nothing necessary. Ephemeral models are seen through.
    """
    changes = tuple(changes)
    counted = tuple(c for c in changes if _counts(before.graph, after.graph, c))
    reasons: dict[str, dict[str, None]] = {}
    changed: dict[str, None] = {}
    for change in counted:
        if change.node in after.graph.nodes:
            changed[change.node] = None
            reasons.setdefault(change.node, {})[words(change)] = None
    for consequence in consequences(before, after, counted):
        for effect in (*consequence.impact.columns, *consequence.impact.tables):
            id_ = effect.point.node
            if id_ in after.graph.nodes and id_ != consequence.change.node:
                reasons.setdefault(id_, {})[_reads(after.graph, before.graph, effect)] = None
    gone = [c.node for c in counted if c.category == "removed"]
    below = after.graph.descendants(changed) | (before.graph.descendants(gone) & after.graph.nodes.keys())
    if widen:
        for id_ in below - reasons.keys():
            reasons[id_] = {"downstream of a change": None}
    ids = frozenset(id_ for id_ in reasons if after.graph.nodes[id_].has_data)
    return Rebuild(
        ids,
        {id_: tuple(reasons[id_]) for id_ in after.graph.order if id_ in ids},
        frozenset(id_ for id_ in changed if id_ in ids),
        tuple(id_ for id_ in after.graph.order if id_ in below and id_ not in ids and after.graph.nodes[id_].has_data),
        frozenset(_tests(before.graph, after.graph)),
    )


def words(change: Change) -> str:
    """A change as a reason.

    >>> words(Change("m", "expression changed", "amount")), words(Change("m", "column renamed", "net", "amount", "net"))
    ('expression changed: amount', 'column renamed: amount → net')
    """
    match change.category:
        case "column renamed":
            return f"column renamed: {change.before} → {change.after}"
        case "type changed":
            return f"type changed: {change.column} ({change.before} → {change.after})"
        case "row set changed" if change.after and not change.before:
            return f"row set changed: {change.after}"
        case "row set changed" | "config" if change.before or change.after:
            return f"{change.category}: {change.before or '(not set)'} → {change.after or '(not set)'}"
        case "moved":
            return f"moved: {change.before} → {change.after}"
        case _:
            return f"{change.category}: {change.column}" if change.column else change.category


def _counts(before: Graph, after: Graph, change: Change) -> bool:
    """Whether a change makes any difference in the warehouse."""
    old, new = before.nodes.get(change.node), after.nodes.get(change.node)
    match change.category:
        case "cosmetic":
            return False
        case "config":
            return old is None or new is None or bool(_differing(old, new) - TOLD)
        case "moved":
            return old is not None and new is not None and str(old.relation) == change.before and str(new.relation) == change.after
        case "added":
            return new is not None and new.kind != "source"
        case _:
            return True


def _differing(old: Node, new: Node) -> set[str]:
    return {k for k in old.config.keys() | new.config.keys() if old.config.get(k) != new.config.get(k)}


def _reads(after: Graph, before: Graph, effect: Effect) -> str:
    """What a node reads of a change: the last hop of the way that leads there from another node."""
    hop = next((h for h in reversed(effect.path) if h.parent.node != effect.point.node), None)
    parent = hop.parent if hop is not None else Point(effect.point.node)
    node = after.nodes.get(parent.node) or before.nodes[parent.node]
    return f"reads the rows of {label(node)}" if parent.whole else f"reads {label(node)}.{parent.column}"


def _tests(before: Graph, after: Graph) -> Iterator[str]:
    for id_, node in after.nodes.items():
        if node.kind not in ("test", "unit_test"):
            continue
        old = before.nodes.get(id_)
        if old is None or old.config != node.config or before.bodies.get(id_) != after.bodies.get(id_):
            yield id_
