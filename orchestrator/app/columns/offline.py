"""What a model's query means, judged without a warehouse, where somebody here understands the engine's SQL."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.app import Workspace, chosen
from orchestrator.app.explain import explainer
from orchestrator.app.planning import declared_columns
from orchestrator.core.errors import ExecuteError, Problem, UsageError
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.plan import Estimate, Origin, Request, Statement
from orchestrator.plan.compile import Names, compile_query, is_late
from orchestrator.sql.googlesql import Analyzer, Mistake, NoAnalyzer, analyzer

Columns = tuple[tuple[str, str], ...]


def offline(workspace: Workspace, request: Request) -> Iterator[Estimate]:
    """Judge the queries of the selected models, parents first: a model's columns are those its query was found to have.

    Raises:
        UsageError: U021, nobody here understands the engine's SQL.
    """
    if workspace.dialect.analyzer != "googlesql":
        message = f"nobody here understands the SQL of {workspace.dialect.name} without asking it"
        raise UsageError(Problem("U021", message, None, "`orc compile --dry-run` asks the engine itself"))
    judge = analyzer(workspace.invocation.env)
    if isinstance(judge, NoAnalyzer):
        raise UsageError(Problem("U021", judge.reason, None, "pip install 'sql-orchestrator[googlesql]'"))
    wanted = {id_ for id_ in chosen(workspace, request) if workspace.graph.nodes[id_].kind == "model"}
    return _judged(workspace, judge, wanted)


def _judged(workspace: Workspace, judge: Analyzer, wanted: set[str]) -> Iterator[Estimate]:
    graph = workspace.graph
    names = Names(graph, workspace.dialect)
    needed = wanted | graph.ancestors(wanted)
    known: dict[str, Columns] = {}
    for id_ in graph.order:
        node, body = graph.nodes[id_], graph.bodies[id_]
        if id_ not in needed or node.is_ephemeral or node.kind not in ("model", "seed", "source"):
            continue
        found = _one(workspace, judge, node, body, names, known) if isinstance(body, SqlBody) else None
        if isinstance(found, Estimate):
            if id_ in wanted:
                yield found
        elif columns := found or declared_columns(node, body):
            known[_key(node.relation)] = columns
            if id_ in wanted:
                yield Estimate(id_)
        elif id_ in wanted:
            yield Estimate(id_, unknown="a Python model whose columns nobody wrote down with their types")


def _one(workspace: Workspace, judge: Analyzer, node: Node, body: SqlBody, names: Names, known: dict[str, Columns]) -> Columns | Estimate:
    """The columns of a model's query, or why they are not known."""
    if is_late(node, body, names):
        return Estimate(node.id, unknown="its text is known only when it runs")
    unknown = [f"`{p.name}`" for p in workspace.graph.inputs(node.id) if _key(p.relation) not in known]
    if unknown:
        return Estimate(node.id, unknown=f"the columns of {', '.join(unknown)} are not known")
    text = compile_query(node, body.query, names)
    found = judge.analyze(text.sql, known)
    if found is None:
        return Estimate(node.id, unknown="nobody could tell")
    if found.mistake is None:
        return found.columns
    error = ExecuteError(Problem("X324", found.mistake.message), position=_offset(text.sql, found.mistake))
    return Estimate(node.id, problem=explainer(workspace)(error, Statement(text.sql, Origin(node.id, text.pieces)), node.id))


def _key(relation: Relation | None) -> str:
    """What a relation is called in a query, its parts with points between."""
    return "" if relation is None else ".".join(p for p in (relation.database, relation.schema, relation.name) if p)


def _offset(sql: str, mistake: Mistake) -> int | None:
    r"""The place of a mistake, counted in characters.

    >>> _offset("select 1,\n  nope", Mistake("?", 2, 3))
    12
    """
    if mistake.line is None or mistake.column is None:
        return None
    lines = sql.split("\n")
    return sum(len(line) + 1 for line in lines[: mistake.line - 1]) + mistake.column - 1
