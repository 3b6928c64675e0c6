"""SQL that could not be known when the plan was made: rendered just before its step, with a live connection."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SqlBody, UnitTestBody
from orchestrator.core.plan import Late, Statement, Step
from orchestrator.core.ports import Connection
from orchestrator.plan.compile import Names, compile_query, compile_text
from orchestrator.plan.expand import create_statement
from orchestrator.plan.unit_tests import inputs, unit_test


class LateSql:
    """Makes the statements of late steps; one per run."""

    def __init__(self, workspace: Workspace, names: Names, extra: Mapping[str, Any] | None = None) -> None:
        self._workspace = workspace
        self._names = names
        self._extra = dict(extra or {})

    def __call__(self, step: Step, connection: Connection) -> tuple[Statement, ...]:
        """The statements of ``step``."""
        late = step.sql
        if not isinstance(late, Late):
            return late
        node = self._workspace.graph.nodes[late.node]
        match late.what:
            case "hook":
                return self._hook(node, str(late.wrap["text"]), connection)
            case "render":
                return self._model(node, late.wrap, connection)
            case "unit_test":
                return self._unit_test(node, connection)

    def _live(self, node: Node, connection: Connection) -> Any:
        from orchestrator.render.scope import Live

        links = dict(node.links)

        def physical(payload: str) -> Relation | None:
            if payload == "this":
                return self._names.relation(node.id)
            target = links.get(payload)
            return self._names.relation(target) if target else None

        nodes = {id_: {"unique_id": id_, "name": n.name, "resource_type": n.kind} for id_, n in self._workspace.graph.nodes.items()}
        return Live(connection, physical, {"nodes": nodes, "sources": {}}, self._extra)

    def _hook(self, node: Node, text: str, connection: Connection) -> tuple[Statement, ...]:
        if "{{" in text or "{%" in text:
            declaration = self._workspace.declaration(node.id)
            text, _ = self._workspace.templates.render(declaration, text, live=self._live(node, connection))
        sql = compile_text(text, node, self._names).strip().rstrip(";")
        return (Statement(sql),) if sql else ()

    def _model(self, node: Node, wrap: Mapping[str, Any], connection: Connection) -> tuple[Statement, ...]:
        from orchestrator.sql.parse import Malformed, opaque, parse

        workspace = self._workspace
        incremental = bool(wrap["incremental"])
        declaration = workspace.declaration(node.id)
        text, _ = workspace.templates.render(declaration, workspace.raw(node.id), incremental=incremental, live=self._live(node, connection))
        dialect = workspace.dialect
        try:
            query = parse(text, dialect.sqlglot, dialect.quote_char)
        except Malformed:
            query = opaque(text, dialect.quote_char)
        relation = wrap["relation"]
        return (create_statement(dialect, relation, compile_query(node, query, self._names), wrap, node.id, incremental=incremental),)

    def _unit_test(self, node: Node, connection: Connection) -> tuple[Statement, ...]:
        graph = self._workspace.graph
        body = graph.bodies[node.id]
        model = graph.nodes[node.attached or ""]
        under_test = graph.bodies[model.id]
        if not isinstance(body, UnitTestBody):
            raise AssertionError(node.id)
        if not isinstance(under_test, SqlBody):
            raise ExecuteError(Problem("X320", f"`{model.name}` is a Python model: unit tests of Python models are not supported yet", node.span))
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
        asks = []
        if relation is not None and not node.is_ephemeral:
            asks.append(lambda: connection.columns(relation))
        if isinstance(body, SqlBody):
            asks.append(lambda: connection.describe(compile_query(node, body.query, self._names).sql))
        for ask in asks:
            with contextlib.suppress(ExecuteError):
                if found := ask():
                    return dict(found)
        return {c.name: c.data_type for c in body.docs.columns if c.data_type}


def _constant(value: Any) -> Any:
    """A macro overridden by a value: callable like the macro, and the value itself where it is used without a call."""
    return lambda *_args, **_kwargs: value
