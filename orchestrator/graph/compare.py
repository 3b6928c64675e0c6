"""What is different between two versions of a project, in the words of its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.core.files import digest
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output
from orchestrator.core.node import Body, Node, PythonBody, Query, Read, SeedBody, SqlBody
from orchestrator.graph.lineage import TRACED

if TYPE_CHECKING:
    from orchestrator.sql.difference import Difference

Category = Literal[
    "added", "removed", "column added", "column removed", "column renamed", "expression changed", "type changed", "row set changed",
    "config", "moved", "cosmetic",
]  # fmt: skip
"""``added`` and ``removed`` are whole nodes. ``row set changed`` is also what cannot be shown to leave the rows alone."""

ROWS: frozenset[str] = frozenset(
    {
        "unique_key", "incremental_strategy", "incremental_predicates", "predicates", "merge_update_columns", "merge_exclude_columns",
        "on_schema_change", "strategy", "updated_at", "check_cols", "hard_deletes", "invalidate_hard_deletes", "event_time", "begin",
        "column_types", "delimiter", "sql_header",
    }
)  # fmt: skip
"""Keys of the config that decide about rows or values; all others change where and how a table is, not what is in it."""


@dataclass(frozen=True, slots=True)
class Version:
    """A project as it is, or was. ``dialect`` is sqlglot's name of the engine's."""

    graph: Graph
    meanings: Mapping[str, Meaning]
    dialect: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different about a node. ``before`` and ``after`` are names, types, expressions or places: what changed."""

    node: str
    category: Category
    column: str = ""
    before: str = ""
    after: str = ""


def compare(before: Version, after: Version, only: Collection[str] | None = None) -> tuple[Change, ...]:
    """All changes, parents first; what is gone comes last. ``only`` are the ids of nodes that may have changed, where that is known.

    A node that says what it said is only compared in its columns: those of its parents may have changed them (a star, a type).
    Where a text cannot be taken apart (Python, a seed's file, SQL that is known only at run time), any change of it is taken to
    change the rows.
    """
    here, there = after.graph, before.graph
    found: list[Change] = []
    for id_ in here.order:
        if here.nodes[id_].kind not in TRACED or (only is not None and id_ not in only):
            continue
        found += _changes(before, after, id_) if id_ in there.nodes else [Change(id_, "added", after=here.nodes[id_].path)]
    gone = (id_ for id_ in there.order if id_ not in here.nodes and there.nodes[id_].kind in TRACED)
    return (*found, *(Change(id_, "removed", before=there.nodes[id_].path) for id_ in gone))


def _changes(before: Version, after: Version, id_: str) -> Iterator[Change]:
    old, new = before.graph.nodes[id_], after.graph.nodes[id_]
    was, now = before.meanings.get(id_), after.meanings.get(id_)
    bodies = before.graph.bodies.get(id_), after.graph.bodies.get(id_)
    own = _content(bodies[0]) != _content(bodies[1])
    found = [replace(c, node=id_) for c in (*_columns(was, now), *_rows_by_config(old, new))]
    if not own and (other := _reads_another(before, after, id_)):
        found.append(Change(id_, "row set changed", after=other))
    if own:
        found += _own(before, after, id_, {c.column for c in found} | {c.before for c in found if c.category == "column renamed"})
    yield from found
    yield from _settings(old, new)
    if old.path != new.path:
        yield Change(id_, "moved", before=old.path, after=new.path)
    if old.relation != new.relation and old.relation and new.relation:
        yield Change(id_, "moved", before=str(old.relation), after=str(new.relation))
    if not found and (own or _told(bodies[0]) != _told(bodies[1])):
        yield Change(id_, "cosmetic")


def _reads_another(before: Version, after: Version, id_: str) -> str:
    """What a node reads in place of something else although it says what it said: a model took a table's name, or lost it."""
    was, now = dict(before.graph.nodes[id_].links), dict(after.graph.nodes[id_].links)
    for written in was.keys() | now.keys():
        old, new = before.graph.nodes.get(was.get(written, "")), after.graph.nodes.get(now.get(written, ""))
        if (old.id if old else None) != (new.id if new else None):
            shown = [f"the {node.kind} `{node.name}`" if node is not None else "a table of somebody else" for node in (new, old)]
            return f"it reads {shown[0]} now, not {shown[1]}"
    return ""


def _columns(was: Meaning | None, now: Meaning | None) -> Iterator[Change]:
    """Names and types, whoever changed them."""
    if was is None or now is None or was == now:
        return
    old, new = {c.name: c for c in was.columns}, {c.name: c for c in now.columns}
    gone, come = [c for n, c in old.items() if n not in new], [c for n, c in new.items() if n not in old]
    renamed = dict(_renamed(gone, come))
    for column in now.columns:
        if (previous := next((o for o, n in renamed.items() if n == column.name), None)) is not None:
            yield Change("", "column renamed", column.name, previous, column.name)
        elif column.name not in old:
            yield Change("", "column added", column.name, after=column.expression)
        elif (one := old[column.name].type) and column.type and one.casefold() != column.type.casefold():
            yield Change("", "type changed", column.name, one, column.type)
    for column in gone:
        if column.name not in renamed:
            yield Change("", "column removed", column.name, before=column.expression)


