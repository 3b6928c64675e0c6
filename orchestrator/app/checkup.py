"""``orc debug``: what is installed, what is found, what does not work and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import metadata

from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import load_project
from orchestrator.core.errors import OrcError
from orchestrator.core.version import VERSION

Line = tuple[bool, str, str]


def checkup(make: Callable[[], Invocation], *, connection_only: bool = False) -> Iterator[Line]:
    """Checks in the order in which they can fail: ``(passed, what, detail)``."""
    from orchestrator.adapters import registry

    if not connection_only:
        yield True, "orc", f"{VERSION}, Python {sys.version.split()[0]}"
        for package in ("sqlglot", "duckdb", "jinja2"):
            yield True, package, metadata.version(package)
        yield True, "engines", ", ".join(registry.installed())
    try:
        invocation = make()
        project = load_project(invocation)
    except OrcError as error:
        yield False, "project", _said(error)
        return
    settings, target = project.settings, project.target
    if not connection_only:
        yield True, "project", f"{settings.name} ({settings.origin or 'no config file'}) in {invocation.root}"
        yield True, "files", f"{len(project.models)} SQL models, {len(project.python_models)} Python models, {len(project.seeds)} seeds, {len(project.macros)} macro files"
        found = "embedded DuckDB (no profiles.yml)" if target.implicit else f"profile {target.profile}, target {target.name}"
        yield True, "profile", f"{found}: {target.type}, schema {target.schema}, {target.threads} threads"
        for key, value in target.settings.items():
            if not isinstance(value, dict | list):
                yield True, f"  {key}", str(value)
    try:
        warehouse = registry.warehouse(target, str(invocation.root))
        try:
            connection = warehouse.connect()
            connection.execute("select 1")
            connection.close()
        finally:
            warehouse.close()
    except OrcError as error:
        yield False, "connection", _said(error)
        return
    yield True, "connection", f"{target.type} answers"


def _said(error: OrcError) -> str:
    first = error.first
    place = f" ({first.span})" if first.span else ""
    return f"{first.message}{place}" + (f"\n       hint: {first.hint}" if first.hint else "")
