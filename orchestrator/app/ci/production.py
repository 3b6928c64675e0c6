"""Where production is: the relations that are really there, by node."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE, Node
from orchestrator.core.project import Target
from orchestrator.core.snapshot import Published, Snapshot

MOST = 5
"""Names that are told."""


@dataclass(frozen=True, slots=True)
class Production:
    """``relations`` are what is there, by node id; ``snapshot`` what is known of them. ``target`` is its name.

    ``others`` are names of what was made of another version of the code than the base: not every difference of their data is the pull
    request's.
    """

    target: str
    relations: Mapping[str, Relation]
    snapshot: Snapshot = field(default_factory=Snapshot)
    others: tuple[str, ...] = ()

    def published(self, id_: str) -> Published | None:
        """What the ledger says of a node."""
        return self.snapshot.ledger.get(id_)

    @property
    def told(self) -> str:
        """What it is and how old, in words."""
        if not self.relations:
            return f"`{self.target}`, where nothing is built yet"
        last = max((row.at for id_, row in self.snapshot.ledger.items() if id_ in self.relations), default="")
        when = f", last built {last[:16].replace('T', ' ')} UTC" if last else ""
        behind = f", where {', '.join(f'`{name}`' for name in self.others[:MOST])} {_more(self.others)} of another version than the base"
        return f"`{self.target}`{when}{behind if self.others else ''}"


def _more(names: tuple[str, ...]) -> str:
    return f"and {len(names) - MOST} more are" if len(names) > MOST else "are" if len(names) > 1 else "is"


def production(here: Workspace, then: Graph, there: Target, ids: Collection[str]) -> Production:
    """What there is of the graph ``then`` in the target ``there``, seen from that of ``here``. ``ids`` are what will be compared with it.

    Raises:
        UsageError: U062, it is in a database that the target's cannot read.
        WarehouseError: the target cannot be reached.
    """
    from orchestrator.adapters import registry

    wanted = {id_: n.relation for id_, n in then.nodes.items() if n.relation is not None and n.kind in BUILDABLE}
    warehouse = registry.warehouse(here.project.target, str(here.invocation.root), here.invocation.id)
    try:
        snapshot = warehouse.snapshot(dict.fromkeys(wanted.values()))
    finally:
        warehouse.close()
    found = {id_: relation for id_, relation in wanted.items() if snapshot.find(relation) is not None}
    ours, theirs = here.project.target, there
    if not found and wanted and (ours.type, ours.database) != (theirs.type, theirs.database):
        message = f"production is in the target `{theirs.name}` ({theirs.database}), of which `{ours.name}` ({ours.database}) sees nothing"
        hint = "`--target` and `--against` name two places of one database; `--against` may be the target itself"
        raise UsageError(Problem("U062", message, hint=hint))
    seen = snapshot.within("")
    other = (id_ for id_ in then.order if id_ in ids and id_ in found and _is_other(then.nodes[id_], seen))
    return Production(theirs.name, found, seen, tuple(then.nodes[id_].name for id_ in other))


def _is_other(node: Node, snapshot: Snapshot) -> bool:
    """Whether what is there was made of another version of the code; where nobody knows, it is taken to be this one."""
    row = snapshot.ledger.get(node.id)
    known = row is not None and bool(node.fingerprint) and row.relation == str(node.relation)
    return row is not None and known and row.fingerprint != node.fingerprint


def missing(graph: Graph, ids: Collection[str], there: Collection[str]) -> tuple[str, ...]:
    """What has to be built besides ``ids`` because they read it and production does not have it, and so on."""
    found: dict[str, None] = {}
    waiting = list(ids)
    while waiting:
        for parent in _read(graph, waiting.pop()):
            if parent not in ids and parent not in there and parent not in found:
                found[parent] = None
                waiting.append(parent)
    return tuple(id_ for id_ in graph.order if id_ in found)


def _read(graph: Graph, id_: str) -> Iterator[str]:
    return (node.id for node in graph.inputs(id_) if node.has_data)
