"""The files of an invocation: what was compiled, sent and recorded, written under the target folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.opening import Workspace
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.run import Run
from orchestrator.plan.checks import check
from orchestrator.plan.compile import Names, compile_query
from orchestrator.publish.facts import Facts
from orchestrator.publish.publish import publish
from orchestrator.publish.write import write

if TYPE_CHECKING:
    from orchestrator.app import Prepared


def write_artifacts(ready: Prepared, run: Run) -> None:
    """manifest.json, run_results.json, compiled/ and run/ of a finished run."""
    workspace = ready.workspace
    names = Names(workspace.graph, workspace.dialect)
    done = {r.node for r in run.results}
    compiled = {id_: sql for id_ in done if (sql := compiled_sql(workspace.graph.nodes[id_], names)) is not None}
    tasks = {t.node for t in ready.plan.tasks}
    sent = {r.node: r.sql for r in run.results if r.sql and r.node in tasks}
    facts = facts_of(workspace, compiled, sent)
    from orchestrator.app import secrets

    write(publish(workspace.graph, workspace.project, facts, run), target_folder(workspace), secrets(workspace))


def write_manifest(workspace: Workspace, compiled: Mapping[str, str] | None = None) -> None:
    """manifest.json, and what was compiled."""
    from orchestrator.app import secrets

    facts = facts_of(workspace, compiled or {}, {})
    write(publish(workspace.graph, workspace.project, facts), target_folder(workspace), secrets(workspace))


def target_folder(workspace: Workspace) -> Path:
    """Where artifacts go."""
    return workspace.invocation.root / workspace.project.settings.target_path


def facts_of(workspace: Workspace, compiled: Mapping[str, str], sent: Mapping[str, str]) -> Facts:
    """What artifacts say about this invocation."""
    from orchestrator.app import VERSION

    invocation = workspace.invocation
    return Facts(
        invocation.id,
        invocation.clock.now(),
        invocation.started,
        workspace.project.target.type,
        VERSION,
        workspace.project.settings.target_path,
        workspace.dialect.relation,
        compiled,
        sent,
        {k: v for k, v in invocation.env.items() if k.startswith("DBT_ENV_CUSTOM_ENV_")},
    )


def compiled_sql(node: Node, names: Names) -> str | None:
    """A node's own query as it is sent: a model's SELECT, a test's failing rows."""
    body = names.graph.bodies[node.id]
    if node.kind == "test":
        return check(node, names).failing
    return compile_query(node, body.query, names).sql if isinstance(body, SqlBody) else None
