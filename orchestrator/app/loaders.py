"""Filling a stage from outside the engine: a Python model's frames, a seed's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import ExecuteError, OrcError, Problem
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.patience import patience
from orchestrator.core.plan import Step
from orchestrator.core.ports import Connection
from orchestrator.plan.compile import Names, compile_query

_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def seed_loader(workspace: Workspace) -> Callable[[Step, Connection], int]:
    """Loads a seed's CSV into its stage."""

    def load(step: Step, connection: Connection) -> int:
        from orchestrator.execute.seed import read_seed

        node = workspace.graph.nodes[step.node]
        config = node.config
        where = workspace.project.tree.where(node.path)
        try:
            types, delimiter = config.get("column_types") or {}, str(config.get("delimiter") or ",")
            seed = read_seed(where, node.path, delimiter=delimiter, column_types=types, narrow=not workspace.project.settings.own)
        except OrcError as error:
            raise ExecuteError(*error.problems) from error
        if step.relation is None:
            raise AssertionError(step.id)
        return connection.load(step.relation, seed.reader, seed.types, dict(config))

    return load


def python_loader(
    workspace: Workspace, names: Names, cancelled: Any, notice: Callable[[str, str, str], None]
) -> Callable[[Step, Connection], int]:
    """Runs a Python model in its child process and loads what it returned. ``notice(node, line, level)`` hears its prints."""

    def load(step: Step, connection: Connection) -> int:
        from orchestrator.execute.python_model import Facts, Input, run_python

        node = workspace.graph.nodes[step.node]
        relation = names.relation(node.id)
        target = workspace.project.target
        facts = Facts(
            inputs={written: _input(workspace, names, id_, Input) for written, id_ in node.links},
            this=Input.of(names.dialect.relation(relation)) if relation and step.payload.get("incremental") else None,
            is_incremental=bool(step.payload.get("incremental")),
            config=dict(node.config),
            vars=dict(workspace.project.vars),
            target={"name": target.name, "schema": target.schema, "type": target.type, "database": target.database},
        )
        scratch = workspace.invocation.state_dir / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        if step.relation is None:
            raise AssertionError(step.id)
        with run_python(
            str(step.payload["python"]),
            node.path,
            name=node.name,
            facts=facts,
            connection=connection,
            root=str(workspace.invocation.root),
            env=workspace.invocation.env,
            on_log=lambda line, level: notice(node.id, line, level),
            cancelled=cancelled,
            timeout_seconds=patience(node.config).timeout,
            memory_bytes=_bytes(node, node.config.get("memory_limit")),
            scratch=str(scratch),
        ) as frames:
            return connection.load(step.relation, frames.reader, dict(node.config.get("column_types") or {}), dict(node.config))

    return load


def _input(workspace: Workspace, names: Names, id_: str, make: Any) -> Any:
    node = workspace.graph.nodes[id_]
    body = workspace.graph.bodies[id_]
    if node.is_ephemeral and isinstance(body, SqlBody):
        return make(compile_query(node, body.query, names).sql)
    relation = names.relation(id_)
    if id_ in names.sampled:
        return make(f"select * from {names.text(id_)} as orc_sample")
    return make.of(names.dialect.relation(relation)) if relation else make("select 1 where false")


def _bytes(node: Node, value: Any) -> int | None:
    """A memory limit as configured: bytes, or a number with KB, MB or GB."""
    if value is None:
        return None
    text = str(value).strip().lower().removesuffix("b").removesuffix("i")
    factor = _UNITS.get(text[-1:], 0)
    try:
        return int(float(text[:-1]) * factor) if factor else int(text)
    except ValueError:
        raise ExecuteError(Problem("X321", f"`memory_limit: {value}` is not a size", node.span, "memory_limit: 512MB or 2GB")) from None
