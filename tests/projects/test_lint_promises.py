"""What files promise about columns, held against queries: where it is said, and when nothing is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import orchestrator

A = "select 1 as id, 'x' as name"


def project(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in {"pyproject.toml": '[tool.orchestrator]\nname = "shop"\n', "models/a.sql": A, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def lint(folder: Path, *words: str) -> list[str]:
    """``code path:line`` of each finding."""
    done = orchestrator.invoke(["lint", "--project-dir", str(folder), "--format", "json", *words])
    assert done.exit_code in (0, 1), done.stderr
    return [f"{f['code']} {f['path']}:{f['line']}" for f in json.loads(done.stdout or "[]")]


CONTRACT = """models:
  - name: a
    config:
      contract: {enforced: true}
    columns:
      - name: id
        data_type: integer
      - name: nmae
        data_type: varchar
"""


def test_each_broken_promise_of_a_contract_is_at_its_column(tmp_path: Path) -> None:
    assert lint(project(tmp_path, {"models/m.yml": CONTRACT})) == ["S402 models/m.yml:5", "S401 models/m.yml:8"]


@pytest.mark.parametrize(
    ("type_", "wanted"),
    [
        ("integer", []),
        ("INT", []),
        ("int4", []),
        ("struct(a integer)", []),
        ("bigint", ["S403 models/m.yml:6"]),
        ("text", ["S403 models/m.yml:6"]),
    ],
)
def test_types_are_compared_in_the_engines_words(tmp_path: Path, type_: str, wanted: list[str]) -> None:
    text = CONTRACT.replace("nmae", "name").replace("integer", type_)
    assert lint(project(tmp_path, {"models/m.yml": text})) == wanted


def test_a_column_documented_and_tested_is_told_of_once_where_it_is_tested(tmp_path: Path) -> None:
    text = "models:\n  - name: a\n    columns:\n      - name: key\n        data_tests:\n          - unique\n          - not_null\n      - name: old\n"
    assert lint(project(tmp_path, {"models/m.yml": text})) == ["S405 models/m.yml:6", "S405 models/m.yml:7", "S404 models/m.yml:8"]


@pytest.mark.parametrize(
    "files",
    [
        {"models/a.sql": "select * from lake.orders"},
        {"models/a.sql": "{% set x = run_query('select 1') %}select 1 as id"},
        {"models/a.sql": "{{ config(parse=false) }}select 1 as id"},
        {
            "models/a.sql": "select * from {{ source('lake', 'orders') }}",
            "models/s.yml": "sources: [{name: lake, tables: [{name: orders}]}]",
        },
    ],
)
def test_where_columns_are_not_known_nothing_is_missed(tmp_path: Path, files: dict[str, str]) -> None:
    text = "models:\n  - name: a\n    columns:\n      - {name: key, data_tests: [unique]}\n      - {name: other}\n"
    unit = "unit_tests:\n  - {name: u, model: a, given: [], expect: {rows: [{key: 1}]}}\n"
    assert lint(project(tmp_path, {**files, "models/m.yml": text + unit})) == []


def test_names_are_compared_as_the_engine_does(tmp_path: Path) -> None:
    text = "models:\n  - name: a\n    columns:\n      - {name: ID, data_tests: [unique]}\n      - {name: Name, quote: true, data_tests: [not_null]}\n"
    assert lint(project(tmp_path, {"models/m.yml": text})) == []


def test_an_expression_under_test_is_nobodys_column(tmp_path: Path) -> None:
    text = "models:\n  - name: a\n    data_tests:\n      - not_null:\n          arguments: {column_name: id + 1}\n"
    assert lint(project(tmp_path, {"models/m.yml": text})) == []


def test_seeds_have_the_columns_of_their_header(tmp_path: Path) -> None:
    text = "seeds:\n  - name: s\n    columns:\n      - {name: code}\n      - {name: cdoe}\n"
    assert lint(project(tmp_path, {"seeds/s.csv": "code,label\n1,x\n", "seeds/s.yml": text})) == ["S404 seeds/s.yml:5"]


def test_a_relationship_to_a_part_of_a_table_is_not_judged(tmp_path: Path) -> None:
    text = """models:
  - name: b
    columns:
      - name: id
        data_tests:
          - relationships:
              arguments: {to: "(select id as key from {{ ref('a') }})", field: key}
          - relationships:
              arguments: {to: ref('a'), field: key}
"""
    assert lint(project(tmp_path, {"models/b.sql": "select 1 as id", "models/m.yml": text})) == ["S406 models/m.yml:8"]


UNIT = """unit_tests:
  - name: u
    model: b
    given:
      - input: ref('a')
        rows:
          - {id: 1}
          - {id: 1, nmae: x}
    expect:
      rows:
        - {id: 1}
        - {di: 1}
"""


def test_a_unit_tests_rows_are_told_of_at_their_line(tmp_path: Path) -> None:
    files = {"models/b.sql": "select id from {{ ref('a') }}", "models/u.yml": UNIT}
    assert lint(project(tmp_path, files)) == ["S407 models/u.yml:8", "S407 models/u.yml:12"]


def test_comments_and_severities_hold_in_yaml_too(tmp_path: Path) -> None:
    text = "models:\n  - name: a\n    columns:\n      - name: key  # noqa: S404\n      - name: other\n"
    assert lint(project(tmp_path, {"models/m.yml": text})) == ["S404 models/m.yml:5"]
    off = text.replace("    columns", "    config: {lint: {undocumented-target: off}}\n    columns")
    assert lint(project(tmp_path, {"models/m.yml": off})) == []


def test_a_test_goes_by_the_configuration_of_what_it_tests(tmp_path: Path) -> None:
    text = "models:\n  - name: a\n    config: {lint: {S405: off}}\n    columns:\n      - {name: key, data_tests: [unique]}\n"
    assert lint(project(tmp_path, {"models/m.yml": text})) == []


def test_promises_are_those_of_the_selection(tmp_path: Path) -> None:
    files = {"models/b.sql": "select id from {{ ref('a') }}", "models/m.yml": CONTRACT, "models/u.yml": UNIT}
    folder = project(tmp_path, files)
    assert lint(folder, "-s", "b") == ["S407 models/u.yml:8", "S407 models/u.yml:12"]
    assert lint(folder, "models/m.yml") == ["S402 models/m.yml:5", "S401 models/m.yml:8"]


def test_personal_data_are_led_to_the_column_of_the_public_model(tmp_path: Path) -> None:
    files = {
        "models/m.yml": "models:\n  - name: a\n    columns: [{name: name, meta: {pii: name}}]\n",
        "models/p.sql": "{{ config(tags=['public']) }}\nselect\n    id,\n    upper(name) as shown\nfrom {{ ref('a') }}\n",
    }
    assert lint(project(tmp_path, files)) == ["S450 models/p.sql:4"]
