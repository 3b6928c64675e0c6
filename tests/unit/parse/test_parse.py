from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core.node import NativeTestBody, PythonBody, SeedBody, SqlBody, UnitTestBody
from orchestrator.parse.parse import default_schema

Understand = Callable[..., Any]
PROJECT = """
[tool.orchestrator]
name = 'shop'
[tool.orchestrator.models]
"+tags" = ["everywhere"]
[tool.orchestrator.models.shop]
"+schema" = "base"
"+meta" = {owner = "ann", tier = 1}
"+pre-hook" = "select 'project'"
[tool.orchestrator.models.shop.marts]
"+schema" = "marts"
"+materialized" = "table"
"+tags" = ["mart"]
[tool.orchestrator.models.shop.marts.m]
"+alias" = "from_project"
"""


def config(understood: Any, name: str = "m") -> dict[str, Any]:
    return dict(understood.graph.nodes[f"model.shop.{name}"].config)


def test_levels_of_config_combine_as_in_dbt(understand: Understand) -> None:
    yaml = (
        "models: [{name: m, config: {alias: from_yaml, tags: [yaml], meta: {owner: bob}, materialized: view, pre_hook: \"select 'yaml'\"}}]"
    )
    sql = "{{ config(materialized='incremental', tags='file', meta={'x': 1}, pre_hook=[\"select 'file'\"]) }}select 1 as id"
    found = understand(
        {"pyproject.toml": PROJECT, "models/marts/m.sql": sql, "models/marts/m.yml": yaml, "models/other.sql": "select 1 as x"}
    )
    assert found.said() == []
    mart = config(found)
    assert mart["materialized"] == "incremental"
    assert mart["alias"] == "from_yaml"
    assert mart["schema"] == "marts"
    assert mart["tags"] == ["everywhere", "mart", "yaml", "file"]
    assert mart["meta"] == {"owner": "bob", "tier": 1, "x": 1}
    assert mart["pre_hook"] == ["select 'project'", "select 'yaml'", "select 'file'"]
    other = config(found, "other")
    assert (other["materialized"], other["schema"], other["tags"]) == ("view", "base", ["everywhere"])


def test_the_relation_follows_from_config(understand: Understand) -> None:
    found = understand(
        {"models/m.sql": "{{ config(schema='x', alias='y', database='z') }}select 1 as id", "models/n.sql": "select 1 as id"}
    )
    assert [str(n.relation) for n in found.graph.nodes.values()] == ["z.main_x.y", "warehouse.main.n"]
    assert default_schema("dev", " x ") == "dev_x"


def test_the_project_s_own_naming_wins(understand: Understand) -> None:
    macro = "{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or 'plain' }}{% endmacro %}"
    found = understand({"macros/n.sql": macro, "models/m.sql": "{{ config(schema='x') }}select 1 as id", "models/n.sql": "select 1 as id"})
    assert [n.relation.schema for n in found.graph.nodes.values()] == ["x", "plain"]


@pytest.mark.parametrize(
    ("text", "message", "place", "hint"),
    [
        ("select tag\n{{ config(\n    tag='x') }}", "unknown config key `tag`", "models/m.sql:3:5", "did you mean `tags`?"),
        (
            "{{ config(materialised='table') }}select 1 as x",
            "unknown config key `materialised`",
            "models/m.sql:1:11",
            "did you mean `materialized`?",
        ),
        ("{{ config({'pre-hok': 'x'}) }}select 1 as x", "unknown config key `pre_hok`", "models/m.sql:1:13", "did you mean `pre_hook`?"),
        ("{{ config(qqqqq=1) }}select 1 as x", "unknown config key `qqqqq`", "models/m.sql:1:11", "keys of your own go under `meta`"),
    ],
)
def test_an_unknown_config_key_is_named_where_it_is_set(understand: Understand, text: str, message: str, place: str, hint: str) -> None:
    assert understand({"models/m.sql": text}).said("P030") == [(message, place, hint)]
    assert understand({"models/m.sql": text}, own=False).said("P030") == []


def test_an_unknown_config_key_of_a_python_model(understand: Understand) -> None:
    found = understand({"models/m.py": "def model(ctx):\n    ctx.config(tag='x')\n    return None"})
    assert found.said("P030") == [("unknown config key `tag`", "models/m.py:2:16", "did you mean `tags`?")]


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("select a b c", "syntax error: this does not belong here near `c`", "models/m.sql:1:12"),
        ("\r\nselect a b c\r\n", "syntax error: this does not belong here near `c`", "models/m.sql:2:12"),
        (
            "{% set x = 1 %}\n\nselect {{ x }} as a\n , {{ x }} a b\n",
            "syntax error: this does not belong here near `b`",
            "models/m.sql:4:14",
        ),
        ("{{ config(tags='x') }}\nselect 1;\nselect 2", "a model is one query; a second statement starts here", "models/m.sql:3:1"),
        ("", "there is no SQL in this file", "models/m.sql:1:1"),
        ("{{ config(tags='x') }}\n", "there is no SQL in this file", "models/m.sql:1:1"),
        ("select * from {{ ref('m2') }} a b", "syntax error: this does not belong here near `b`", "models/m.sql:1:33"),
        ("select {'a': 1} as s\r\n, x y z", "syntax error: this does not belong here near `z`", "models/m.sql:2:7"),
    ],
)
def test_wrong_sql_is_said_at_its_place_in_the_template(understand: Understand, text: str, message: str, place: str) -> None:
    found = understand({"models/m.sql": text, "models/m2.sql": "select 1 as x"})
    assert [(m, p) for m, p, _ in found.said("P001")] == [(message, place)]


