"""``query-comment``: what each node's statements say about themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span
from orchestrator.core.project import Secret, mask
from orchestrator.core.version import VERSION
from orchestrator.execute.commented import Comment


def commenting(workspace: Workspace, secrets: tuple[Secret, ...]) -> Callable[[str], Comment] | None:
    """Makes the comment for a node's statements by its id; ``None`` when the project wants none.

    A project with ``dbt_project.yml`` that says nothing gets a line of JSON, as it is used to; an own project gets nothing.

    Raises:
        ConfigError: C250, what is configured cannot be a comment. RenderError: its template does not render.
    """
    said = workspace.project.settings.query_comment
    if not said and said != {}:
        return None
    place = Span(workspace.project.settings.origin or "pyproject.toml")
    parts = {"comment": said} if isinstance(said, str) else {str(k).replace("-", "_"): v for k, v in dict(_mapping(said, place)).items()}
    text = parts.get("comment", _DEFAULT)
    if not isinstance(text, str | None) or set(parts) - {"comment", "append", "job_label"}:
        raise ConfigError(Problem("C250", _SHAPE, place))
    if not text or not text.strip():
        return None
    append = bool(parts.get("append"))
    wants_template = text is not _DEFAULT and ("{{" in text or "{%" in text)

    def made(node: str) -> Comment:
        shown = _default(workspace, node) if text is _DEFAULT else _rendered(workspace, text, node) if wants_template else text
        shown = mask(shown.strip(), secrets)
        if "*/" in shown or "/*" in shown:
            raise ConfigError(Problem("C250", f"`query-comment` holds `/*` or `*/`, which would end it early: {shown}", place))
        return Comment(shown, append)

    made("")  # what is wrong with it is said before anything runs
    return made


_DEFAULT = "{{ default }}"
_SHAPE = "`query-comment` is a text, or `comment`, `append` and `job-label`"


def _mapping(said: Any, place: Span) -> Mapping[str, Any]:
    if not isinstance(said, Mapping):
        raise ConfigError(Problem("C250", _SHAPE, place))
    return said


def _default(workspace: Workspace, node: str) -> str:
    target = workspace.project.target
    said = {"app": "orc", "orc_version": VERSION, "profile_name": target.profile, "target_name": target.name}
    return json.dumps({**said, "node_id": node} if node else {**said, "connection_name": "master"})


def _rendered(workspace: Workspace, text: str, node: str) -> str:
    """The comment's template; it is a macro's body, so it may ``return``."""
    origin = workspace.project.settings.origin or "pyproject.toml"
    package = workspace.graph.project
    declaration = Declaration("operation", "query_comment", package, origin, (package, "query_comment"), {})
    wrapped = (
        f"{{%- macro query_comment(connection_name, node) -%}}\n{text}\n{{%- endmacro -%}}{{{{ query_comment(connection_name, node) }}}}"
    )
    shown, _ = workspace.templates.render(
        declaration, wrapped, extra={"node": _facts(workspace, node), "connection_name": node or "master"}
    )
    return shown


def _facts(workspace: Workspace, id_: str) -> dict[str, Any] | None:
    node = workspace.graph.nodes.get(id_)
    if node is None:
        return None
    relation = node.relation
    return {
        "unique_id": node.id,
        "name": node.name,
        "resource_type": node.kind,
        "package_name": node.package,
        "original_file_path": node.path,
        "fqn": list(node.fqn),
        "tags": list(node.tags),
        "config": dict(node.config),
        "database": relation.database if relation else None,
        "schema": relation.schema if relation else None,
        "alias": relation.name if relation else None,
    }
