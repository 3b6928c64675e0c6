# ruff: noqa: ARG002
# every shape is checked through one signature, whatever it needs of it
"""What may stand in a properties file: one table per section, and the shape of a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.config import MODEL_KEYS, normal
from orchestrator.load.lines import Tree, child, children, line_of
from orchestrator.load.lint import Rules
from orchestrator.load.shape import Anything, Check, Either, Flag, Free, Items, Key, Number, Shape, Table, Text, Texts

TEST_CONFIG = frozenset(
    {
        "severity",
        "tags",
        "enabled",
        "where",
        "limit",
        "warn_if",
        "error_if",
        "fail_calc",
        "store_failures",
        "store_failures_as",
        "meta",
        "database",
        "schema",
        "alias",
        "group",
    }
)
"""Keys that configure a test wherever they stand; other plain keys are arguments."""

SOURCE_FACTS = frozenset({"loaded_at_field", "loaded_at_query", "freshness"})
"""Keys of a source that may also stand under its ``config``."""


def config_table(extra: frozenset[str] = frozenset()) -> Table:
    """The ``config:`` mapping of an entry; keys lose their ``+`` and hyphens."""
    shapes: dict[str, Shape] = {
        "materialized": Text(),
        "enabled": Flag(),
        "tags": Texts(),
        "meta": Free(),
        "alias": Text(),
        "severity": Text(("error", "warn")),
        "store_failures": Flag(),
        "full_refresh": Flag(),
        "grants": Free(),
        "labels": Free(),
        "column_types": Free(),
        "docs": Free(),
        "lint": Rules(),
        "access": Text(("private", "protected", "public")),
        "on_schema_change": Text(("ignore", "append_new_columns", "sync_all_columns", "fail")),
    }
    keys = {name: Key(_or_null(shapes.get(name, Anything())), keeps_null=True) for name in sorted(MODEL_KEYS | extra)}
    return Table("`config`", keys, elsewhere=_config_elsewhere, spelled=normal)


def _config_elsewhere(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, MODEL_KEYS, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else "keys of your own go under `meta`"


def _model_elsewhere(name: str) -> str:
    return f"write it under `config:`: `config: {{{name}: …}}`" if normal(name) in MODEL_KEYS else ""


@dataclass(frozen=True, slots=True)
class _OrNull:
    of: Shape

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        return (None, tree) if value is None else self.of.check(value, tree, check, container, key)

    def schema(self) -> dict[str, Any]:
        inner = self.of.schema()
        return {"anyOf": [inner, {"type": "null"}]} if inner else {}


def _or_null(shape: Shape) -> Shape:
    return shape if isinstance(shape, Anything) else _OrNull(shape)


@dataclass(frozen=True, slots=True)
class GenericTest:
    """A generic test, in any of its spellings; read as ``{test_name, name?, description?, arguments?, config?}``."""

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """One test in the one spelling."""
        line = line_of(tree)
        if isinstance(value, str):
            return {"test_name": value}, [line, line]
        if not isinstance(value, Mapping) or not value:
            check.mismatch(key, "the name of a test, or a mapping from it to its arguments", value, tree)
            return {"test_name": ""}, [line, line]
        if "test_name" in value:
            name, inner, below = value["test_name"], {k: v for k, v in value.items() if k != "test_name"}, tree
            pairs = [(k, v, t) for k, v, t in children(value, tree) if k != "test_name"]
        else:
            if len(value) > 1:
                first, *others = map(str, value)
                hint = f"indent `{others[0]}` below `{first}:` if it is an argument; a new test starts with `- `"
                check.wrong(
                    f"a test is one name with its arguments, but this one has the keys {', '.join(f'`{k}`' for k in value)}", tree, hint
                )
            name = next(iter(value))
            inner, below = value[name], child(value, tree, name)
            if inner is not None and not isinstance(inner, Mapping):
                check.mismatch(name, "a mapping of arguments", inner, below)
                inner = {}
            pairs = list(children(inner, below)) if inner else []
        if not isinstance(name, str):
            check.mismatch("test_name", "text", name, tree)
            name = str(name)
        return self._sorted(name, inner, pairs, line, check)

    @staticmethod
    def _sorted(name: str, inner: Any, pairs: list[tuple[Any, Any, Tree]], line: int, check: Check) -> tuple[Any, Tree]:
        """Keys to where they belong: the test's own, its arguments, its config."""
        data: dict[str, Any] = {"test_name": name}
        lines: dict[str, Any] = {"test_name": line}
        groups: dict[str, tuple[dict[Any, Any], list[Any]]] = {"arguments": ({}, [line]), "config": ({}, [line])}
        for key, item, below in pairs:
            if key not in ("name", "description"):
                into, added = _belongs(key, item, below, inner, check)
                _add(groups[into], added, name, check)
            elif item is not None:
                data[key], lines[key] = Text().check(item, below, check, inner, key)
        for into, (found, rows) in groups.items():
            if found:
                data[into], lines[into] = found, rows
        return data, [line, *lines.values()]

    def schema(self) -> dict[str, Any]:
        """A name, or a mapping."""
        options = {
            "config": _TEST_CONFIG_SHAPE.schema(),
            "arguments": {"type": "object"},
            "name": {"type": "string"},
            "description": {"type": "string"},
        }
        by_name = {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["object", "null"], "properties": options}}
        spelled = {"type": "object", "required": ["test_name"], "properties": {"test_name": {"type": "string"}, **options}}
        return {"anyOf": [{"type": "string"}, spelled, by_name]}


