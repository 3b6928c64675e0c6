"""``persist_docs``: descriptions become comments of what is really there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

YAML = """
models:
  - name: m
    config: {persist_docs: {relation: true, columns: true}}
    description: The model
    columns:
      - {name: id, description: The key}
      - {name: Name, description: In another case}
      - {name: gone, description: Not there}
      - {name: ID, quote: true, description: Quoted and in another case}
"""


def comments(p: Project) -> dict[str, str]:
    return dict(p.query("select column_name, comment from duckdb_columns() where table_name = 'm' and comment is not null"))


@pytest.mark.parametrize(
    "model",
    [
        "{{ config(materialized='table') }} select 1 as id, 'x' as name",
        "{{ config(materialized='view') }} select * from {{ ref('s') }}",
        "{{ config(materialized='incremental') }} select * from {{ ref('s') }}",
        "{{ config(materialized='table') }} {% if execute %}{% do run_query('select 1') %}{% endif %} select * from {{ ref('s') }}",
    ],
    ids=["columns are known", "star in a view", "star", "late"],
)
def test_columns_that_are_there_get_their_comments_and_the_others_a_warning(project: Make, model: str) -> None:
    p = project({"dbt_project.yml": "{name: p}", "models/m.sql": model, "models/m.yml": YAML, "seeds/s.csv": "id,name\n1,x\n"})
    done = p.orc("build").exits(0)
    assert comments(p) == {"id": "The key", "name": "In another case"}
    assert "`m` documents columns that it does not have: `gone`, `ID`" in done.stderr


def test_a_python_model_and_a_seed_too(project: Make) -> None:
    p = project({
        "models/m.py": "import pandas as pd\ndef model(ctx):\n    return pd.DataFrame({'id': [1], 'name': ['x']})",
        "models/m.yml": YAML,
        "seeds/s.csv": "id\n1\n",
        "seeds/s.yml": "seeds: [{name: s, columns: [{name: id, description: A key}, {name: nope, description: x}]}]",
    })  # fmt: skip
    done = p.orc("build").exits(0)
    assert comments(p) == {"id": "The key", "name": "In another case"}
    assert p.query("select comment from duckdb_columns() where table_name = 's'") == [("A key",)]
    assert "`s` documents columns that it does not have: `nope`" in done.stderr
    for form in ("text", "json"):
        assert "comments of the relation" in p.orc("plan", "--explain", "--output", form).exits(0).stdout


def test_debug_shows_what_is_sent(project: Make) -> None:
    p = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as shown_id"})
    assert "select 1 as shown_id" not in p.orc("run").exits(0).stderr
    assert "select 1 as shown_id" in p.orc("run", "--debug").exits(0).stderr
