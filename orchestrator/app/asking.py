"""Questions that change nothing: compiled SQL, rows of a node, past runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.app import chosen, selection
from orchestrator.app.artifacts import compiled_sql, write_manifest
from orchestrator.app.environments.placing import alone, at, defers, placed
from orchestrator.app.explain import explainer
from orchestrator.app.opening import Workspace
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import ExecuteError, LinkError, OrcError, ParseError, Problem, UsageError
from orchestrator.core.files import Span
from orchestrator.core.graph import Graph
from orchestrator.core.node import Kind, Node, SqlBody
from orchestrator.core.plan import Origin, Request, Statement
from orchestrator.plan.compile import Names, compile_query

Rows = tuple[str, Sequence[str], Sequence[Sequence[Any]]]


def compiled(workspace: Workspace, request: Request) -> dict[str, str]:
    """The final SQL of the selected nodes, by id; written to ``target/compiled`` with the manifest."""
    ids = sorted(chosen(workspace, request))
    names = Names(_graph(workspace, request, ids), workspace.dialect)
    texts = {id_: sql for id_ in ids if (sql := compiled_sql(workspace.graph.nodes[id_], names)) is not None}
    write_manifest(at(workspace, alone(workspace, request)), texts)
    return texts


def _graph(workspace: Workspace, request: Request, building: Collection[str]) -> Graph:
    """Where nodes are for this request. The warehouse is asked only when something may be read from elsewhere."""
    if not defers(request):
        return alone(workspace, request)
    from orchestrator.adapters import registry

    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root))
    try:
        return placed(workspace, request, building, warehouse.snapshot).graph
    finally:
        warehouse.close()


def inline(workspace: Workspace, text: str, request: Request | None = None, graph: Graph | None = None) -> str:
    """A query given on the command line, compiled like a model; names mean what they mean in the project, wherever that is now.

    Raises:
        OrcError: it does not render or parse, or reads something unknown.
    """
    node, query = _inline(workspace, text)
    where = graph or (_graph(workspace, request, ()) if request else workspace.graph)
    return compile_query(node, query, Names(where, workspace.dialect)).sql


def _inline(workspace: Workspace, text: str) -> tuple[Node, Any]:
    from orchestrator.link.names import index
    from orchestrator.render.render import render_one
    from orchestrator.sql.parse import Malformed, parse

    declaration = Declaration("analysis", "inline_query", workspace.graph.project, "--inline", ("inline",), {})
    rendered = render_one(workspace.templates, declaration, text)
    dialect = workspace.dialect
    try:
        query = parse(rendered.text, dialect.sqlglot, dialect.quote_char)
    except Malformed as wrong:
        raise ParseError(Problem("P001", wrong.message, Span("--inline", 1, wrong.position + 1), wrong.hint)) from None
    known = index(workspace.graph.nodes.values())
    links: dict[str, str] = {}
    for read in query.reads:
        kind, _, rest = read.name.partition(":")
        if kind == "ref" and rest:
            package, name, _ = rest.split(":", 2)
            found = known.refs.get((package, name))
        elif kind == "source" and rest:
            source, _, table = rest.partition(":")
            found = known.sources.get((source, table))
        else:
            ids = known.resolve(read.name, "")
            found = ids[0] if len(ids) == 1 else None
        if found is None and ":" in read.name:
            raise LinkError(Problem("L012", f"the query refers to `{rest}`, which does not exist", Span("--inline")))
        if found is not None:
            links[read.name] = found
    node = Node(
        "analysis.inline", "analysis", "inline_query", workspace.graph.project, "--inline", ("inline",), {}, links=tuple(links.items())
    )
    return node, query


SHOWABLE: tuple[Kind, ...] = ("model", "seed", "snapshot", "source", "test", "analysis")


def _shown_ids(workspace: Workspace, request: Request) -> list[str]:
    example = "orc show -s orders, or orc show --inline 'select 1'"
    if not (request.select or request.selector):
        raise UsageError(Problem("U005", "say what to show", None, example))
    found = selection(workspace, replace(request, resource_types=request.resource_types or SHOWABLE, indirect="empty"))
    if not found.ids:
        nothing = Problem("U005", "the selection has nothing to show", None, example)
        raise UsageError(*(replace(w, severity="error") for w in found.warnings or (nothing,)))
    return sorted(found.ids)


def shown(workspace: Workspace, request: Request, text: str | None, limit: int, *, written: bool = False) -> Iterator[Rows]:
    """Rows of the selected nodes (or of an inline query): name, columns, rows.

    A published model or seed is read from its table, unless its query is wanted as it is ``written`` now; a test shows its failing rows.

    Raises:
        UsageError: nothing is selected.
    """
    from orchestrator.adapters import registry

    ids = _shown_ids(workspace, request) if text is None else []
    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root))
    try:
        graph = placed(workspace, request, (), warehouse.snapshot).graph if defers(request) else alone(workspace, request)
        names = Names(graph, workspace.dialect)
        connection = warehouse.connect()
        explain = explainer(workspace)
        queries = (
            [(id_, *_query(workspace, names, id_, written=written)) for id_ in ids]
            if text is None
            else [("inline", "inline query", Statement(inline(workspace, text, graph=graph)))]
        )
        for id_, name, statement in queries:
            cut = f"select * from (\n{statement.sql}\n) as orc_show limit {limit}" if limit >= 0 else statement.sql
            shift = len("select * from (\n") if limit >= 0 else 0
            origin = statement.origin and replace(statement.origin, pieces=tuple((a + shift, b, c) for a, b, c in statement.origin.pieces))
            try:
                answer = connection.execute(cut)
            except ExecuteError as error:
                if text is not None:
                    raise
                problem = explain(error, Statement(cut, origin), id_)
                hint = problem.hint or (f"build it first: orc build -s +{name}" if "does not exist" in problem.message else None)
                raise OrcError(replace(problem, hint=hint)) from error
            yield name, answer.columns, answer.rows
    finally:
        warehouse.close()


def _query(workspace: Workspace, names: Names, id_: str, *, written: bool) -> tuple[str, Statement]:
    node = workspace.graph.nodes[id_]
    body = workspace.graph.bodies[id_]
    relation = names.relation(id_)
    if relation is not None and not node.is_ephemeral and not (written and isinstance(body, SqlBody)):
        return node.name, Statement(f"select * from {workspace.dialect.relation(relation)}")
    if node.kind == "test":
        return node.name, Statement(compiled_sql(node, names) or "")
    if isinstance(body, SqlBody):
        text = compile_query(node, body.query, names)
        return node.name, Statement(text.sql, Origin(id_, text.pieces))
    raise UsageError(Problem("U006", f"`{node.name}` has no rows to show", node.span))
