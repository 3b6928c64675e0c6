"""Properties files (``version: 2`` YAML), read into one spelling.

What :attr:`Properties.data` looks like afterwards, whatever the spelling was:

* ``data_tests`` (never ``tests``): a list of ``{test_name, name?, description?, arguments?, config?}``; ``name`` is the author's own;
* ``config`` has ``meta``, ``tags``, ``docs``, ``access``, ``group`` of the entry, its keys without ``+`` and hyphens;
* a column has its ``tags`` and ``meta`` itself;
* a source table has ``freshness``, ``loaded_at_field`` and ``loaded_at_query`` itself, and under ``source`` the source's own keys
  in the same form (levels are not combined: ``source["config"]`` is weaker than ``config``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from orchestrator.core.errors import ConfigError, OrcError, Problem
from orchestrator.core.files import Span
from orchestrator.core.project import Properties
from orchestrator.load.lines import Lines, Tree, children, line_of
from orchestrator.load.shape import Check, is_template, word_for

Found = tuple[tuple[Properties, ...], tuple[Problem, ...]]


def parse_properties(path: str, content: bytes, own: bool) -> Found:
    """All entries of a properties file and everything that is wrong with it. Pure: same text, same answer.

    >>> (entry,), problems = parse_properties("models/a.yml", b"models: [{name: a, tests: [x]}]", own=True)
    >>> entry.name, entry.data["data_tests"]
    ('a', [{'test_name': 'x'}])
    """
    from orchestrator.load.entries import RENAMED, SECTIONS, SKIPPED
    from orchestrator.load.yaml import read_yaml

    try:
        document = read_yaml(path, content)
    except ConfigError as error:
        return (), error.problems
    check = Check(document, own, "C150", "C151")
    if document.data is None:
        return (), ()
    if not isinstance(document.data, Mapping):
        check.wrong(f"a properties file is a mapping with keys such as `models:`, not {word_for(document.data)}", document.lines)
        return (), tuple(check.problems)
    found: list[Properties] = []
    for key, value, tree in children(document.data, document.lines):
        section = RENAMED.get(key, key)
        if key == "version":
            if value not in (2, "2"):
                check.wrong(f"`version: {value}` is not supported", tree, "write `version: 2`, or leave it out")
        elif section in SECTIONS:
            found += _entries(section, key, value, tree, check)
        elif key in SKIPPED:
            check.problems.append(Problem("C152", f"`{key}` is not used here", Span(path, line_of(tree)), severity="warning"))
        elif key != "anchors":
            check.stray(key, tree, [*SECTIONS, "tests", "version"], "in a properties file")
    return tuple(found), tuple(check.problems)


def _entries(section: str, key: str, value: Any, tree: Tree, check: Check) -> list[Properties]:
    from orchestrator.load.entries import SECTIONS

    if value is None:
        return []
    if not isinstance(value, list):
        check.wrong(f"`{key}` must be a list of entries, each starting with `- name: …`, not {word_for(value)}", tree)
        return []
    found: list[Properties] = []
    for index, item, below in children(value, tree):
        data, lines = SECTIONS[section].check(item, below, check, value, index)
        if not data.get("name"):
            continue
        _columns_once(data, lines, check)
        if section != "sources":
            found.append(Properties(section, data["name"], check.document.path, data, Lines(data, lines)))
            continue
        found += _source_tables(data, lines, check)
    return found


def _source_tables(source: dict[str, Any], lines: Tree, check: Check) -> list[Properties]:
    """One entry per table, with the source's own keys under ``source``."""
    rows = [(k, v, t) for k, v, t in children(source, lines) if k != "tables"]
    above = {k: v for k, v, _ in rows}
    above_lines: Tree = [line_of(lines), *(t for _, _, t in rows)]
    tables: tuple[Any, Tree] = next(((v, t) for k, v, t in children(source, lines) if k == "tables"), ([], 0))
    found = []
    for _, table, below in children(*tables):
        if not table.get("name"):
            continue
        _columns_once(table, below, check)
        data = {**table, "source": above}
        tree = [*below, above_lines] if isinstance(below, list) else below
        found.append(Properties("sources", table["name"], check.document.path, data, Lines(data, tree)))
    return found


def _columns_once(data: Mapping[str, Any], lines: Tree, check: Check) -> None:
    columns = data.get("columns")
    if not isinstance(columns, list) or not all(isinstance(c, Mapping) for c in columns):
        return  # a stray key of some other section
    if len({c.get("name") or id(c) for c in columns}) == len(columns):
        return
    first: dict[str, int] = {}
    tree = next(t for k, _, t in children(data, lines) if k == "columns")
    for _, column, below in children(columns, tree):
        name = column.get("name")
        if name is None:
            continue
        if name in first:
            message = f"the column `{name}` of `{data['name']}` is described twice: in line {first[name]} and in line {line_of(below)}"
            problem = Problem("C153", message, Span(check.document.path, line_of(below)), "keep one of them")
            check.problems.append(problem if check.own else problem.as_warning())
        first.setdefault(name, line_of(below))


