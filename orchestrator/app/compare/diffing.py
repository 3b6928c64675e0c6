"""What is different between models here and what another target holds of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from orchestrator.app import selection
from orchestrator.app.compare.difference import difference
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.core.config import listed
from orchestrator.core.contract import written
from orchestrator.core.difference import Difference, Key, Reach, Terms, Undone
from orchestrator.core.errors import ExecuteError, Problem, UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE, NativeTestBody, Node, SqlBody
from orchestrator.core.plan import Request
from orchestrator.core.ports import Connection, Warehouse
from orchestrator.core.project import Target
from orchestrator.core.snapshot import Snapshot

COMBINED = {"unique_combination_of_columns": "combination_of_columns", "expect_compound_columns_to_be_unique": "column_list"}
"""Tests that columns are unique together, and the argument that lists them."""

EXAMPLE = "orc diff orders --against prod"


@dataclass(frozen=True, slots=True)
class Compared:
    """A model, and how its data differs."""

    id: str
    name: str
    result: Difference | Undone


@dataclass(frozen=True, slots=True)
class Against:
    """What to compare with: a target of the profile, or one relation. ``on`` are the columns of a key."""

    target: str | None = None
    relation: str | None = None
    on: tuple[str, ...] = ()


def diff(workspace: Workspace, request: Request, against: Against, terms: Terms, *, show_pii: bool = False) -> Iterator[Compared]:
    """Compare the selected models, one after another, with what they are compared against. Nothing is written anywhere.

    Raises:
        UsageError: U050 nothing, or too much, to compare; U051 the targets are one, or of two engines.
        WarehouseError: there is no connection.
    """
    from orchestrator.adapters import registry

    nodes = _nodes(workspace, request)
    others, reached, elsewhere = _others(workspace, nodes, against)
    masked = {} if show_pii else personal(workspace, nodes)
    with ExitStack() as ended:

        def opened(target: Target) -> Warehouse:
            found = registry.warehouse(registry.comparing(target), str(workspace.invocation.root), workspace.invocation.id)
            ended.callback(found.close)
            return found

        warehouse = opened(workspace.project.target)
        connection = _connected(warehouse, reached, against)
        there = opened(elsewhere).connect() if elsewhere is not None else None
        renamed = dict(reached.databases).values()
        kinds = warehouse.snapshot([r for r in others.values() if r]) if renamed else Snapshot()
        for node in nodes:
            keys = (Key(against.on, "--on"),) if against.on else candidates(workspace.graph, node)
            before, after = others[node.id], node.relation
            found: Difference | Undone
            if before is None or after is None:
                found = Undone(node.id, f"{against.target or against.relation} has no table or view of `{node.name}`")
            elif before.database in renamed and getattr(kinds.find(before), "kind", "table") == "view":
                found = Undone(node.id, "a view of a database that is called like this one would read this one's tables")
            else:
                hidden = replace(terms, masked=tuple(masked.get(node.id, ())))
                found = difference(connection, workspace.dialect, before, after, keys, hidden, there=there)
            if against.on and isinstance(found, Difference) and found.key_from != "--on" and found.how != "identical":
                raise UsageError(Problem("U052", found.note.partition(";")[0] or "`--on` names no column", None, "name columns of both"))
            yield Compared(node.id, node.name, found)


def candidates(graph: Graph, node: Node) -> tuple[Key, ...]:
    """The keys that a project says a node has, the surest first: ``unique_key``, unique tests, a contract's primary key."""
    found: list[Key] = []
    unique_key = [str(c) for c in listed(node.config.get("unique_key"))]
    if node.kind == "snapshot":
        found.append(Key((str((node.config.get("snapshot_meta_column_names") or {}).get("dbt_scd_id", "dbt_scd_id")),), "snapshot"))
    elif unique_key:
        found.append(Key(tuple(unique_key), "unique_key"))
    tests = [n for n in graph.nodes.values() if n.kind == "test" and n.attached == node.id and not n.config.get("where")]
    found += [Key((t.column,), f"test {t.name}") for t in tests if t.test_name == "unique" and t.column]
    for test in tests:
        argument = COMBINED.get((test.test_name or "").rpartition(".")[2])
        body = graph.bodies[test.id] if argument else None
        columns = listed(body.arguments.get(argument)) if argument and isinstance(body, SqlBody | NativeTestBody) else []
        if columns:
            found.append(Key(tuple(str(c) for c in columns), f"test {test.name}"))
    docs = getattr(graph.bodies.get(node.id), "docs", None)
    for constraint, column in written(node.config, docs.columns if docs is not None else ()):
        if constraint.get("type") == "primary_key":
            names = [column.name] if column is not None else [str(c) for c in listed(constraint.get("columns"))]
            found.append(Key(tuple(names), "primary key"))
    return tuple(dict.fromkeys(k for k in found if k.columns))