def _belongs(key: Any, item: Any, below: Tree, inner: Any, check: Check) -> tuple[str, list[tuple[Any, Any, Tree]]]:
    """Whether a key of a test is config or an argument, and what it contributes."""
    if key == "arguments" and (item is None or isinstance(item, Mapping)):
        return "arguments", list(children(item, below)) if item else []
    if key == "config":
        return "config", list(children(*_TEST_CONFIG_SHAPE.check(item or {}, below, check, inner, key)))
    if key in TEST_CONFIG:
        return "config", list(children(*_TEST_CONFIG_SHAPE.check({key: item}, [line_of(below), below], check, inner, key)))
    return "arguments", [(key, item, below)]


def _add(group: tuple[dict[Any, Any], list[Any]], added: list[tuple[Any, Any, Tree]], name: str, check: Check) -> None:
    for key, item, below in added:
        if key in group[0]:
            check.wrong(f"`{key}` of the test `{name}` is written twice", below, "remove one of them")
            continue
        group[0][key] = item
        group[1].append(below)


_CONFIG = config_table()
_SOURCE_CONFIG_SHAPE = config_table(SOURCE_FACTS)
_TEST_CONFIG_SHAPE = config_table()
_TEXT, _ANY, _FREE = Text(), Anything(), Free()
_TESTS = {
    "data_tests": Key(Items(GenericTest()), "Checks the data must pass before it is published."),
    "tests": Key(Items(GenericTest()), "Old spelling of `data_tests`.", renamed="data_tests"),
}
_NAME = {
    "name": Key(_TEXT, "The name others refer to.", required=True),
    "description": Key(_TEXT, "For readers; may hold `{{ doc('…') }}`."),
}
_TAGGED = {"tags": Key(Texts(), into="config"), "meta": Key(_FREE, "Anything of your own.", into="config")}
_DOCS = {"docs": Key(_FREE, into="config")}
_OWNER = Key(Free(), "Who to ask: `name` and `email`.", required=True)

_COLUMN_KEYS = {
    **_NAME,
    "data_type": Key(_TEXT, "The column's type, in the warehouse's words."),
    "quote": Key(Flag()),
    "tags": Key(Texts()),
    "meta": Key(_FREE),
    "config": Key(
        Table("a column's `config`", {"tags": Key(Texts()), "meta": Key(_FREE)}, elsewhere=lambda _: "keys of your own go under `meta`")
    ),
    "constraints": Key(Items(_FREE)),
    "policy_tags": Key(Texts()),
    "granularity": Key(_TEXT),
    "entity": Key(_ANY),
    "dimension": Key(_ANY),
    **_TESTS,
}


