"""Properties files: every spelling becomes one, and everything wrong is named with its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.project import Properties
from orchestrator.load.properties import duplicates, from_json, parse_properties, rendered, to_json


def entries(text: str, *, own: bool = True) -> tuple[Properties, ...]:
    found, problems = parse_properties("m.yml", text.encode(), own)
    assert not problems
    return found


def problems_of(text: str, *, own: bool = True) -> list[tuple[str, int, str, str | None]]:
    _, problems = parse_properties("m.yml", text.encode(), own)
    return [(p.severity, p.span.line if p.span else 0, p.message, p.hint) for p in problems]


TESTS: dict[str, Any] = {
    "not_null": {"test_name": "not_null"},
    "dbt_utils.at_least_one": {"test_name": "dbt_utils.at_least_one"},
    "not_null: ": {"test_name": "not_null"},
    "not_null: {severity: warn}": {"test_name": "not_null", "config": {"severity": "warn"}},
    "accepted_values: {values: [a]}": {"test_name": "accepted_values", "arguments": {"values": ["a"]}},
    "accepted_values: {arguments: {values: [a]}, config: {where: x > 1}}": {
        "test_name": "accepted_values",
        "arguments": {"values": ["a"]},
        "config": {"where": "x > 1"},
    },
    "accepted_values: {name: mine, values: [a], config: {severity: warn}, limit: 5}": {
        "test_name": "accepted_values",
        "name": "mine",
        "arguments": {"values": ["a"]},
        "config": {"severity": "warn", "limit": 5},
    },
    "{name: mine, test_name: relationships, to: ref('x'), field: id}": {
        "test_name": "relationships",
        "name": "mine",
        "arguments": {"to": "ref('x')", "field": "id"},
    },
    "unique: {description: one each, tags: nightly}": {"test_name": "unique", "description": "one each", "config": {"tags": ["nightly"]}},
}


@pytest.mark.parametrize("key", ["tests", "data_tests"])
@pytest.mark.parametrize(("written", "meant"), TESTS.items(), ids=TESTS)
def test_a_test_in_any_spelling(written: str, meant: Any, key: str) -> None:
    (model,) = entries(f"models:\n  - name: a\n    columns:\n      - name: x\n        {key}:\n          - {written}\n")
    assert model.data["columns"] == [{"name": "x", "data_tests": [meant]}]
    assert model.at("columns", 0, "data_tests", 0).line == 6


def test_old_places_move_under_config() -> None:
    (model,) = entries(
        "models:\n  - name: a\n    meta: {x: 1}\n    access: public\n    docs: {show: false}\n    config:\n      meta: {y: 2}\n      +tags: a\n"
    )
    assert model.data["config"] == {"meta": {"x": 1, "y": 2}, "tags": ["a"], "access": "public", "docs": {"show": False}}
    assert [model.at("config", key).line for key in ("access", "docs", "tags")] == [4, 5, 8]


def test_a_columns_config_is_its_own() -> None:
    (model,) = entries("models: [{name: a, columns: [{name: x, tags: [p], config: {tags: [q], meta: {m: 1}}}]}]")
    assert model.data["columns"] == [{"name": "x", "tags": ["p", "q"], "meta": {"m": 1}}]


def test_names_are_text_whatever_yaml_thinks() -> None:
    (model,) = entries("models:\n  - name: on\n    description: 2024\n    columns:\n      - name: no\n      - name: 007\n")
    assert (model.name, model.data["description"], [c["name"] for c in model.data["columns"]]) == ("on", "2024", ["no", "007"])


def test_one_entry_for_each_source_table() -> None:
    text = """
sources:
  - name: shop
    schema: raw
    config: {freshness: {warn_after: {count: 1, period: day}}, tags: [s]}
    tables:
      - name: orders
        freshness: null
        tests: [x]
      - name: customers
        config: {loaded_at_field: at}
"""
    orders, customers = entries(text)
    assert (orders.name, orders.data["freshness"], orders.data["data_tests"]) == ("orders", None, [{"test_name": "x"}])
    assert customers.data["loaded_at_field"] == "at"
    above = {"name": "shop", "schema": "raw", "config": {"tags": ["s"]}, "freshness": {"warn_after": {"count": 1, "period": "day"}}}
    assert orders.data["source"] == customers.data["source"] == above
    assert [orders.at().line, orders.at("freshness").line, orders.at("source", "schema").line] == [7, 8, 4]


def test_every_section_is_read() -> None:
    text = """
