"""``persist_docs``: descriptions become comments of the columns that are really there."""

from __future__ import annotations

import pytest

from tests.contract.project import Built, Make

YML = """
models:
  - name: t
    description: all of them
    columns: [{name: ID, description: the key}, {name: v, description: the value}, {name: gone, description: not there}]
"""
PYTHON = """
def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("raw").df()
"""
LATE = "{{ config(materialized='%s') }} {% set n = run_query('select 1').columns[0].values()[0] if execute else 0 %} select * from {{ ref('raw') }} where id > {{ n }} - 9"


def comments(project: Built) -> dict[str, str]:
    if project.engine == "duckdb":
        rows = project.query("select column_name, comment from duckdb_columns() where table_name = 't' and comment is not null")
    else:
        rows = project.query(
            "select attname, col_description(attrelid, attnum) from pg_attribute where attrelid = '{t}'::regclass and attnum > 0 and col_description(attrelid, attnum) is not null"
        )
    return dict(rows)


@pytest.mark.notimpl("bigquery", reason="these ask the catalogs of DuckDB and Postgres; test_build_bigquery.py has the story")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("models/t.sql", "{{ config(materialized='table') }} select * from {{ ref('raw') }}"),
        ("models/t.sql", "{{ config(materialized='view') }} select * from {{ ref('raw') }}"),
        ("models/t.sql", "{{ config(materialized='table') }} select id as Id, v from {{ ref('raw') }}"),
        ("models/t.sql", LATE.replace("%s", "table")),
        ("models/t.sql", LATE.replace("%s", "incremental")),
        ("models/t.py", PYTHON),
    ],
    ids=["star", "view over a star", "another case", "late", "late and incremental", "python"],
)
def test_columns_of_any_model_have_their_descriptions(project: Make, path: str, text: str) -> None:
    made = project({"seeds/raw.csv": "id,v\n1,a\n", path: text, "models/t.yml": YML})
    for _ in range(2):
        made.orc("build")
        found = comments(made)
        assert {k.lower(): v for k, v in found.items()} == {"id": "the key", "v": "the value"}


@pytest.mark.notimpl("bigquery", reason="these ask the catalogs of DuckDB and Postgres; test_build_bigquery.py has the story")
def test_a_seed_may_document_columns_it_lost(project: Make) -> None:
    made = project({"seeds/t.csv": "Id,v\n1,a\n", "seeds/t.yml": YML.replace("models:", "seeds:")})
    made.orc("seed")
    assert comments(made) == {"Id": "the key", "v": "the value"}
