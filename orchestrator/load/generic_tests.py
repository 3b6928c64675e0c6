"""Generic tests as properties files declare them, on columns and on whole resources: named, and their config merged, as dbt does it.

What comes in has one spelling already: ``{test_name, name?, description?, arguments?, config?}`` (see ``load.properties``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import md5
from typing import Any

from orchestrator.core.config import listed, merge, walk
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import Problem
from orchestrator.core.project import Properties, Settings

_UNSAFE = re.compile("[^0-9a-zA-Z_]+")
_DEFAULT = {"materialized": "test", "enabled": True, "tags": [], "meta": {}, "severity": "ERROR"}
LONGEST_NAME = 63


def generic_tests(declaration: Declaration, patch: Properties, settings: Settings) -> tuple[list[Declaration], list[Problem]]:
    """The tests attached to a declaration by its properties entry."""
    found: list[Declaration] = []
    problems: list[Problem] = []
    for column, entry, keys in _entries(patch.data):
        span = patch.at(*keys)
        if entry.get("test_name"):
            found.append(_declaration(declaration, patch.path, settings, entry, column, span.line))
        else:
            problems.append(Problem("C121", "a test is a name, or a name with its arguments", span, "- not_null"))
    return found, problems


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any] | None, Mapping[str, Any], tuple[str | int, ...]]]:
    """Each test with the column it stands at, and where it is written."""
    for index, entry in enumerate(data.get("data_tests") or ()):
        yield None, entry, ("data_tests", index)
    for number, column in enumerate(data.get("columns") or ()):
        for index, entry in enumerate(column.get("data_tests") or ()):
            yield column, entry, ("columns", number, "data_tests", index)


def _declaration(
    of: Declaration, path: str, settings: Settings, entry: Mapping[str, Any], column: Mapping[str, Any] | None, line: int
) -> Declaration:
    test = str(entry["test_name"])
    arguments = dict(entry.get("arguments") or {})
    said = arguments.pop("column_name", None)
    column_name = str(said) if said is not None else _spelled(column) if column else None
    name = str(entry.get("name") or short_name(of, test, arguments, column_name))
    fqn = (of.package, *settings.folders(path), name)
    tags = listed((column or {}).get("tags"))
    return Declaration(
        "test",
        name,
        of.package,
        path,
        fqn,
        merge([_DEFAULT, {"tags": tags}, *walk(settings.data_tests, fqn), entry.get("config") or {}]),
        "generic",
        line=line,
        test_name=test,
        column=column_name,
        attached=(of.kind, of.name if _version(of) is None else f"{of.name}.v{_version(of)}"),
        arguments=arguments,
        text=str(entry.get("description") or ""),
    )


def _version(of: Declaration) -> Any:
    return of.config.get("version") if of.kind == "model" else None


def _spelled(column: Mapping[str, Any]) -> str:
    """A column as SQL says it: quoted (the standard's way; `render` knows the engine's) where its author wants it so."""
    name = str(column["name"])
    return '"' + name.replace('"', '""') + '"' if column.get("quote") else name


def full_name(of: Declaration, test: str, arguments: Mapping[str, Any], column: str | None) -> str:
    """Dbt's generated name: ``<test>_<model>_<arguments>``, arguments in order of their keys."""
    flat: list[str] = []
    every = {**arguments, **({"column_name": column} if column else {})}
    for key in sorted(every):
        value = every[key]
        parts = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]
        flat += [_UNSAFE.sub("_", str(part)) for part in parts]
    return f"{_prefix(of, test)}_{'__'.join(flat)}"


def short_name(of: Declaration, test: str, arguments: Mapping[str, Any], column: str | None) -> str:
    """The generated name where it fits; else its beginning and a digest of all of it, as dbt does."""
    full = full_name(of, test, arguments, column)
    if len(full) <= LONGEST_NAME:
        return full
    return f"{_prefix(of, test)[:30]}_{md5(full.encode(), usedforsecurity=False).hexdigest()}"


def _prefix(of: Declaration, test: str) -> str:
    package, _, bare = test.rpartition(".")
    version = _version(of)
    words = [package, "source" if of.kind == "source" else "", bare, of.name.replace(".", "_"), "" if version is None else f"v{version}"]
    return "_".join(word for word in words if word)