@dataclass(frozen=True, slots=True)
class _Lifted:
    """A table whose ``config`` may hold keys that are the entry's own: they are lifted out, and ``tags`` and ``meta`` combined."""

    table: Table
    names: frozenset[str]

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        data, lines = self.table.check(value, tree, check, container, key)
        if not self.names.intersection(data.get("config") or ()):
            return data, lines
        rows = {k: (v, t) for k, v, t in children(data, lines)}
        config, below = rows.pop("config")
        left = []
        for name, item, line in children(config, below):
            if name not in self.names:
                left.append((name, item, line))
                continue
            mine = rows.get(name, (None, 0))[0]
            both = item
            if mine is not None and name in ("meta", "tags"):
                both = {**mine, **item} if name == "meta" else [*mine, *(tag for tag in item if tag not in mine)]
            elif name in rows:
                check.wrong(f"`{name}` is written twice, once under `config`", line, "remove one of them")
            rows[name] = (both, line if mine is None else line_of(line))
        if left:
            rows["config"] = ({k: v for k, v, _ in left}, [line_of(below), *(t for _, _, t in left)])
        return {k: v for k, (v, _) in rows.items()}, [line_of(lines), *(t for _, t in rows.values())]

    def schema(self) -> dict[str, Any]:
        return self.table.schema()


_COLUMN = _Lifted(Table("a column", _COLUMN_KEYS), frozenset({"tags", "meta"}))
_COLUMNS = {"columns": Key(Items(_COLUMN), "What each column means, and the tests it must pass.")}
_VERSION_COLUMN = Either(
    Table(
        "a version's column",
        {**{k: Key(v.shape, v.doc, renamed=v.renamed) for k, v in _COLUMN_KEYS.items()}, "include": Key(_ANY), "exclude": Key(_ANY)},
    ),
    Text(),
)
_CONFIGURED = {"config": Key(_CONFIG, "How it is built.")}
_GOVERNED = {"access": Key(Text(("private", "protected", "public")), into="config"), "group": Key(_TEXT, into="config")}

_VERSION = Table(
    "a version",
    {
        "v": Key(_ANY, "Its number or name.", required=True),
        "description": Key(_TEXT),
        "defined_in": Key(_TEXT, "The file's name, without `.sql`."),
        "deprecation_date": Key(_ANY),
        "constraints": Key(Items(_FREE)),
        "columns": Key(Items(_VERSION_COLUMN)),
        "config": Key(_CONFIG),
        **_TESTS,
        **_TAGGED,
        **_DOCS,
        **_GOVERNED,
    },
)

_MODEL_KEYS = {
    **_NAME,
    **_COLUMNS,
    **_TESTS,
    **_CONFIGURED,
    "constraints": Key(Items(_FREE)),
    "versions": Key(Items(_VERSION)),
    "latest_version": Key(_ANY),
    "deprecation_date": Key(_ANY),
    "time_spine": Key(_ANY),
    "primary_entity": Key(_ANY),
    "agg_time_dimension": Key(_ANY),
    "semantic_model": Key(_ANY),
    "metrics": Key(_ANY),
    "derived_semantics": Key(_ANY),
    **_TAGGED,
    **_DOCS,
    **_GOVERNED,
}
_PERIOD = Either(
    Table("a freshness limit", {"count": Key(Number(), required=True), "period": Key(Text(("minute", "hour", "day")), required=True)}),
    _OrNull(Text()),
)
_LIMIT = Key(_PERIOD, keeps_null=True)
_FRESHNESS = _OrNull(
    Table(
        "`freshness`",
        {
            "warn_after": _LIMIT,
            "error_after": _LIMIT,
            "filter": Key(_TEXT),
            "build_after": Key(_ANY),
            "on_error": Key(Text(("skip", "build"))),
        },
    ),
)
_SOURCE_KEYS = {
    "freshness": Key(_FRESHNESS, keeps_null=True),
    "loaded_at_field": Key(_TEXT),
    "loaded_at_query": Key(_TEXT),
    "quoting": Key(Free()),
    "config": Key(_SOURCE_CONFIG_SHAPE),
    **_TAGGED,
}
_SOURCE_TABLE = _Lifted(
    Table(
        "a source table",
        {**_NAME, "identifier": Key(_TEXT), "loader": Key(_TEXT), "external": Key(_ANY), **_SOURCE_KEYS, **_TESTS, **_COLUMNS, **_DOCS},
    ),
    SOURCE_FACTS,
)
_FIXTURE_KEYS = {"rows": Key(_ANY, keeps_null=True), "format": Key(Text(("dict", "csv", "sql"))), "fixture": Key(_TEXT)}
_ARGUMENT = Table("an argument", {**_NAME, "type": Key(_TEXT)})

