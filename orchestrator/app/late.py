"""SQL that could not be known when the plan was made: rendered just before its step, with a live connection."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.app.opening import Workspace
from orchestrator.core import marker
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.interval import Interval, spelled
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, Query, SqlBody, UnitTestBody
from orchestrator.core.plan import Late, Statement, Step
from orchestrator.core.ports import Connection
from orchestrator.plan.checks import check, stored
from orchestrator.plan.compile import Names, column_names, compile_query, compile_text, ephemerals
from orchestrator.plan.steps import create_statements, query_statement
from orchestrator.plan.unit_tests import inputs, unit_test

if TYPE_CHECKING:
    from orchestrator.render.templates import Templates


class LateSql:
    """Makes the statements of late steps; one per run."""

    def __init__(
        self, workspace: Workspace, names: Names, notice: Callable[[str, str, str], None], extra: Mapping[str, Any] | None = None
    ) -> None:
        self._workspace = workspace
        self._notice = notice
        self._names = names
        self._extra = dict(extra or {})
        self._rendered: dict[str, tuple[Query, Names]] = {}

    def __call__(self, step: Step, connection: Connection) -> tuple[Statement, ...]:
        """The statements of ``step``."""
        late = step.sql
        if not isinstance(late, Late):
            return late
        node = self._workspace.graph.nodes[late.node]
        match late.what:
            case "hook" | "when":
                return self._hook(node, str(late.wrap["text"]), connection, late.wrap.get("names"))
            case "render":
                return self._check(node, late.wrap, connection) if node.kind == "test" else self._model(node, late.wrap, connection)
            case "unit_test":
                return self._unit_test(node, connection)
            case "docs":
                return self._docs(node, late.wrap, connection)

    def within(self, workspace: Workspace) -> LateSql:
        """The same with other surroundings: variables of the environment that only some statements see."""
        return LateSql(workspace, self._names, self._notice, self._extra)

    def _templates(self, node: Node) -> Templates:
        """The project's templates; what they log while ``node`` is rendered is heard."""
        from orchestrator.render.templates import Templates

        made = self._workspace.templates
        facts = replace(made.facts, notice=lambda level, text: self._notice(node.id, text, level))
        return Templates(facts, made.library, made.text_of)

    def _live(self, node: Node, connection: Connection, names: Names | None = None) -> Any:
        from orchestrator.render.scope import Live

        links = self._spellings(node)
        where = names or self._names

        def physical(payload: str) -> Relation | None:
            if payload != "this" and payload not in links:
                raise _new_reference(node, payload)
            return where.relation(node.id if payload == "this" else links[payload])

        nodes = {id_: {"unique_id": id_, "name": n.name, "resource_type": n.kind} for id_, n in self._workspace.graph.nodes.items()}
        return Live(connection, physical, {"nodes": nodes, "sources": {}}, self._extra)

    def _hook(self, node: Node, text: str, connection: Connection, names: Mapping[str, Any] | None = None) -> tuple[Statement, ...]:
        if "{{" in text or "{%" in text:
            declaration = self._workspace.declaration(node.id)
            text, _ = self._templates(node).render(declaration, text, live=self._live(node, connection), extra=names)
        sql = compile_text(text, node, self._names).strip().rstrip(";")
        return (Statement(sql),) if sql else ()

    def _docs(self, node: Node, wrap: Mapping[str, Any], connection: Connection) -> tuple[Statement, ...]:
        """Comments on those documented columns that are there; a name that was not to be quoted is found in any case."""
        there = [name for name, _ in connection.columns(wrap["relation"])]
        folded = {name.casefold(): name for name in there}
        found: dict[str, str] = {}
        absent: list[str] = []
        for name, column in wrap["columns"].items():
            actual = name if name in there else None if column.quote else folded.get(name.casefold())
            if actual is None:
                absent.append(f"`{name}`")
            else:
                found[actual] = column.description
        if absent:
            self._notice(node.id, f"`{node.name}` documents columns that it does not have: {', '.join(absent)}", "warn")
        return tuple(Statement(s) for s in self._workspace.dialect.comment(wrap["relation"], wrap["kind"], None, found))

    def _model(self, node: Node, wrap: Mapping[str, Any], connection: Connection) -> tuple[Statement, ...]:
        incremental = bool(wrap.get("incremental"))
        if not wrap.get("again"):  # a view is published with the text its stage was checked with
            names = replace(self._names, instead=wrap.get("instead") or {}, window=_bounds(wrap.get("interval")))
            self._rendered[node.id] = self._render(node, connection, names, incremental=incremental, interval=wrap.get("interval"))
            column_names(node, self._rendered[node.id][0], self._workspace.dialect)
        query, names = self._rendered[node.id]
        text = compile_query(replace(node, links=tuple(self._spellings(node).items())), query, names)
        if wrap.get("bare"):
            return (query_statement(text, node.id, incremental=incremental),)
        return create_statements(self._workspace.dialect, wrap["relation"], text, wrap, node.id, incremental=incremental)

    def _check(self, node: Node, wrap: Mapping[str, Any], connection: Connection) -> tuple[Statement, ...]:
        query, names = self._render(node, connection, replace(self._names, instead=wrap["instead"]))
        compiled = check(replace(node, links=tuple(self._spellings(node).items())), names, query)
        return stored(compiled, wrap["audit"], self._workspace.dialect, wrap["audit_as"]) if wrap["audit"] else (compiled.count,)

    def _render(
        self, node: Node, connection: Connection, names: Names, *, incremental: bool = False, interval: Interval | None = None
    ) -> tuple[Query, Names]:
        """The node's text as of now; and names that know the text of the ephemeral models it reads, where that is of now too."""
        query = self._query(node, connection, names, incremental=incremental, interval=interval)
        links = self._spellings(node)
        queries: dict[str, Query] = {}
        for id_ in ephemerals((links[r.name] for r in query.reads if r.name in links), names):
            if getattr(names.graph.bodies[id_], "late", False):
                queries[id_] = self._query(names.graph.nodes[id_], connection, names)
        return query, replace(names, queries=queries)

    def _query(
        self, node: Node, connection: Connection, names: Names, *, incremental: bool = False, interval: Interval | None = None
    ) -> Query:
        """Render and parse one template with a live connection.

        Raises:
            ExecuteError: X322, it refers to something it did not refer to when the graph was made.
        """
        from orchestrator.render.render import call_of_test
        from orchestrator.sql.parse import Malformed, opaque, parse

        workspace = self._workspace
        live = self._live(node, connection, names)
        if interval is not None:
            live = replace(live, extra={**live.extra, "interval": interval})
        declaration, templates = workspace.declaration(node.id), self._templates(node)
        raw, extra = call_of_test(templates, declaration, live.physical) if node.test_name else (workspace.raw(node.id), None)
        text, _ = templates.render(declaration, raw, incremental=incremental, live=live, extra=extra)
        dialect = workspace.dialect
        try:
            query = parse(text, dialect.sqlglot, dialect.quote_char)
        except Malformed:
            query = opaque(text, dialect.quote_char)
        known = self._spellings(node)
        for read in query.reads:
            if ":" in read.name and read.name not in known:
                raise _new_reference(node, read.name)
        return query

    def _spellings(self, node: Node) -> dict[str, str]:
        """What a template may call its parents: as it did when the graph was made, or by ``ref`` or ``source`` where it had no need to."""
        nodes = self._workspace.graph.nodes
        found: dict[str, str] = {}
        for id_ in node.depends_on:
            name = nodes[id_].name if id_ in nodes else ""
            found[marker.source(*name.split(".", 1)) if "." in name else marker.ref(name)] = id_
        return {**found, **dict(node.links)}

    def _unit_test(self, node: Node, connection: Connection) -> tuple[Statement, ...]:
        graph = self._workspace.graph
        body = graph.bodies[node.id]
        model = graph.nodes[node.attached or ""]
        under_test = graph.bodies[model.id]
        if not isinstance(body, UnitTestBody):
            raise AssertionError(node.id)
        if not isinstance(under_test, SqlBody):
            message = f"`{model.name}` is a Python model: unit tests of Python models are not supported yet"
            raise ExecuteError(Problem("X320", message, node.span))
        query = self._overridden(model, under_test, body)
        known = {id_: self._columns(id_, connection) for id_ in inputs(node, body, model, query, graph)}
        return (Statement(unit_test(node, body, model, query, known, self._names, connection.describe)),)

    def _overridden(self, model: Node, body: SqlBody, test: UnitTestBody) -> Any:
        """The model's query with the test's ``overrides`` of macros, vars and environment."""
        overrides = test.overrides
        macros: Mapping[str, Any] = overrides.get("macros") or {}
        incremental = bool(macros.get("is_incremental", False))
        if not (set(macros) - {"is_incremental"}) and not overrides.get("vars") and not overrides.get("env_vars") and not body.late:
            return body.incremental if incremental and body.incremental else body.query
        from orchestrator.render.templates import Templates
        from orchestrator.sql.parse import parse

        workspace = self._workspace
        templates = workspace.templates
        facts = replace(
            templates.facts,
            vars={**templates.facts.vars, **(overrides.get("vars") or {})},
            env={**templates.facts.env, **{k: str(v) for k, v in (overrides.get("env_vars") or {}).items()}},
        )
        fixed = {name: _constant(value) for name, value in macros.items() if name != "is_incremental"}
        again = Templates(facts, templates.library, templates.text_of)
        text, _ = again.render(workspace.declaration(model.id), workspace.raw(model.id), incremental=incremental, extra=fixed)
        return parse(text, workspace.dialect.sqlglot, workspace.dialect.quote_char)

    def _columns(self, id_: str, connection: Connection) -> Mapping[str, str]:
        """Column types of an input: from the warehouse when it is there, else from its own query, else as declared."""
        node = self._workspace.graph.nodes[id_]
        body = self._workspace.graph.bodies[id_]
        relation = self._names.relation(id_)
        asks: list[Callable[[], tuple[tuple[str, str], ...]]] = []
        if relation is not None and not node.is_ephemeral:
            asks.append(lambda: connection.columns(relation))
        if isinstance(body, SqlBody):
            asks.append(lambda: connection.describe(compile_query(node, body.query, self._names).sql))
        for ask in asks:
            with contextlib.suppress(ExecuteError):
                if found := ask():
                    return dict(found)
        return {c.name: c.data_type for c in body.docs.columns if c.data_type}


def _new_reference(node: Node, payload: str) -> ExecuteError:
    """X322: a template refers to something now that it did not refer to when the order of the run was decided."""
    kind, _, rest = payload.partition(":")
    name = rest.split(":")[1]
    call = f"ref('{name}')" if kind == "ref" else f"source('{rest.split(':')[0]}', '{name}')"
    message = f"`{node.name}` refers to `{name}` only now that it is rendered for the run: the order of the run does not know about it"
    return ExecuteError(Problem("X322", message, node.span, f"write `-- depends_on: {{{{ {call} }}}}` into it", node=node.id))


def _bounds(interval: Interval | None) -> tuple[str, str] | None:
    return None if interval is None else (spelled(interval.start), spelled(interval.end))


def _constant(value: Any) -> Any:
    """A macro overridden by a value: callable like the macro, and the value itself where it is used without a call."""
    return lambda *_args, **_kwargs: value