version: 2
seeds: [{name: s, config: {column_types: {a: int}}}]
snapshots: [{name: n, relation: "ref('a')"}]
analyses: [{name: y}]
macros: [{name: m, arguments: [{name: x, type: text}]}]
exposures: [{name: e, type: dashboard, owner: {name: Ann}, depends_on: ["ref('a')"], tags: [t]}]
groups: [{name: g, owner: {email: a@b.c}}]
unit_tests: [{name: u, model: a, given: [{input: "ref('b')", rows: [{x: 1}]}], expect: {rows: []}}]
data_tests: [{name: d, description: why}]
"""
    assert [e.section for e in entries(text)] == [
        "seeds",
        "snapshots",
        "analyses",
        "macros",
        "exposures",
        "groups",
        "unit_tests",
        "data_tests",
    ]


BAD = {
    "not a mapping": ("- name: a", [("error", 1, "a properties file is a mapping with keys such as `models:`, not a list", None)]),
    "section is a mapping": (
        "models:\n  name: a",
        [("error", 1, "`models` must be a list of entries, each starting with `- name: …`, not a mapping", None)],
    ),
    "version 1": ("version: 1", [("error", 1, "`version: 1` is not supported", "write `version: 2`, or leave it out")]),
    "unknown section": ("modles: []", [("error", 1, "unknown key `modles` in a properties file", "did you mean `models`?")]),
    "no name": ("models:\n  - description: x", [("error", 2, "a model needs the key `name`", None)]),
    "unknown key": ("models:\n  - name: a\n    colums: []", [("error", 3, "unknown key `colums` in a model", "did you mean `columns`?")]),
    "config in the wrong place": (
        "models:\n  - name: a\n    materialized: table",
        [("error", 3, "unknown key `materialized` in a model", "write it under `config:`: `config: {materialized: …}`")],
    ),
    "unknown config": (
        "models:\n  - name: a\n    config:\n      materialised: table\n      zzz: 1",
        [
            ("error", 4, "unknown key `materialised` in `config`", "did you mean `materialized`?"),
            ("error", 5, "unknown key `zzz` in `config`", "keys of your own go under `meta`"),
        ],
    ),
    "list for text": ("models:\n  - name: a\n    description: [x]", [("error", 3, "`description` must be text, not a list", None)]),
    "text for list": ("models:\n  - name: a\n    columns: x", [("error", 3, "`columns` must be a list, not text", None)]),
    "text for a column": (
        "models:\n  - name: a\n    columns: [x]",
        [("error", 3, "an item of this list must be a mapping (a column), not text", None)],
    ),
    "column twice": (
        "models:\n  - name: a\n    columns:\n      - name: x\n      - name: x",
        [("error", 5, "the column `x` of `a` is described twice: in line 4 and in line 5", "keep one of them")],
    ),
    "tests twice": (
        "models:\n  - name: a\n    tests: [x]\n    data_tests: [y]",
        [("error", 4, "`data_tests` says again what line 3 says", "remove one of them")],
    ),
    "arguments not indented": (
        "models:\n  - name: a\n    tests:\n      - accepted_values:\n        values: [1]",
        [
            (
                "error",
                4,
                "a test is one name with its arguments, but this one has the keys `accepted_values`, `values`",
                "indent `values` below `accepted_values:` if it is an argument; a new test starts with `- `",
            )
        ],
    ),
    "argument twice": (
        "models:\n  - name: a\n    tests:\n      - x: {a: 1, arguments: {a: 2}}",
        [("error", 4, "`a` of the test `x` is written twice", "remove one of them")],
    ),
    "test is a number": (
        "models:\n  - name: a\n    tests: [5]",
        [("error", 3, "an item of this list must be the name of a test, or a mapping from it to its arguments, not a number", None)],
    ),
    "severity": (
        "models:\n  - name: a\n    tests: [{x: {severity: warning}}]",
        [("error", 3, "`severity` cannot be `warning`", "did you mean `warn`?")],
    ),
    "freshness period": (
        "sources:\n  - name: s\n    tables:\n      - name: t\n        freshness:\n          warn_after: {count: 1, period: days}",
        [("error", 6, "`period` cannot be `days`", "did you mean `day`?")],
    ),
    "exposure": (
        "exposures:\n  - name: e\n    type: dashbord",
        [("error", 3, "`type` cannot be `dashbord`", "did you mean `dashboard`?"), ("error", 2, "an exposure needs the key `owner`", None)],
    ),
    "semantic models": ("semantic_models: []", [("warning", 1, "`semantic_models` is not used here", None)]),
    "written here and under config": (
        "models:\n  - name: a\n    group: x\n    config: {group: y}",
        [("error", 3, "`group` is written here and under `config`", "keep the one under `config`")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_place(text: str, expected: list[tuple[str, int, str, str | None]]) -> None:
    assert problems_of(text) == expected


def test_unknown_keys_only_warn_in_dbt_projects() -> None:
    text = "models:\n  - name: a\n    colums: []\n    config: {my_key: 1}\nother: 1"
    assert [severity for severity, *_ in problems_of(text, own=False)] == ["warning"] * 3
    found, _ = parse_properties("m.yml", text.encode(), own=False)
    assert found[0].data["config"]["my_key"] == 1


def test_all_problems_of_a_file_come_at_once() -> None:
    text = "models:\n  - name: a\n    descripton: x\n  - name: [b]\n  - {}\n"
    assert [line for _, line, _, _ in problems_of(text)] == [3, 4, 5]


def test_empty_files_and_sections_declare_nothing() -> None:
    assert entries("") == entries("# nothing\n") == entries("version: 2\nmodels:\n") == ()


def test_two_entries_for_one_thing_name_both_places() -> None:
    (first,), _ = parse_properties("a.yml", b"models:\n  - name: x", own=True)
    (second,), _ = parse_properties("b.yml", b"models:\n\n  - name: x", own=True)
    (other,), _ = parse_properties("c.yml", b"seeds:\n  - name: x", own=True)
    (problem,) = duplicates([first, other, second])
    assert (str(problem.span), problem.message) == ("b.yml:3:1", "the model `x` is described twice: a.yml:2 and b.yml:3")
    assert duplicates([first, other]) == ()


def test_json_and_back() -> None:
    text = (
        "models:\n  - name: a\n    config: {begin: 2024-01-01, meta: {1: x, 2024-01-01: y, $: z, t: 2024-01-01 10:00:00}}\n    tests: [x]\n"
    )
    (entry,) = entries(text)
    back = from_json(json.loads(json.dumps(to_json(entry))))
    assert (back.section, back.name, back.path, back.data) == (entry.section, entry.name, entry.path, entry.data)
    assert dict(back.lines) == dict(entry.lines)


def test_values_are_rendered_but_not_what_comes_later() -> None:
    (entry,) = entries(
        "models:\n  - name: a\n    description: '{{ doc(1) }}'\n    config: {schema: '{{ x }}', pre_hook: '{{ y }}', enabled: '{{ z }}'}\n"
        "    tests: [{t: {a: '{{ b }}', severity: \"{{ 'warn' }}\"}}]\n"
    )
    result = rendered(entry, lambda text: f"<{text}>")
    assert result.data["description"] == "{{ doc(1) }}"
    assert result.data["config"] == {"schema": "<{{ x }}>", "pre_hook": "{{ y }}", "enabled": "<{{ z }}>"}
    assert result.data["data_tests"] == [{"test_name": "t", "arguments": {"a": "{{ b }}"}, "config": {"severity": "<{{ 'warn' }}>"}}]


def test_a_value_that_does_not_render_is_named_by_its_line() -> None:
    (entry,) = entries("models:\n  - name: a\n    config:\n      schema: '{{ x }}'\n")

    def refuse(text: str) -> object:
        raise ConfigError(Problem("R001", f"`{text}`"))

    with pytest.raises(ConfigError) as caught:
        rendered(entry, refuse)
    assert str(caught.value.first.span) == "m.yml:4:1"


WORDS = st.sampled_from(
    [
        "name",
        "models",
        "sources",
        "tables",
        "columns",
        "tests",
        "data_tests",
        "config",
        "meta",
        "tags",
        "arguments",
        "test_name",
        "freshness",
        "unit_tests",
        "given",
        "expect",
        "versions",
        "v",
        "group",
        "severity",
        "description",
        "x",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "{{ x }}", "warn"]) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(0, 3), inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(WORDS, st.lists(st.dictionaries(WORDS, VALUES, max_size=5), max_size=3), max_size=3), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_shape_is_read_or_explained(value: Any, own: bool) -> None:
    """Whatever is nested in whatever: no other exception, every problem has a place, what is read survives a cache."""
    text = yaml.safe_dump(value)
    found, problems = parse_properties("m.yml", text.encode(), own)
    assert all(p.span is not None and 1 <= p.span.line <= text.count("\n") for p in problems)
    for entry in found:
        back = from_json(json.loads(json.dumps(to_json(entry))))
        assert (back.data, dict(back.lines)) == (entry.data, dict(entry.lines))
        assert all(1 <= line <= text.count("\n") for line in entry.lines.values())
        rendered(entry, str.upper)
