"""Generic tests as YAML declares them, on columns and on whole resources: names, arguments and config as dbt has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import md5
from typing import Any

from orchestrator.core.config import merge, normal, walk
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import Problem
from orchestrator.core.project import Settings

CONFIG_KEYS = frozenset(
    {
        "severity",
        "where",
        "limit",
        "warn_if",
        "error_if",
        "fail_calc",
        "store_failures",
        "store_failures_as",
        "tags",
        "enabled",
        "meta",
        "schema",
        "database",
        "alias",
        "group",
    }
)
_OTHER_KEYS = frozenset({"name", "description", "config", "arguments", "test_name", "column_name", "model"})
_UNSAFE = re.compile("[^0-9a-zA-Z_]+")
_DEFAULT = {"materialized": "test", "enabled": True, "tags": [], "meta": {}, "severity": "ERROR"}
LONGEST_NAME = 63


def generic_tests(declaration: Declaration, settings: Settings) -> tuple[list[Declaration], list[Problem]]:
    """The tests attached to a declaration by its properties entry."""
    patch = declaration.patch
    if patch is None:
        return [], []
    found: list[Declaration] = []
    problems: list[Problem] = []
    for column, entry, keys in _entries(patch.data):
        parsed = _parse(entry)
        span = patch.at(*keys)
        if parsed is None:
            problems.append(Problem("C121", "a test is a name, or a name with its arguments", span, "- not_null"))
            continue
        test, body = parsed
        found.append(_declaration(declaration, settings, test, body, column, span.line))
    return found, problems


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str | None, Any, tuple[str | int, ...]]]:
    for key in ("tests", "data_tests"):
        for index, entry in enumerate(data.get(key) or ()):
            yield None, entry, (key, index)
    for number, column in enumerate(data.get("columns") or ()):
        for key in ("tests", "data_tests"):
            for index, entry in enumerate(column.get(key) or ()):
                yield str(column["name"]), entry, ("columns", number, key, index)


def _parse(entry: Any) -> tuple[str, Mapping[str, Any]] | None:
    """``not_null`` · ``{unique: {…}}`` · ``{name: …, test_name: unique, …}`` → test name and its keys."""
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, Mapping):
        return None
    if "test" in entry and not isinstance(entry["test"], Mapping):  # the normal form that ``parse_properties`` gives
        return str(entry["test"]), {k: v for k, v in entry.items() if k != "test"}
    if "test_name" in entry:
        return str(entry["test_name"]), entry
    outer = {k: v for k, v in entry.items() if k in _OTHER_KEYS or k in CONFIG_KEYS}
    named = [k for k in entry if k not in outer]
    if len(named) != 1:
        return None
    inner = entry[named[0]]
    if inner is not None and not isinstance(inner, Mapping):
        return None
    return str(named[0]), {**outer, **(inner or {})}


def _declaration(of: Declaration, settings: Settings, test: str, body: Mapping[str, Any], column: str | None, line: int) -> Declaration:
    arguments = {k: v for k, v in body.items() if k not in _OTHER_KEYS and normal(k) not in CONFIG_KEYS}
    arguments.update(body.get("arguments") or {})
    column = str(body["column_name"]) if "column_name" in body else column
    arguments.pop("column_name", None)
    generated = full_name(of, test, arguments, column)
    name = str(
        body.get("name")
        or (generated if len(generated) <= LONGEST_NAME else f"{_test_prefix(of, test, of_name(of))[:30]}_{_md5(generated)}")
    )
    path = of.patch.path if of.patch else of.path
    fqn = (of.package, *path.split("/")[1:-1], name)
    config = merge(
        [
            _DEFAULT,
            {"tags": of.config.get("tags", [])} if of.kind != "source" else {},
            walk_config(settings.data_tests, fqn),
            {k: v for k, v in body.items() if normal(k) in CONFIG_KEYS},
            body.get("config") or {},
        ]
    )
    return Declaration(
        "test",
        name,
        of.package,
        path,
        fqn,
        config,
        "generic",
        line=line,
        test_name=test,
        column=column,
        attached=(of.kind, of.name),
        arguments=arguments,
        text=str(body.get("description") or ""),
    )


def walk_config(tree: Mapping[str, Any], fqn: Sequence[str]) -> dict[str, Any]:
    """The project file's config for a test."""
    return merge(walk(tree, fqn)) if tree else {}


def of_name(of: Declaration) -> str:
    """What a test's name calls the resource under test."""
    return of.name.replace(".", "_")


def _test_prefix(of: Declaration, test: str, name: str) -> str:
    bare = test.replace(".", "_")
    return f"source_{bare}_{name}" if of.kind == "source" else f"{bare}_{name}"


def full_name(of: Declaration, test: str, arguments: Mapping[str, Any], column: str | None) -> str:
    """dbt's generated name: ``<test>_<model>_<arguments>``, arguments in order of their keys."""
    flat: list[str] = []
    every = {**arguments, **({"column_name": column} if column else {})}
    for key in sorted(every):
        value = every[key]
        parts = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]
        flat += [str(part) for part in parts]
    clean = "__".join(_UNSAFE.sub("_", part) for part in flat)
    prefix = _test_prefix(of, test, of_name(of))
    return f"{prefix}_{clean}"


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