SECTIONS: Mapping[str, Shape] = {
    "models": Table("a model", _MODEL_KEYS, elsewhere=_model_elsewhere),
    "seeds": Table("a seed", {**_NAME, **_COLUMNS, **_TESTS, **_CONFIGURED, **_TAGGED, **_DOCS, **_GOVERNED}, elsewhere=_model_elsewhere),
    "snapshots": Table(
        "a snapshot",
        {**_NAME, "relation": Key(_TEXT), **_COLUMNS, **_TESTS, **_CONFIGURED, **_TAGGED, **_DOCS, **_GOVERNED},
        elsewhere=_model_elsewhere,
    ),
    "analyses": Table("an analysis", {**_NAME, **_COLUMNS, **_CONFIGURED, **_TAGGED, **_DOCS, **_GOVERNED}, elsewhere=_model_elsewhere),
    "sources": _Lifted(
        Table(
            "a source",
            {
                **_NAME,
                "database": Key(_TEXT),
                "schema": Key(_TEXT),
                "loader": Key(_TEXT),
                "overrides": Key(_TEXT),
                "tables": Key(Items(_SOURCE_TABLE), "The tables somebody else writes."),
                **_SOURCE_KEYS,
                **_TESTS,
            },
        ),
        SOURCE_FACTS,
    ),
    "macros": Table("a macro", {**_NAME, "arguments": Key(Items(_ARGUMENT)), **_CONFIGURED, **_TAGGED, **_DOCS}),
    "exposures": Table(
        "an exposure",
        {
            **_NAME,
            "type": Key(Text(("dashboard", "notebook", "analysis", "ml", "application")), required=True),
            "owner": _OWNER,
            "label": Key(_TEXT),
            "url": Key(_TEXT),
            "maturity": Key(Text(("high", "medium", "low"))),
            "depends_on": Key(Items(_TEXT)),
            "enabled": Key(Flag(), into="config"),
            **_CONFIGURED,
            **_TAGGED,
        },
    ),
    "groups": Table("a group", {**_NAME, "owner": _OWNER, **_CONFIGURED, **_TAGGED}),
    "unit_tests": Table(
        "a unit test",
        {
            **_NAME,
            "model": Key(_TEXT, "The model under test.", required=True),
            "given": Key(
                Items(Table("an input", {"input": Key(_TEXT, required=True), **_FIXTURE_KEYS})),
                "What the model reads instead of its parents.",
            ),
            "expect": Key(Table("`expect`", _FIXTURE_KEYS), "The rows that must come out.", required=True),
            "overrides": Key(Table("`overrides`", {"macros": Key(_FREE), "vars": Key(_FREE), "env_vars": Key(_FREE)})),
            "versions": Key(_ANY),
            **_CONFIGURED,
            **_TAGGED,
        },
    ),
    "data_tests": Table("a singular test", {**_NAME, **_CONFIGURED, **_TAGGED, **_DOCS}),
}
"""Sections in today's spelling."""

RENAMED = {"tests": "data_tests"}
SKIPPED = frozenset({"semantic_models", "metrics", "saved_queries", "functions"})
"""Sections of dbt's that nothing here makes use of."""
