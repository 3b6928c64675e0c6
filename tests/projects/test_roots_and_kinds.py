"""Where a project is, and what its models become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make


def test_no_config_file_at_all_works(project: Make) -> None:
    p = project({})
    done = p.shell("mkdir -p q/models && echo 'select 1 as x' > q/models/a.sql && orc run --project-dir q").exits(0)
    assert done.stdout == ""
    assert "1 of 1 OK created sql view model main.a" in done.stderr
    assert "Done. PASS=1 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=1" in done.stderr
    p.database = "q/warehouse.duckdb"
    assert p.query("select x from a") == [(1,)]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("dbt_project.yml", "name: shop\nversion: '1.0'\nmodels:\n  shop:\n    marts:\n      +materialized: table\n      +schema: gold\n"),
        (
            "pyproject.toml",
            "[tool.orchestrator]\nname = 'shop'\n[tool.orchestrator.models.shop.marts]\n'+materialized' = 'table'\n'+schema' = 'gold'\n",
        ),
    ],
)
def test_project_files_say_name_and_config(project: Make, file: str, text: str) -> None:
    p = project({file: text, "models/staging/a.sql": "select 1 as x", "models/marts/b.sql": "select x + 1 as y from a"})
    done = p.orc("run").exits(0)
    assert sorted(done.manifest["nodes"]) == ["model.shop.a", "model.shop.b"]
    assert p.relations() == {"main.a": "VIEW", "main_gold.b": "BASE TABLE"}


def test_the_deepest_setting_wins_and_the_file_wins_over_all(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\nmodels:\n  +tags: [all]\n  shop:\n    +materialized: view\n    deep:\n      +materialized: table\n      +tags: deep\n",
            "models/deep/a.sql": "select 1 as x",
            "models/deep/b.sql": "{{ config(materialized='view', tags='own') }} select 1 as x",
            "models/deep/c.sql": "select 1 as x",
            "models/deep/s.yml": "version: 2\nmodels:\n  - name: c\n    config: {materialized: view}\n",
        }
    )
    done = p.orc("run").exits(0)
    assert p.relations() == {"main.a": "BASE TABLE", "main.b": "VIEW", "main.c": "VIEW"}
    assert done.manifest["nodes"]["model.shop.b"]["config"]["tags"] == ["all", "deep", "own"]


def test_from_inside_a_folder_of_the_project(project: Make) -> None:
    p = project({"dbt_project.yml": "name: shop\n", "models/deep/a.sql": "select 1 as x"})
    done = p.shell("cd models/deep && orc ls").exits(0)
    assert done.stdout == "shop.deep.a\n"


def test_view_table_seed_ephemeral_and_python(project: Make) -> None:
    p = project(
        {
            "seeds/raw.csv": "id,name\n1,ann\n2,bob\n",
            "models/v.sql": "select id, name from raw",
            "models/e1.sql": "{{ config(materialized='ephemeral') }} select id, upper(name) as name from {{ ref('v') }}",
            "models/e2.sql": "{{ config(materialized='ephemeral') }} with x as (select * from e1) select id, name from x where id > 1",
            "models/t.sql": "{{ config(materialized='table') }} with a as (select 1 as one) select e2.id, e2.name, one from e2 cross join a",
            "models/py.py": "def model(ctx):\n    frame = ctx.ref('t').df()\n    frame['twice'] = frame['id'] * 2\n    return frame\n",
            "models/last.sql": "select twice from py",
        }
    )
    done = p.orc("build").exits(0)
    assert p.query("select * from t") == [(2, "BOB", 1)]
    assert p.query("select twice from last") == [(4,)]
    assert p.relations() == {
        "main.raw": "BASE TABLE",
        "main.v": "VIEW",
        "main.t": "BASE TABLE",
        "main.py": "BASE TABLE",
        "main.last": "VIEW",
    }
    assert done.statuses == dict.fromkeys(["raw", "v", "t", "py", "last"], "success")
    assert [r for r in done.stderr.splitlines() if "OK created python table model main.py" in r], done.stderr


KINDS = {
    "view": "{{ config(materialized='view') }} select 1 as id",
    "table": "{{ config(materialized='table') }} select 2 as id",
    "incremental": "{{ config(materialized='incremental') }} select 3 as id",
}


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in KINDS for b in KINDS if a != b])
def test_a_model_changes_its_kind(project: Make, first: str, second: str) -> None:
    p = project({"models/a.sql": KINDS[first], "models/b.sql": "select id from a"})
    for kind in (first, second, first):
        p.write({"models/a.sql": KINDS[kind]})
        p.orc("run").exits(0)
        assert p.relations() == {"main.a": "VIEW" if kind == "view" else "BASE TABLE", "main.b": "VIEW"}
        expected = int(KINDS[kind].split("select ")[1][0])
        assert expected in [id_ for (id_,) in p.query("select id from b")]


def test_running_again_changes_nothing(project: Make) -> None:
    p = project(
        {
            "seeds/s.csv": "id\n1\n2\n",
            "models/t.sql": "{{ config(materialized='table') }} select id from s",
            "models/i.sql": "{{ config(materialized='incremental', unique_key='id') }} select id from s",
            "models/v.sql": "select t.id from t join i using (id)",
        }
    )
    seen = []
    for _ in range(3):
        p.orc("build").exits(0)
        seen.append((p.relations(), *(p.query(f"select id from {name} order by id") for name in "stiv")))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][1:] == ([(1,), (2,)],) * 4


def test_a_seed_keeps_leading_zeros_only_as_configured_text(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "seeds/zips.csv": "zip,n\n00501,1\n",
            "seeds/s.yml": "version: 2\nseeds:\n  - name: zips\n    config: {column_types: {zip: varchar}}\n",
        }
    )
    p.orc("seed").exits(0)
    assert p.query("select zip, n from zips") == [("00501", 1)]


def test_an_empty_build_checks_the_sql_without_rows(project: Make) -> None:
    p = project({"seeds/s.csv": "id\n1\n2\n", "models/t.sql": "{{ config(materialized='table') }} select * from s"})
    p.orc("seed").exits(0)
    p.orc("run", "--empty").exits(0)
    assert p.query("select count(*) from t") == [(0,)]
    assert p.query("select count(*) from s") == [(2,)]


def test_schema_names_can_be_overridden(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "macros/names.sql": """
                {% macro generate_schema_name(custom_schema_name, node) -%}
                  {{ 'x_' ~ (custom_schema_name or target.schema) }}
                {%- endmacro %}
                {% macro generate_alias_name(custom_alias_name, node) -%}{{ (custom_alias_name or node.name) ~ '_v1' }}{%- endmacro %}
                """,
            "models/a.sql": "{{ config(schema='gold') }} select 1 as x",
            "models/b.sql": "select a.x from {{ ref('a') }} as a",
        }
    )
    p.orc("run").exits(0)
    assert p.relations() == {"x_gold.a_v1": "VIEW", "x_main.b_v1": "VIEW"}


def test_hard_names(project: Make) -> None:
    p = project(
        {
            "models/order.sql": 'select 1 as "select", 2 as "größe", 3 as "with space"',
            "models/Größe.sql": 'select "select" as x, "größe" as y, "with space" as z from {{ ref("order") }}',
            "models/MixedCase.sql": 'select x from {{ ref("Größe") }}',
            "models/reader.sql": "select mixedcase.x from MIXEDCASE",
            "models/s.yml": "version: 2\nmodels:\n  - name: order\n    columns:\n      - name: with space\n        quote: true\n        tests: [not_null, unique]\n      - name: select\n        quote: true\n        tests: [not_null]\n",
        }
    )
    p.orc("build").exits(0)
    assert p.query("select x from reader") == [(1,)]
    assert sorted(p.relations()) == ["main.Größe", "main.MixedCase", "main.order", "main.reader"]


def test_versions_of_the_tool_and_help() -> None:
    from orchestrator.cli.main import call

    assert call(["--version"]) == 0