def _renamed(gone: list[Output], come: list[Output]) -> Iterator[tuple[str, str]]:
    """Columns that are made of the same as before under another name. Two that are made alike are not told apart."""
    for old in gone:
        same = [new for new in come if _making(new) == _making(old)]
        if len(same) == 1 and sum(_making(o) == _making(old) for o in gone) == 1:
            yield old.name, same[0].name


def _making(output: Output) -> tuple[str, frozenset[tuple[str, str, str]]]:
    kinds = {"renamed": "passed"}
    made = " ".join(output.expression.split()).casefold()
    return made, frozenset((u.node, u.column, kinds.get(u.kind, u.kind)) for u in output.uses)


def _rows_by_config(old: Node, new: Node) -> Iterator[Change]:
    differing = [k for k in sorted(ROWS) if old.config.get(k) != new.config.get(k)]
    if differing:
        yield Change("", "row set changed", before=_values(old, differing), after=_values(new, differing))


def _settings(old: Node, new: Node) -> Iterator[Change]:
    keys = sorted((old.config.keys() | new.config.keys()) - ROWS)
    differing = [k for k in keys if old.config.get(k) != new.config.get(k)]
    if differing:
        yield Change(new.id, "config", before=_values(old, differing), after=_values(new, differing))


def _values(node: Node, keys: list[str]) -> str:
    return ", ".join(f"{k}: {node.config[k]}" for k in keys if k in node.config)


def _own(before: Version, after: Version, id_: str, known: set[str]) -> Iterator[Change]:
    """What the node's own text changed: expressions and rows. ``known`` are the columns of which something is said already."""
    different = _difference(before, after, id_)
    was, now = before.meanings.get(id_), after.meanings.get(id_)
    if different is None:
        yield Change(id_, "row set changed", after=_why(after.graph.bodies.get(id_)))
        return
    old = {c.name: c for c in was.columns} if was is not None else {}
    for column in now.columns if now is not None else ():
        if column.name in old and column.name not in known and column.name.casefold() in different.columns:
            yield Change(id_, "expression changed", column.name, old[column.name].expression, column.expression)
    if different.rows:
        yield Change(id_, "row set changed")
    elif different.rest and not (was and now and was.complete and now.complete):
        yield Change(id_, "row set changed", after="its columns are not all known, and those may be made differently")


def _difference(before: Version, after: Version, id_: str) -> Difference | None:
    """How the two texts of a model differ, both faces of an incremental one taken together; ``None``: nobody can tell."""
    old, new = before.graph.bodies.get(id_), after.graph.bodies.get(id_)
    if not isinstance(old, SqlBody) or not isinstance(new, SqlBody) or old.late or new.late:
        return None
    if (old.incremental is None) != (new.incremental is None):
        return None
    from orchestrator.sql.difference import Difference, difference
    from orchestrator.sql.parts import parts

    pairs = [(old.query, new.query), *([(old.incremental, new.incremental)] if old.incremental and new.incremental else [])]
    columns, rows, rest = set[str](), False, False
    names = {c.name.casefold() for m in (before.meanings.get(id_), after.meanings.get(id_)) if m is not None for c in m.columns}
    for one, other in pairs:
        if one.canon == other.canon:
            continue
        then = parts(_linked(one, before.graph.nodes[id_]), before.dialect)
        now = parts(_linked(other, after.graph.nodes[id_]), after.dialect)
        if then is None or now is None:
            return None
        found = difference(then, now, names)
        columns |= found.columns
        rows |= found.rows
        rest |= found.rest
    return Difference(frozenset(columns), rows, rest)


def _linked(query: Query, node: Node) -> str:
    """The text with each relation under one name: `ref('orders')` and `mart.orders` are the same."""
    from orchestrator.sql.splice import splice

    links = dict(node.links)

    def name(read: Read) -> str | None:
        if read.name not in links:
            return None
        plain = f"orc_{digest(links[read.name].encode())[:12]}"
        bare = read.name.rstrip(":").split(":")[-1].split(".")[-1].strip('"`')
        return f"{plain} as {bare}" if read.qualified and bare.isidentifier() else plain

    return splice(query, name).sql


def _why(body: Body | None) -> str:
    match body:
        case PythonBody():
            return "its code changed: what that does to its rows is not known"
        case SeedBody():
            return "its file changed"
        case SqlBody(late=True):
            return "its template changed, and what it renders to is known only at run time"
        case _:
            return "its text changed, and cannot be taken apart"


def _content(body: Body | None) -> Any:
    """What a node says, layout and comments left out."""
    match body:
        case SqlBody():
            return (body.query.canon, body.incremental.canon if body.incremental else None, body.raw if body.late else None)
        case PythonBody():
            return body.raw
        case SeedBody():
            return body.checksum
        case _:
            return None


def _told(body: Body | None) -> Any:
    """Everything people read: the text as it is written, and what is told about it."""
    if body is None:
        return None
    docs = body.docs
    return getattr(body, "raw", None), docs.description, tuple((c.name, c.description, c.tags, c.meta) for c in docs.columns)
