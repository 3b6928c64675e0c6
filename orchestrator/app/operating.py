"""``orc run-operation``: a macro with a live connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import Problem, RenderError, UsageError, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.link.names import index


def operate(workspace: Workspace, macro: str, arguments: Mapping[str, Any], notice: Callable[[str, str], None]) -> Any:
    """Call ``macro`` in one transaction and commit; what it returned. ``notice(level, text)`` hears its log lines.

    Raises:
        UsageError: U009, there is no such macro; U140, this run may not change anything there.
        OrcError: the macro failed; nothing is committed.
    """
    from orchestrator.adapters import registry
    from orchestrator.app.permitting import permitted
    from orchestrator.render.scope import Live
    from orchestrator.render.templates import Templates

    permitted(workspace)
    templates = workspace.templates
    package, _, name = macro.rpartition(".")
    found = templates.library.find(name, package or None)
    if found is None:
        raise UsageError(Problem("U009", f"there is no macro `{macro}`", None, did_you_mean(name, templates.library.names())))
    known = index(workspace.graph.nodes.values())

    def physical(payload: str) -> Relation | None:
        kind, _, rest = payload.partition(":")
        if kind == "ref":
            of, model, _ = rest.split(":", 2)
            id_ = known.refs.get((of, model))
        else:
            source, _, table = rest.partition(":")
            id_ = known.sources.get((source, table))
        return workspace.graph.nodes[id_].relation if id_ else None

    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root))
    try:
        connection = warehouse.connect()
        project = workspace.graph.project
        declaration = Declaration("operation", name, project, found.path, (project, name), {}, line=found.line)
        live = Templates(replace(templates.facts, notice=notice), templates.library, templates.text_of)
        connection.begin()
        try:
            result, _ = live.call(declaration, name, arguments, live=Live(connection, physical), package=package or None)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
    except TypeError as error:
        raise RenderError(Problem("R006", str(error), None, "arguments are given as --args '{name: value}'")) from error
    else:
        return result
    finally:
        warehouse.close()
