"""What every query of a project means, parents first: each is understood with the columns of what it reads in hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.core.contract import enforced
from orchestrator.core.dialect import Dialect
from orchestrator.core.files import digest
from orchestrator.core.graph import Graph
from orchestrator.core.history import added, history, word
from orchestrator.core.meaning import Meaning, Output, Shape, Use
from orchestrator.core.node import Body, Column, Kind, Node, PythonBody, Query, SeedBody, SourceBody, SqlBody

Understand = Callable[[Query, Mapping[str, tuple[str, Shape]], str], Meaning]
"""Reads a query: its inputs (by the name it gives them: node id, and what is known of its columns), and sqlglot's name of the dialect."""

KINDS: frozenset[Kind] = frozenset({"model", "seed", "snapshot", "source", "analysis", "test"})
"""Kinds of nodes that have columns; of the tests only the singular ones."""

LATE = "its SQL is only known when it runs"
UNREAD = "its SQL is not read (`parse: false`)"
PYTHON = "a Python model: which columns it makes of which is not read"
UNDECLARED = "its columns are not all declared, and nobody has looked into the warehouse (`orc docs generate` does)"
OLD = "the warehouse was last looked at before all its columns were declared (`orc docs generate` looks again)"
OWN = "what its own table holds before the run"


@dataclass(frozen=True, slots=True)
class Kept:
    """A meaning that need not be worked out again. ``key`` names what it follows from, ``shape`` what readers see of it; both are digests.

    ``read`` gets it, and may raise ``LookupError`` or ``ValueError`` when whoever kept it cannot give it back.
    """

    key: str
    shape: str
    read: Callable[[], Meaning]


@dataclass(eq=False)
class Meanings(Mapping[str, Meaning]):
    """Meanings by node id; one that was kept is fetched when it is asked for.

    ``fresh`` are those that had to be worked out; ``anew`` works all of them out, should one that was kept turn out to be lost.
    """

    kept: dict[str, Kept] = field(default_factory=dict)
    fresh: dict[str, Kept] = field(default_factory=dict)
    anew: Callable[[], Meanings] | None = None
    _read: dict[str, Meaning] = field(default_factory=dict)

    def __getitem__(self, id_: str) -> Meaning:
        found = self._read.get(id_)
        if found is None:
            kept = self.kept[id_]
            try:
                found = kept.read()
            except (LookupError, TypeError, ValueError):
                if self.anew is None:
                    raise
                self.kept, self.anew = self.anew().kept, None
                found = self.kept[id_].read()
            self._read[id_] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def __contains__(self, id_: object) -> bool:
        return id_ in self.kept


def meanings(
    graph: Graph,
    dialect: Dialect,
    known: Mapping[str, Shape] | None = None,
    remembered: Mapping[str, Kept] | None = None,
    *,
    understand: Understand | None = None,
) -> Meanings:
    """The meaning of every node that has columns.

    ``known`` are columns that no SQL tells, by node id: a seed's header, what a warehouse was seen to hold. They count for seeds,
    sources, Python models and templates that are rendered late; the SQL of all others has the last word. What is ``remembered`` is
    not worked out again as long as its key is the same: a node's own text and the *shapes* of what it reads, so a parent whose
    columns stay what they were costs its children nothing.
    """
    seen, before, found = known or {}, remembered or {}, Meanings()
    for id_ in graph.order:
        node = graph.nodes[id_]
        if not has_columns(node):
            continue
        body = graph.bodies[id_]
        key = _key(node, body, seen.get(id_), found.kept)
        kept = before.get(id_)
        if kept is None or kept.key != key:
            kept = found.fresh[id_] = _worked_out(graph, node, body, dialect, seen, found, key, understand)
        found.kept[id_] = kept
    return found


def has_columns(node: Node) -> bool:
    """Whether anything can be said about a node's columns."""
    return node.kind in KINDS and node.test_name is None


def shape(node: Node, columns: tuple[Column, ...], meaning: Meaning, dialect: Dialect) -> Shape:
    """What readers of a node may know of its columns: what its contract says, where one is enforced; else what it means."""
    return _promised(node, columns, dialect) or meaning.shape


def seed_shape(header: tuple[str, ...], types: Mapping[str, str] | None = None, observed: Shape | None = None) -> Shape:
    """A seed's columns: its header, with the types of its configuration, or those the warehouse was seen to have given it.

    >>> seed_shape(("id", "Name"), {"ID": "bigint"}, Shape((("id", "integer"), ("name", "varchar"))))
    Shape(columns=(('id', 'bigint'), ('Name', 'varchar')), complete=True, unknown='')
    """
    said = {**_folded(observed.columns if observed else ()), **{name.casefold(): kind for name, kind in (types or {}).items()}}
    return Shape(tuple((name, said.get(name.casefold())) for name in header), complete=True)


