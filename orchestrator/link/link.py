"""Drafts → a graph: every name resolved to a node, no duplicates, no cycles; or all the reasons why not."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.core.declaration import Draft
from orchestrator.core.errors import Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.graph import Graph
from orchestrator.core.node import Body, Node, Read, SqlBody
from orchestrator.graph.cycles import cycle
from orchestrator.link.duplicates import duplicates
from orchestrator.link.fingerprints import content, fingerprints
from orchestrator.link.names import Names, index, split

Locate = Callable[[str, int, bool], tuple[Span, tuple[tuple[str, Span], ...]]]
"""``(node id, offset in its rendered query, incremental face?)`` → the place in the author's file, and the macro calls to it."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """One name in one node, where it is written, and what it turned out to mean."""

    written: str
    target: str | None
    offset: int | None = None
    incremental: bool = False
    line: int = 1


def link(drafts: Iterable[Draft], project: str, locate: Locate, problems: list[Problem], *, strict: bool = False, key: str = "") -> Graph:
    """Resolve every name. Problems are added to ``problems``; the graph returned is whole only if no error is among them.

    ``strict`` makes a read of something nobody declares an error instead of a warning.
    """
    live, off = _enabled(drafts)
    problems += duplicates(d.node for d in live)
    names = index(d.node for d in live)
    disabled = {d.node.name for d in off}
    warnings: list[Problem] = []
    edges: dict[str, list[_Edge]] = {}
    nodes: dict[str, Node] = {}
    bodies: dict[str, Body] = {}
    for draft in live:
        node = draft.node
        if node.id in nodes:
            continue
        found = _edges(draft, names)
        if node.kind in ("test", "unit_test") and any(e.target is None and _name_of(e.written) in disabled for e in found):
            continue
        edges[node.id] = found
        for edge in found:
            if edge.target is None:
                _missing(node, edge, names, disabled, locate, problems, warnings, strict)
        nodes[node.id] = _linked(node, found, draft.body)
        bodies[node.id] = draft.body
    _ambiguous(live, names, locate, problems)
    if _no_cycle(nodes, edges, locate, problems):
        nodes = fingerprints(nodes)
    return Graph(nodes, bodies, tuple(warnings), key=key, project=project, disabled=tuple(d.node.id for d in off))


def relink(graph: Graph, changed: Sequence[Draft], locate: Locate, problems: list[Problem], *, strict: bool = False) -> Graph | None:
    """The graph after the text of some of its nodes changed; the same as linking everything again, for the price of the change.

    ``None`` when more than texts changed (a name, a schema, ``enabled``) or a circle came to be: then link everything.
    """
    if any(d.node.id not in graph.nodes or _identity(d.node) != _identity(graph.nodes[d.node.id]) for d in changed):
        return None
    names = index(graph.nodes.values())
    disabled = {id_.rpartition(".")[2] for id_ in graph.disabled}
    again = {d.node.id for d in changed}
    warnings = [w for w in graph.warnings if w.node not in again]
    nodes = dict(graph.nodes)
    for draft in changed:
        found = _edges(draft, names)
        for edge in found:
            if edge.target is None:
                _missing(draft.node, edge, names, disabled, locate, problems, warnings, strict)
        nodes[draft.node.id] = _linked(draft.node, found, draft.body)
    _ambiguous(changed, names, locate, problems)
    if any(_reads_itself(id_, nodes) for id_ in again):
        return None
    bodies = ChainMap({d.node.id: d.body for d in changed}, graph.bodies)  # type: ignore[arg-type]
    return replace(graph, nodes=fingerprints(nodes, again), bodies=bodies, warnings=tuple(warnings))


def _reads_itself(id_: str, nodes: Mapping[str, Node]) -> bool:
    """Whether a node is among its own ancestors: a new circle goes through a node whose text is new."""
    seen: set[str] = set()
    edge = list(nodes[id_].depends_on)
    while edge:
        parent = edge.pop()
        if parent == id_:
            return True
        if parent not in seen and parent in nodes:
            seen.add(parent)
            edge += nodes[parent].depends_on
    return False