def identity(entry: Properties) -> tuple[str, str, str]:
    """What an entry speaks of; two entries with one identity are one too many."""
    match entry.section:
        case "sources":
            return entry.section, str(entry.data["source"]["name"]), entry.name
        case "unit_tests":
            return entry.section, str(entry.data.get("model")), entry.name
        case _:
            return entry.section, "", entry.name


def steering(entries: Iterable[Properties]) -> tuple[Problem, ...]:
    """A problem for each name with control characters: printed, it would steer a terminal, or be a command to a CI server."""
    wrong = [e for e in entries if not all(name.isprintable() for name in identity(e)[1:])]
    return tuple(Problem("C150", f"the name {e.name!r} has control characters", e.at("name"), "names are plain text") for e in wrong)


def duplicates(entries: Iterable[Properties]) -> tuple[Problem, ...]:
    """A problem for each entry that says something about what another entry already speaks of."""
    first: dict[tuple[str, str, str], Properties] = {}
    problems = []
    for entry in entries:
        key = identity(entry)
        earlier = first.setdefault(key, entry)
        if earlier is not entry:
            what = {"sources": "source table", "analyses": "analysis"}.get(entry.section, entry.section.removesuffix("s").replace("_", " "))
            name = f"{key[1]}.{entry.name}" if entry.section == "sources" else entry.name
            message = f"the {what} `{name}` is described twice: {_place(earlier)} and {_place(entry)}"
            problems.append(
                Problem(
                    "C154", message, entry.at("name"), "put everything about it in one place", (("first described", earlier.at("name")),)
                )
            )
    return tuple(problems)


def _place(entry: Properties) -> str:
    span = entry.at("name")
    return f"{span.path}:{span.line}"


# Rendered by others, later, with more at hand: texts for people, SQL, what tests and hooks are given, addresses with keys in them.
_LATER = frozenset(
    {"description", "arguments", "pre_hook", "post_hook", "where", "given", "expect", "overrides", "sql_header", "on_success", "on_failure"}
)

# The table that a query is about is known when its source is: until then the word stays.
_THIS = re.compile(r"\{\{\s*this\s*\}\}")
_STAYS = "{{ '{{ this }}' }}"


def rendered(entry: Properties, render_value: Callable[[str], object]) -> Properties:
    """The entry with Jinja in its values replaced, descriptions, hooks and test arguments excepted.

    Raises:
        OrcError: what ``render_value`` raised, with the line of the value.
    """
    data = _rendered(entry.data, (), entry, render_value)
    return entry if data is entry.data else replace(entry, data=data, name=data["name"])


def _rendered(value: Any, path: tuple[str | int, ...], entry: Properties, render_value: Callable[[str], object]) -> Any:
    if isinstance(value, str):
        if not is_template(value):
            return value
        try:
            return render_value(_THIS.sub(_STAYS, value) if path and path[-1] == "loaded_at_query" else value)
        except OrcError as error:
            raise type(error)(*(replace(p, span=entry.at(*path)) for p in error.problems)) from None
    if isinstance(value, Mapping):
        changed = {k: new for k, v in value.items() if k not in _LATER and (new := _rendered(v, (*path, k), entry, render_value)) is not v}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [_rendered(v, (*path, i), entry, render_value) for i, v in enumerate(value)]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def to_json(entry: Properties) -> list[Any]:
    """An entry as JSON-able data, for a cache.

    >>> (entry,), _ = parse_properties("a.yml", b"models: [{name: a, config: {begin: 2024-01-01}}]", own=True)
    >>> from_json(to_json(entry)).data == entry.data
    True
    """
    tree = entry.lines.tree if isinstance(entry.lines, Lines) else 1
    return [entry.section, entry.name, entry.path, _plain(entry.data), tree]


def from_json(data: list[Any]) -> Properties:
    """The entry that :func:`to_json` was given."""
    section, name, path, plain, tree = data
    value = _original(plain)
    return Properties(section, name, path, value, Lines(value, tree))


def _plain(value: Any) -> Any:
    """The value itself where it is JSON already (almost always); dates and odd keys are wrapped as ``{"$": …}``."""
    if isinstance(value, Mapping):
        items = {k: _plain(v) for k, v in value.items()}
        if "$" in items or any(type(k) is not str for k in items):
            return {"$": ["map", [[_plain(k), v] for k, v in items.items()]]}
        return items if any(items[k] is not value[k] for k in items) else value
    if isinstance(value, list | tuple):
        found = [_plain(v) for v in value]
        return found if any(a is not b for a, b in zip(found, value, strict=True)) else value
    if isinstance(value, date):
        return {"$": ["datetime" if isinstance(value, datetime) else "date", value.isoformat()]}
    return value


def _original(value: Any) -> Any:
    if isinstance(value, dict):
        if "$" in value:
            kind, inner = value["$"]
            if kind == "map":
                return {_original(k): _original(v) for k, v in inner}
            return (datetime if kind == "datetime" else date).fromisoformat(inner)
        for key, item in value.items():
            if type(item) in (dict, list):
                value[key] = _original(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if type(item) in (dict, list):
                value[index] = _original(item)
    return value
