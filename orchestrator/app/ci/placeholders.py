"""A profile without anything in it but names: enough to say which SQL is spoken, too little to connect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.core.errors import Problem, UsageError
from orchestrator.load.profiles import ENGINES, FILE, find_profiles
from orchestrator.load.shape import is_template

KEPT = ("type", "schema", "dataset", "database", "dbname", "project", "threads")
"""Keys of an output that are names, or harmless. Of ``path`` the file's name stays: DuckDB calls a database so."""

UNKNOWN = "untrusted"
"""In place of what is a template: it is not rendered, for it may ask for a secret."""


def placeholders(
    into: Path,
    base: Path,
    profiles_dir: Path | None,
    profile: str | None,
    target: str | None,
    engine: str | None,
    env: Mapping[str, str],
) -> tuple[str | None, str | None]:
    """Write a ``profiles.yml`` of names below ``into``; the profile and target to ask for.

    The profiles are those of the operator: a folder that is named, the *base* of the pull request, the home folder; never the pull
    request's. Nothing of them is rendered.

    Raises:
        ProfileError: they cannot be read.
        UsageError: U004, there is no such engine.
    """
    if engine is not None:
        if engine not in ENGINES:
            raise UsageError(Problem("U004", f"`{engine}` is not an engine orc knows", None, "one of " + ", ".join(ENGINES)))
        name = target or UNKNOWN
        output = {"type": engine, **dict.fromkeys(_needed(engine), UNKNOWN)}
        _write(into, {UNKNOWN: {"target": name, "outputs": {name: output}}})
        return UNKNOWN, name
    found = find_profiles(base, profiles_dir, env)
    data = {} if found is None else {str(k): _profile(v) for k, v in found.document.data.items() if k != "config"}
    _write(into, data)
    return profile, target


def _needed(engine: str) -> tuple[str, ...]:
    known = ENGINES[engine]
    return tuple(keys[0] for keys in (known.database_keys, known.schema_keys) if engine != "duckdb" or keys is known.schema_keys)


def _profile(value: Any) -> Any:
    outputs = value.get("outputs") if isinstance(value, Mapping) else None
    if not isinstance(outputs, Mapping):
        return {}
    kept = {str(name): _output(output) for name, output in outputs.items()}
    said = value.get("target")
    chosen = str(said) if isinstance(said, str) and not is_template(said) else next(iter(kept), UNKNOWN)
    return {"target": chosen, "outputs": kept}


def _output(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return {}
    kept = {key: _plain(value[key]) for key in KEPT if key in value}
    path = value.get("path")
    if isinstance(path, str) and not is_template(path) and path != ":memory:":
        kept["path"] = path.split("?")[0].replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return UNKNOWN if not isinstance(value, str) or is_template(value) else value


def _write(into: Path, data: Mapping[str, Any]) -> None:
    """JSON is YAML. Nothing at all means the embedded database."""
    (into / FILE).write_text(json.dumps(data) if data else "", encoding="utf-8")