def personal(workspace: Workspace, nodes: Sequence[Node]) -> dict[str, list[str]]:
    """The columns of nodes that hold personal data, of their own or inherited."""
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.graph.inherit import inherit

    graph = workspace.graph
    docs = (getattr(body, "docs", None) for body in graph.bodies.values())
    if not any({"pii", "contains_pii"} & {*column.meta} for one in docs if one is not None for column in one.columns):
        return {}  # where nobody classified anything, nothing is inherited, and no query has to be understood

    wanted = {n.id for n in nodes}
    found: dict[str, list[str]] = {}
    for point, heritage in inherit(graph, meanings(workspace)).items():
        if point.node in wanted and heritage.classes and not point.whole:
            found.setdefault(point.node, []).append(point.column)
    return found


def _nodes(workspace: Workspace, request: Request) -> list[Node]:
    if not (request.select or request.selector):
        raise UsageError(Problem("U050", "say which models to compare", None, EXAMPLE))
    found = selection(workspace, replace(request, resource_types=request.resource_types or tuple(BUILDABLE)))
    nodes = [workspace.graph.nodes[id_] for id_ in workspace.graph.order if id_ in found.ids]
    nodes = [n for n in nodes if n.has_data]
    if not nodes:
        nothing = Problem("U050", "the selection has no model, seed or snapshot that is a table or view", None, EXAMPLE)
        raise UsageError(*(replace(w, severity="error") for w in found.warnings or (nothing,)))
    return nodes


def _others(workspace: Workspace, nodes: Sequence[Node], against: Against) -> tuple[dict[str, Relation | None], Reach, Target | None]:
    """What each node is compared with, named as a session of this target has to name it; and the target of the session that sees
    it, if ours cannot.
    """
    if (against.target is None) == (against.relation is None):
        raise UsageError(Problem("U050", "say what to compare with: `--against` or `--against-relation`", None, EXAMPLE))
    if against.relation is not None:
        if len(nodes) != 1:
            raise UsageError(Problem("U050", f"`--against-relation` is for one model, not for {len(nodes)}", None, EXAMPLE))
        return {nodes[0].id: _named(against.relation, nodes[0])}, Reach(), None
    from orchestrator.adapters import registry

    other = open_workspace(replace(workspace.invocation, target=against.target))
    here, there = workspace.project.target, other.project.target
    if here.name == there.name:
        hint = "the target to build in is `--target`, the one to compare with `--against`"
        raise UsageError(Problem("U051", f"`{here.name}` would be compared with itself", None, hint))
    reached = registry.reach(here, there, str(workspace.invocation.root))
    if reached is None and here.type != there.type:
        raise UsageError(
            Problem(
                "U051",
                f"`{here.name}` is {here.type} and `{there.name}` is {there.type}: digests of two engines cannot be compared",
                None,
                "copy the tables into one database, and name them: `--against-relation schema.table`",
            )
        )
    names = dict(reached.databases) if reached is not None else {}
    found: dict[str, Relation | None] = {}
    for node in nodes:
        twin = other.graph.nodes.get(node.id)
        relation = twin.relation if twin is not None and twin.has_data else None
        found[node.id] = relation and replace(relation, database=names.get(relation.database or "", relation.database))
        if relation == node.relation and reached == Reach():
            hint = f"`{there.name}` needs another schema or database in profiles.yml"
            raise UsageError(Problem("U051", f"`{here.name}` and `{there.name}` build `{node.name}` in one place: {relation}", None, hint))
    return found, reached or Reach(), there if reached is None else None


def _named(text: str, node: Node) -> Relation:
    """A relation as somebody types it; what goes without saying is as the node has it."""
    parts = [p.strip('"`') for p in text.split(".")]
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise UsageError(Problem("U050", f"`{text}` names no relation", None, "--against-relation schema.table"))
    at = node.relation or Relation(None, None, node.name)
    schema = parts[-2] if len(parts) > 1 else at.schema
    return Relation(parts[0] if len(parts) == 3 else at.database, schema, parts[-1])


def _connected(warehouse: Warehouse, reached: Reach, against: Against) -> Connection:
    connection = warehouse.connect()
    for statement in reached.statements:
        try:
            connection.execute(statement)
        except ExecuteError as error:
            problem = Problem("U051", f"the database of `{against.target}` cannot be read: {error.first.message}", None, error.first.hint)
            raise UsageError(problem) from error
    return connection