def _worked_out(
    graph: Graph,
    node: Node,
    body: Body,
    dialect: Dialect,
    known: Mapping[str, Shape],
    found: Meanings,
    key: str,
    understand: Understand | None,
) -> Kept:
    def seen_as(id_: str) -> Shape:
        if id_ == node.id:
            return known.get(id_) or Shape(unknown=OWN)
        if id_ not in found:
            return Shape(unknown="nothing is known of it")
        return shape(graph.nodes[id_], graph.bodies[id_].docs.columns, found[id_], dialect)

    meaning = _meaning(node, body, dialect, known.get(node.id), seen_as, understand)
    facing = shape(node, body.docs.columns, meaning, dialect)
    said = json.dumps([facing.columns, facing.complete, facing.unknown])
    return Kept(key, digest(said.encode()), lambda: meaning)


def _key(node: Node, body: Body, known: Shape | None, parents: Mapping[str, Kept]) -> str:
    """A digest of all that a node's meaning follows from."""
    columns = [(c.name, c.data_type, c.quote) for c in body.docs.columns]
    promise = (node.config.get("contract"), node.is_ephemeral)
    said: list[object] = [node.id, node.kind, columns, promise, None if known is None else [known.columns, known.complete]]
    if isinstance(body, SqlBody):
        faces = [body.query.sql, body.incremental and body.incremental.sql, body.late, node.config.get("parse")]
        links = [[name, id_, parents[id_].shape if id_ in parents else None] for name, id_ in node.links]
        past = {k: v for k, v in node.config.items() if node.kind == "snapshot"}
        said += [*faces, links, past]
    return digest(json.dumps(said, default=str, sort_keys=True).encode())


def _meaning(
    node: Node,
    body: Body,
    dialect: Dialect,
    known: Shape | None,
    seen_as: Callable[[str], Shape],
    understand: Understand | None,
) -> Meaning:
    promised = _promised(node, body.docs.columns, dialect)
    match body:
        case SqlBody():
            meaning = _query(node, body, dialect, known, seen_as, understand)
            if node.kind == "snapshot":
                meaning = _with_history(node, meaning, dialect)
            return meaning if promised is None else _completed(meaning, promised, "it is promised, but what makes it is not known")
        case SeedBody():
            return _listed(known or Shape(unknown="its header is not known"))
        case SourceBody():
            return _listed(promised or _declared(body.docs.columns, known, dialect))
        case PythonBody():
            return _listed(promised or _declared(body.docs.columns, known, dialect), PYTHON)
        case _:
            return Meaning(complete=False, unknown="it has no columns")


def _query(
    node: Node,
    body: SqlBody,
    dialect: Dialect,
    known: Shape | None,
    seen_as: Callable[[str], Shape],
    understand: Understand | None,
) -> Meaning:
    if node.config.get("parse") is False:
        return _listed(_declared(body.docs.columns, known, dialect, UNREAD), UNREAD)
    read_query = understand or _understand()
    links = {**dict(node.links), "this": node.id}

    def read(query: Query, own: Shape | None = None) -> Meaning:
        ids = {r.name: links[r.name] for r in query.reads if r.name in links}
        inputs = {name: (id_, own if own is not None and id_ == node.id else seen_as(id_)) for name, id_ in ids.items()}
        return read_query(query, inputs, dialect.sqlglot)

    meaning = read(body.query)
    if body.incremental is not None and body.incremental.sql != body.query.sql:
        meaning = _both_faces(meaning, read(body.incremental, meaning.shape), node.id)
    if not body.late:
        return meaning
    # The text was rendered without a warehouse: what it says is probable, and nothing to find fault with.
    guessed = replace(meaning, columns=tuple(replace(c, unknown=c.unknown or LATE) for c in meaning.columns), findings=())
    if known is not None and known.complete:
        return replace(guessed, columns=tuple(_ordered(guessed, known, LATE)), complete=True, unknown="")
    return replace(guessed, complete=False, unknown=LATE)


def _understand() -> Understand:
    """The one that needs sqlglot: imported when there is something new to read."""
    from orchestrator.sql.understand.understand import understand

    found: Understand = understand
    return found


def _both_faces(first: Meaning, second: Meaning, own: str) -> Meaning:
    """An incremental model's meaning: what only its second face uses is used, too, at no place of the first face's text."""
    other = {c.name.casefold(): c.uses for c in second.columns}
    columns = tuple(replace(c, uses=_joined(c.uses, other.get(c.name.casefold(), ()), own)) for c in first.columns)
    findings = (*first.findings, *(replace(f, incremental=True) for f in second.findings))
    return replace(first, columns=columns, rows=_joined(first.rows, second.rows, own), findings=findings)