def _identity(node: Node) -> tuple[object, ...]:
    """What other nodes' names resolve by."""
    return (
        node.kind,
        node.name,
        node.package,
        node.fqn,
        node.relation,
        node.config.get("schema"),
        node.config.get("enabled"),
        node.is_ephemeral,
    )


def _enabled(drafts: Iterable[Draft]) -> tuple[list[Draft], list[Draft]]:
    live: list[Draft] = []
    off: list[Draft] = []
    for draft in drafts:
        (off if draft.node.config.get("enabled") is False else live).append(draft)
    return live, off


def _edges(draft: Draft, names: Names) -> list[_Edge]:
    node = draft.node
    found = [_Edge(name, _target(name, names, node), line=line) for name, line in draft.wants]
    body = draft.body
    if isinstance(body, SqlBody):
        for query, incremental in ((body.query, False), (body.incremental, True)):
            reads = (r for r in query.reads if r.name != "this") if query else ()
            found += [_Edge(r.name, None if _own(r.name, node) else _target(r.name, names, node), r.start, incremental) for r in reads]
    return found


def _own(written: str, node: Node) -> bool:
    """Whether a plain name is where the node itself is built, schema and all: what stands there before the build, then, and no edge.

    An incremental model does read itself; and a bare name is a slip, which the circle it makes will show.
    """
    relation = node.relation
    if relation is None or ":" in written or node.materialized == "incremental":
        return False
    parts = [p.casefold() for p in split(written)]
    place = [(p or "").casefold() for p in (relation.database, relation.schema, relation.name)]
    return len(parts) > 1 and parts == place[-len(parts) :]


def _target(written: str, names: Names, node: Node) -> str | None:
    kind, _, rest = written.partition(":")
    if kind == "ref" and rest:
        package, name, version = rest.split(":", 2)
        return names.refs.get((package, f"{name}.v{version}" if version else name))
    if kind == "source" and rest:
        source, _, table = rest.partition(":")
        return names.sources.get((source, table))
    if kind == "this":
        return node.id
    found = names.resolve(written, node.id)
    return found[0] if len(found) == 1 else None


def _linked(node: Node, edges: Sequence[_Edge], body: Body) -> Node:
    links = dict.fromkeys((e.written, e.target) for e in edges if e.target is not None)
    parents = tuple(dict.fromkeys(t for _, t in links if t != node.id or node.materialized != "incremental"))
    attached = parents[0] if node.kind in ("test", "unit_test") and node.test_name and parents else None
    if node.kind == "unit_test" and parents:
        attached = parents[0]
    return replace(
        node,
        depends_on=parents,
        links=tuple(links),
        attached=attached,
        content=content(body) + node.content,
    )


def _name_of(written: str) -> str:
    """What the author would call it."""
    kind, _, rest = written.partition(":")
    if kind == "ref" and rest:
        return rest.split(":")[1]
    if kind == "source" and rest:
        return rest.replace(":", ".", 1)
    return written


