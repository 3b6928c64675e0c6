"""``orc debug``: what is installed, what is found, what does not work and what to do about it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import load_project
from orchestrator.core.errors import OrcError, ProfileError
from orchestrator.core.project import Project
from orchestrator.core.version import VERSION

Line = tuple[bool, str, str]

PACKAGES = ("sqlglot", "duckdb", "jinja2")
"""What most bug reports are about."""

_CREDENTIALS = re.compile(r"(?<=://)([^/@\s:]+):[^/@\s]+(?=@)")
_TOKENS = re.compile(r"(?i)(password|token|secret|key)=[^&\s;]+")


def checkup(make: Callable[[], Invocation], *, connection_only: bool = False) -> Iterator[Line]:
    """Checks in the order in which they can fail: ``(passed, what, detail)``. What cannot pass after a failure is left out."""
    from orchestrator.adapters import registry

    if not connection_only:
        yield True, "orc", f"{VERSION}, Python {sys.version.split()[0]}, {sys.platform}"
        yield True, "packages", ", ".join(f"{package} {metadata.version(package)}" for package in PACKAGES)
        yield True, "engines", ", ".join(registry.installed())
    try:
        invocation = make()
        project = load_project(invocation)
    except OrcError as error:
        yield False, "profile" if isinstance(error, ProfileError) else "project", _said(error)
        return
    if not connection_only:
        yield from _project(invocation, project)
    yield _connection(invocation, project)


def _project(invocation: Invocation, project: Project) -> Iterator[Line]:
    settings, target = project.settings, project.target
    yield True, "project", f"{settings.name} in {invocation.root} ({settings.origin or 'no config file'})"
    yield (
        True,
        "files",
        f"{len(project.models)} SQL, {len(project.python_models)} Python, {len(project.seeds)} seed, {len(project.macros)} macro",
    )
    for folder in (invocation.state_dir, invocation.root / settings.target_path):
        if not _writable(folder):
            yield False, "folder", f"no permission to write in {folder}\nhint: history and artifacts go there; correct its owner or mode"
    where = "no profiles.yml: the embedded DuckDB" if target.implicit else f"{target.profile}, from {_found(invocation)}"
    yield True, "profile", where
    threads = "1 thread" if target.threads == 1 else f"{target.threads} threads"
    yield True, "target", f"{target.name}: {target.type}, schema {target.schema}, {threads}"
    for key, value in target.settings.items():
        if not isinstance(value, dict | list) and key not in ("type", "schema", "threads"):
            yield True, f"  {key}", shown(str(value))
    for warning in project.warnings:
        yield True, "note", warning.message + (f"\nhint: {warning.hint}" if warning.hint else "")


def _found(invocation: Invocation) -> str:
    from orchestrator.load.profiles import find_profiles

    found = find_profiles(invocation.root, invocation.profiles_dir, invocation.env)
    return found.document.path if found else "nowhere"


def _connection(invocation: Invocation, project: Project) -> Line:
    """Whether the warehouse can be opened and answers."""
    from orchestrator.adapters import registry

    try:
        warehouse = registry.warehouse(project.target, str(invocation.root))
        try:
            connection = warehouse.connect()
            connection.execute("select 1")
            connection.close()
        finally:
            warehouse.close()
    except OrcError as error:
        return False, "connection", _said(error)
    return True, "connection", f"{project.target.type} answers"


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it is missing."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def shown(value: str) -> str:
    """A setting as it may be printed: passwords and tokens inside addresses are stars too.

    >>> shown("postgres://ann:hunter2@db/shop"), shown("md:shop?motherduck_token=ey123&x=1")
    ('postgres://ann:****@db/shop', 'md:shop?motherduck_token=****&x=1')
    """
    return _TOKENS.sub(lambda found: f"{found[1]}=****", _CREDENTIALS.sub(r"\1:****", value))


def _said(error: OrcError) -> str:
    """Every problem with its place and what to do."""
    lines: list[str] = []
    for problem in error.problems:
        place = f" ({problem.span})" if problem.span else ""
        lines += [shown(problem.message) + place, *([f"hint: {problem.hint}"] if problem.hint else [])]
    return "\n".join(lines)
