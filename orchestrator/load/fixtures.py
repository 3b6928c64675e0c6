"""Rows of unit tests that stand in files of their own: ``fixture: name`` is ``<test path>/fixtures/…/name.csv`` or ``.sql``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.core.errors import ConfigError, Problem, did_you_mean
from orchestrator.core.project import Project, Properties


def with_fixtures(test: Properties, project: Project) -> Properties:
    """A unit test's entry with the text of the files it names in the place of rows.

    Raises:
        ConfigError: C122, there is no such file.
    """
    given = tuple(_filled(g, test.at("given", i), project) for i, g in enumerate(test.data.get("given") or ()))
    expect = _filled(test.data.get("expect") or {}, test.at("expect"), project)
    return replace(test, data={**test.data, "given": given, "expect": expect}) if _named(test.data) else test


def _named(data: Mapping[str, Any]) -> bool:
    return any(isinstance(e, Mapping) and e.get("fixture") for e in (*(data.get("given") or ()), data.get("expect") or {}))


def _filled(entry: Any, span: Any, project: Project) -> Any:
    if not isinstance(entry, Mapping) or not entry.get("fixture"):
        return entry
    name = str(entry["fixture"])
    end = ".sql" if entry.get("format") == "sql" else ".csv"
    files = {f.stem: f.path for f in project.fixtures if f.path.lower().endswith(end)}
    if name not in files:
        folder = f"{project.settings.test_paths[0] if project.settings.test_paths else 'tests'}/fixtures/{name}{end}"
        raise ConfigError(Problem("C122", f"there is no fixture `{name}{end}`", span, did_you_mean(name, files, also=f"write {folder}")))
    return {**entry, "rows": project.tree.bytes(files[name]).decode("utf-8-sig")}