def _missing(
    node: Node,
    edge: _Edge,
    names: Names,
    disabled: set[str],
    locate: Locate,
    problems: list[Problem],
    warnings: list[Problem],
    strict: bool,
) -> None:
    name = _name_of(edge.written)
    called = edge.written.partition(":")[0] if ":" in edge.written else ""
    if not called and len(names.resolve(edge.written, node.id)) > 1:
        return  # reported as ambiguous
    span, trail = _where(node, edge, locate, name)
    reader = f"{node.kind.replace('_', ' ')} `{node.name}`"
    if name in disabled:
        problems.append(Problem("L013", f"{reader} reads `{name}`, which is disabled", span, None, trail, node=node.id))
        return
    if called == "source":
        known = [f"{s}.{t}" for s, t in names.sources]
        hint = did_you_mean(name, known, also="declare it under `sources:` in a properties file")
        problems.append(Problem("L012", f"{reader} reads the source `{name}`, which is not declared", span, hint, trail, node=node.id))
        return
    known = [*(n for _, n in names.refs), *(f"{s}.{t}" for s, t in names.sources), *_qualified(names)]
    hint = did_you_mean(name, known)
    if called == "ref":
        version = edge.written.rpartition(":")[2]
        known_versions = sorted(n.rpartition(".v")[2] for _, n in names.refs if n.startswith(f"{name}.v")) if version else []
        what = f"version {version} of `{name}`" if version else f"`{name}`"
        hint = f"its versions are {', '.join(dict.fromkeys(known_versions))}" if known_versions else hint
        message = f"{reader} refers to {what}, which does not exist"
        problems.append(Problem("L012", message, span, hint, trail, node=node.id))
        return
    if name.casefold().split(".")[-2:-1] in (["information_schema"], ["pg_catalog"]):
        return  # every engine brings these
    if _own(edge.written, node):
        message = f"{reader} reads `{name}`, which is its own table: what the last build left there"
        hint = "what adds to itself is incremental, and reads itself as {{ this }}"
    else:
        message = f"{reader} reads `{name}`, which no model, seed or source declares"
    problem = Problem(
        "L011", message, span, hint or "declare it under `sources:` to see it in lineage and check its freshness", trail, node=node.id
    )
    if strict:
        problems.append(problem)
    else:
        warnings.append(problem.as_warning())


def _qualified(names: Names) -> list[str]:
    """Names with what may stand before the dot: for spelling hints."""
    return [f"{owner}.{bare}" for bare, ids in names.bare.items() for id_ in ids for owner in names.owners[id_]]


def _where(node: Node, edge: _Edge, locate: Locate, name: str) -> tuple[Span, tuple[tuple[str, Span], ...]]:
    if edge.offset is None:
        return Span(node.path, edge.line), ()
    span, trail = locate(node.id, edge.offset, edge.incremental)
    # A plain name stands there as written; of a call, only its beginning is known.
    return (span if ":" in edge.written else replace(span, length=len(name))), trail


def _ambiguous(drafts: Sequence[Draft], names: Names, locate: Locate, problems: list[Problem]) -> None:
    twice = {bare for bare, ids in names.bare.items() if len(ids) > 1}
    if not twice:
        return
    for draft in drafts:
        for read, incremental in _plain_reads(draft.body):
            found = names.resolve(read.name, draft.node.id)
            if len(found) > 1:
                span, trail = locate(draft.node.id, read.start, incremental)
                shown = ", ".join(f"`{id_}`" for id_ in found)
                message = f"`{read.name}` in {draft.node.kind} `{draft.node.name}` can mean {shown}"
                hint = "write it with its schema or source name, or as ref() / source()"
                problems.append(Problem("L014", message, replace(span, length=len(read.name)), hint, trail, node=draft.node.id))


def _plain_reads(body: Body) -> Iterable[tuple[Read, bool]]:
    if isinstance(body, SqlBody):
        for query, incremental in ((body.query, False), (body.incremental, True)):
            yield from ((r, incremental) for r in (query.reads if query else ()) if ":" not in r.name and r.name != "this")


def _no_cycle(nodes: Mapping[str, Node], edges: Mapping[str, Sequence[_Edge]], locate: Locate, problems: list[Problem]) -> bool:
    found = cycle({id_: n.depends_on for id_, n in nodes.items()})
    if found is None:
        return True
    ring = found if found[0] != found[-1] or len(found) == 1 else found[:-1]
    trail: list[tuple[str, Span]] = []
    for reader, read in zip(ring, [*ring[1:], ring[0]], strict=True):
        edge = next(e for e in edges[reader] if e.target == read)
        span, _ = _where(nodes[reader], edge, locate, nodes[read].name)
        trail.append((f"`{nodes[reader].name}` reads `{nodes[read].name}`", span))
    chain = " → ".join(nodes[id_].name for id_ in [*ring, ring[0]])
    message = f"`{nodes[ring[0]].name}` reads itself" if len(ring) == 1 else f"models read each other in a circle: {chain}"
    hint = "an incremental model reads itself as {{ this }}" if len(ring) == 1 else "break one of these references"
    problems.append(Problem("L015", message, trail[0][1], hint, tuple(trail), node=ring[0]))
    return False