def _joined(uses: tuple[Use, ...], others: tuple[Use, ...], own: str) -> tuple[Use, ...]:
    there = {(u.node, u.column, u.kind) for u in uses}
    further = {key: Use(*key) for u in others if (key := (u.node, u.column, u.kind)) not in there and u.node != own}
    return (*uses, *further.values()) if further else uses


def _with_history(node: Node, meaning: Meaning, dialect: Dialect) -> Meaning:
    """A snapshot's query and the columns that the snapshot adds to it."""
    asked = history(node.config)
    moment = (asked.updated_at or "").casefold()
    by_name = {c.name.casefold(): c for c in meaning.columns}
    stamp = tuple(replace(u, kind="renamed") if u.kind == "passed" else u for u in by_name[moment].uses) if moment in by_name else ()
    keyed = [u for key in asked.keys if word(key) and key.casefold() in by_name for u in by_name[key.casefold()].uses]
    names = asked.meta
    made = {
        names.dbt_scd_id: tuple(dict.fromkeys(_transformed(u) for u in (*keyed, *stamp))),
        names.dbt_updated_at: stamp,
        names.dbt_valid_from: stamp,
        names.dbt_valid_to: tuple(_transformed(u) for u in stamp),
    }
    typed = [(c.name, c.type) for c in meaning.columns if c.type is not None]
    times = {names.dbt_updated_at, names.dbt_valid_from, names.dbt_valid_to}
    sure = moment in {name.casefold() for name, _ in typed}
    further = [
        Output(name, None if name in times and not sure else dialect.declared_type(type_), made.get(name, ()))
        for name, type_ in added(asked, typed)
        if name.casefold() not in by_name
    ]
    return replace(meaning, columns=(*meaning.columns, *further))


def _transformed(use: Use) -> Use:
    return replace(use, kind="transformed") if use.kind in ("passed", "renamed") else use


def _promised(node: Node, columns: tuple[Column, ...], dialect: Dialect) -> Shape | None:
    """The columns of an enforced contract."""
    if node.kind not in ("model", "source") or node.is_ephemeral or not enforced(node.config) or not columns:
        return None
    return Shape(_said(columns, dialect, aliased=node.config["contract"].get("alias_types", True)), complete=True)


def _declared(columns: tuple[Column, ...], known: Shape | None, dialect: Dialect, unknown: str = UNDECLARED) -> Shape:
    """What was seen, else what is documented; people document some columns and call it a day, so those are not all."""
    said = _said(columns, dialect)
    if known is None:
        return Shape(said, complete=False, unknown=unknown)
    there = _folded(known.columns)
    later = tuple((name, kind) for name, kind in said if name.casefold() not in there)
    types = _folded(said)
    both = (*((name, kind or types.get(name.casefold())) for name, kind in known.columns), *later)
    return Shape(both, known.complete and not later, OLD if later else known.unknown)


def _said(columns: tuple[Column, ...], dialect: Dialect, *, aliased: bool = True) -> tuple[tuple[str, str | None], ...]:
    """Columns as their author declares them, in the engine's names and types."""
    return tuple(
        (dialect.declared_name(c.name, quoted=c.quote), dialect.declared_type(c.data_type) if c.data_type and aliased else c.data_type)
        for c in columns
    )


def _listed(found: Shape, unknown: str = "") -> Meaning:
    return Meaning(tuple(Output(name, kind, unknown=unknown) for name, kind in found.columns), (), found.complete, found.unknown)


def _completed(meaning: Meaning, by: Shape, unknown: str) -> Meaning:
    """A query's columns, with the types and further columns of what it is known to become."""
    types = _folded(by.columns)
    there = {c.name.casefold() for c in meaning.columns}
    columns = tuple(replace(c, type=types.get(c.name.casefold())) if c.type is None else c for c in meaning.columns)
    if meaning.complete:
        return replace(meaning, columns=columns)
    further = tuple(Output(name, kind, unknown=unknown) for name, kind in by.columns if name.casefold() not in there)
    return replace(meaning, columns=(*columns, *further), complete=True, unknown="")


def _ordered(meaning: Meaning, by: Shape, unknown: str) -> Iterator[Output]:
    """Exactly the columns of ``by``, with what the query says about each."""
    there = {c.name.casefold(): c for c in meaning.columns}
    for name, kind in by.columns:
        known = there.get(name.casefold())
        yield Output(name, kind, unknown=unknown) if known is None else replace(known, name=name, type=kind or known.type)


def _folded(columns: tuple[tuple[str, str | None], ...]) -> dict[str, str | None]:
    return {name.casefold(): kind for name, kind in columns}