def test_a_dbt_project_goes_on_with_what_it_knows(understand: Understand) -> None:
    found = understand({"models/m.sql": "select ~~ from a b c {{ ref('n') }} ((", "models/n.sql": "select 1 as x"}, own=False)
    assert [p.severity for p in found.problems if p.code == "P001"] == ["warning"]
    assert found.graph.nodes["model.shop.m"].depends_on == ("model.shop.n",)


def test_parse_false_reads_markers_only(understand: Understand) -> None:
    found = understand({"models/m.sql": "{{ config(parse=false) }}select ~~ from a b c {{ ref('n') }}", "models/n.sql": "select 1 as x"})
    assert found.said() == []
    assert found.graph.nodes["model.shop.m"].depends_on == ("model.shop.n",)


def test_a_name_too_long_for_the_engine(understand: Understand) -> None:
    found = understand({"models/m.sql": "{{ config(alias='" + "ж" * 130 + "') }}select 1 as x"})
    name = "ж" * 130
    assert found.said("P041") == [
        (f"`{name}` has 260 bytes; duckdb allows 255 in a name", "models/m.sql:1:1", "give it a shorter `alias` or `schema`")
    ]


def test_every_kind_becomes_a_node(understand: Understand) -> None:
    yaml = """
models: [{name: m, description: A model., columns: [{name: x, description: The x., data_tests: [not_null]}]}]
sources: [{name: raw, tables: [{name: t}]}]
exposures: [{name: board, type: dashboard, owner: {name: ann}, depends_on: ["ref('m')", "source('raw', 't')"]}]
unit_tests: [{name: u, model: m, given: [], expect: {rows: [{x: 1}]}}]
"""
    files = {
        "models/a.yml": yaml,
        "models/m.sql": "select 1 as x",
        "models/p.py": "'''Doc.'''\ndef model(ctx): return 1",
        "seeds/s.csv": "a\n1\n",
        "analyses/an.sql": "select 1 as x",
        "tests/assertions/t.sql": "select 1 as x from m",
    }
    found = understand(files)
    assert found.said() == []
    kinds = {n.kind: type(found.graph.bodies[i]) for i, n in found.graph.nodes.items() if n.language != "python"}
    assert kinds["model"] is SqlBody
    assert kinds["seed"] is SeedBody
    assert kinds["unit_test"] is UnitTestBody
    assert set(kinds) == {"model", "source", "exposure", "unit_test", "seed", "analysis", "test"}
    python = found.graph.bodies["model.shop.p"]
    assert isinstance(python, PythonBody)
    assert python.docs.description == "Doc."
    assert found.graph.nodes["model.shop.p"].materialized == "table"
    assert any(isinstance(b, NativeTestBody) for b in found.graph.bodies.values())
    assert found.graph.nodes["exposure.shop.board"].depends_on == ("model.shop.m", "source.shop.raw.t")
    body = found.graph.bodies["model.shop.m"]
    assert isinstance(body, SqlBody)
    assert (body.docs.description, body.docs.columns[0].description, body.query.columns) == ("A model.", "The x.", ("x",))


def test_late_templates_are_marked(understand: Understand) -> None:
    found = understand(
        {
            "models/a.sql": "{% if execute %}{% endif %}select 1 as x",
            "models/b.sql": "select {{ 1 }} as x",
            "models/c.sql": "select '{{ run_started_at }}' as x",
        }
    )
    assert {n: found.graph.bodies[f"model.shop.{n}"].late for n in "abc"} == {"a": True, "b": False, "c": True}


@pytest.mark.parametrize(
    ("entry", "rows"),
    [
        ("{rows: [{a: 1}, {a: null}]}", [{"a": 1}, {"a": None}]),
        ('{format: csv, rows: "a, b\\n1, x\\n,"}', [{"a": "1", "b": " x"}, {"a": None, "b": None}]),
        ("{}", []),
    ],
)  # fmt: skip
def test_fixtures_of_unit_tests(understand: Understand, entry: str, rows: list[dict[str, Any]]) -> None:
    yaml = f"unit_tests: [{{name: u, model: m, given: [{{input: this, rows: []}}], expect: {entry}}}]"
    found = understand({"models/m.sql": "select 1 as a", "models/m.yml": yaml})
    body = found.graph.bodies["unit_test.shop.m.u"]
    assert [dict(r) for r in body.expect.rows] == rows


def test_a_fixture_without_rows_of_its_format(understand: Understand) -> None:
    yaml = "unit_tests: [{name: u, model: m, given: [], expect: {format: sql, rows: [{a: 1}]}}]"
    found = understand({"models/m.sql": "select 1 as a", "models/m.yml": yaml})
    assert [(m, p) for m, p, _ in found.said("P040")] == [("unit test `u`: `expect` has no rows in format `sql`", "models/m.yml:1:1")]
