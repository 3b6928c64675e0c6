"""Snapshots through the command line: how they are declared, run, gated, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

SOURCE = "models/orders.sql"
BLOCK = """
    {{% snapshot history %}}
    {{{{ config(strategy='check', unique_key='id', check_cols='all'{more}) }}}}
    select * from {{{{ ref('orders') }}}}
    {{% endsnapshot %}}
    """


def source(*rows: tuple[object, ...]) -> str:
    return "\nunion all\n".join(f"select {', '.join(f'{v!r} as {n}' for v, n in zip(row, ('id', 'state'), strict=True))}" for row in rows)


def shop(project: Make, more: str = "", **files: str) -> Project:
    return project({SOURCE: source((1, "a"), (2, "b")), "snapshots/history.sql": BLOCK.format(more=more), **files})


def lives(p: Project, name: str = "history") -> list[tuple[object, ...]]:
    return p.query(f"select id, state, dbt_valid_to is null from {name} order by id, dbt_valid_from, 3")


def test_build_takes_snapshots_between_what_they_read_and_what_reads_them(project: Make) -> None:
    p = shop(project, **{"models/latest.sql": "select id, state from history where dbt_valid_to is null"})
    done = p.orc("build").exits(0)
    assert list(done.statuses.items()) == [("orders", "success"), ("history", "success"), ("latest", "success")]
    assert "OK snapshotted snapshot main.history" in done.stderr
    assert "[SELECT 2 in" in done.stderr
    p.write({SOURCE: source((1, "x"), (3, "c"))})
    assert "[INSERT 2, UPDATE 1 in" in p.orc("build").exits(0).stderr
    assert lives(p) == [(1, "a", False), (1, "x", True), (2, "b", True), (3, "c", True)]
    assert p.query("select * from latest order by id") == [(1, "x"), (2, "b"), (3, "c")]


def test_run_leaves_snapshots_alone_and_snapshot_takes_nothing_else(project: Make) -> None:
    p = shop(project)
    assert list(p.orc("run").exits(0).statuses) == ["orders"]
    assert list(p.orc("snapshot").exits(0).statuses) == ["history"]


def test_a_run_without_changes_writes_nothing(project: Make) -> None:
    p = shop(project, ", hard_deletes='new_record'")
    p.orc("build").exits(0)
    before = p.query("select * from history order by all")
    sent = p.orc("snapshot").exits(0)
    assert sent.messages["history"] == "INSERT 0"
    assert p.query("select * from history order by all") == before
    statements = p.read("target/run/p/snapshots/history.sql/history.sql")
    assert 'update "warehouse"."main"."history"' not in statements
    assert 'insert into "warehouse"."main"."history"' not in statements


def test_several_blocks_in_a_file_and_entries_with_a_relation(project: Make) -> None:
    p = project(
        {
            SOURCE: source((1, "a")),
            "snapshots/deep/two.sql": """
                {# {% snapshot not_this_one %} #}
                {% snapshot first %}
                {{ config(strategy='check', unique_key='id', check_cols=['state']) }}
                select * from {{ ref('orders') }}
                {% endsnapshot %} text between blocks means nothing
                {%- snapshot second -%}
                {{ config(strategy='check', unique_key='id', check_cols='all') }} select id, state from orders
                {%- endsnapshot -%}
                """,
            "models/more.yml": """
                sources: [{name: raw, schema: main, tables: [{name: other}]}]
                snapshots:
                  - {name: third, relation: ref('orders'), config: {strategy: check, unique_key: id, check_cols: all}}
                  - {name: fourth, relation: "source('raw', 'other')", config: {strategy: check, unique_key: id, check_cols: all}}
                  - {name: fifth, relation: main.orders, config: {strategy: check, unique_key: id, check_cols: all}}
                  - name: first
                    description: The first of all
                    columns: [{name: dbt_scd_id, data_tests: [unique, not_null]}]
                """,
        }
    )
    p.change("create table other as select 1 as id, 'a' as state")
    done = p.orc("build").exits(0)
    nodes = done.manifest["nodes"]
    assert all(lives(p, name) == [(1, "a", True)] for name in ("first", "second", "third", "fourth", "fifth"))
    assert done.statuses["unique_first_dbt_scd_id"] == "pass"
    assert nodes["snapshot.p.first"]["fqn"] == ["p", "deep", "two", "first"]
    assert nodes["snapshot.p.third"]["fqn"] == ["p", "third"]
    assert nodes["snapshot.p.first"]["description"] == "The first of all"
    assert nodes["snapshot.p.first"]["raw_code"].startswith("{{ config(")
    assert nodes["snapshot.p.third"]["raw_code"] == "select * from {{ ref('orders') }}"
    assert nodes["snapshot.p.third"]["depends_on"]["nodes"] == nodes["snapshot.p.fifth"]["depends_on"]["nodes"] == ["model.p.orders"]
    config = nodes["snapshot.p.first"]["config"]
    assert (config["materialized"], config["strategy"], config["check_cols"]) == ("snapshot", "check", ["state"])
    assert config["snapshot_meta_column_names"]["dbt_valid_to"] is None


def test_selection(project: Make) -> None:
    p = shop(project)

    def listed(*words: str) -> list[str]:
        return p.orc("ls", *words, "--output", "name").exits(0).stdout.split()

    assert listed("--resource-type", "snapshot") == ["history"]
    assert listed("-s", "resource_type:snapshot") == ["history"]
    assert listed("-s", "config.materialized:snapshot") == ["history"]
    assert listed("-s", "orders+") == ["orders", "history"]
    assert listed("-s", "path:snapshots") == ["history"]
    assert list(p.orc("build", "--exclude-resource-type", "snapshot").exits(0).statuses) == ["orders"]


def test_compile_and_show(project: Make) -> None:
    p = shop(project)
    p.orc("build").exits(0)
    p.orc("compile").exits(0)
    assert p.read("target/compiled/p/snapshots/history.sql/history.sql").strip() == 'select * from "warehouse"."main"."orders"'
    assert "dbt_valid_from" in p.orc("show", "-s", "history").exits(0).stdout


def test_where_it_is_built(project: Make) -> None:
    p = project(
        {
            "pyproject.toml": '[tool.orchestrator]\nname = "p"\n[tool.orchestrator.snapshots]\n"+schema" = "past"\n"+tags" = ["kept"]\n',
            SOURCE: source((1, "a")),
            "snapshots/a.sql": BLOCK.format(more="").replace("history", "a"),
            "snapshots/b.sql": BLOCK.format(more=", target_schema='archive', alias='bb'").replace("history", "b"),
        }
    )
    p.orc("build").exits(0)
    assert {"main_past.a", "archive.bb"} <= set(p.relations())
    assert p.orc("ls", "-s", "tag:kept", "--output", "name").stdout.split() == ["a", "b"]


def test_the_projects_own_naming_macros_count(project: Make) -> None:
    macro = "{% macro generate_schema_name(custom_schema_name, node) %}{{ node.resource_type }}_{{ custom_schema_name }}{% endmacro %}"
    p = shop(project, ", schema='x'", **{"macros/names.sql": macro})
    p.orc("build").exits(0)
    assert "snapshot_x.history" in p.relations()


def test_a_test_that_fails_takes_everything_back(project: Make) -> None:
    p = shop(
        project,
        **{"snapshots/p.yml": "snapshots: [{name: history, columns: [{name: state, data_tests: [{accepted_values: {values: [a, b]}}]}]}]"},
    )
    p.orc("build").exits(0)
    before = p.query("select * from history order by all")
    p.write({SOURCE: source((1, "wrong"), (2, "b")), "models/below.sql": "select * from history"})
    done = p.orc("build").exits(1)
    assert done.statuses["history"] == "error"
    assert done.statuses["accepted_values_history_state__a__b"] == "fail"
    assert done.statuses["below"] == "skipped"
    assert p.query("select * from history order by all") == before
    assert not [r for r in p.relations() if "__orc" in r]
    p.write({SOURCE: source((1, "b"), (2, "b"))})
    p.orc("build").exits(0)
    assert lives(p) == [(1, "a", False), (1, "b", True), (2, "b", True)]


def test_a_first_run_whose_test_fails_leaves_no_table(project: Make) -> None:
    p = shop(project, **{"snapshots/p.yml": "snapshots: [{name: history, columns: [{name: state, data_tests: [unique]}]}]"})
    p.write({SOURCE: source((1, "a"), (2, "a"))})
    p.orc("build").exits(1)
    assert "main.history" not in p.relations()


def test_a_full_refresh_forgets_nothing(project: Make) -> None:
    p = shop(project)
    p.orc("build").exits(0)
    p.write({SOURCE: source((1, "x"), (2, "b"))})
    p.orc("build", "--full-refresh").exits(0)
    assert lives(p) == [(1, "a", False), (1, "x", True), (2, "b", True)]


def test_a_build_with_no_rows_ends_nothing(project: Make) -> None:
    p = shop(project, ", hard_deletes='invalidate'")
    p.orc("build").exits(0)
    p.orc("build", "--empty").exits(0)
    assert lives(p) == [(1, "a", True), (2, "b", True)]


def test_a_template_that_asks_the_warehouse(project: Make) -> None:
    query = """
        {% snapshot history %}
        {{ config(strategy='check', unique_key='id', check_cols='all') }}
        {% set columns = adapter.get_columns_in_relation(ref('orders')) | map(attribute='name') | list %}
        select {{ columns | join(', ') }}, '{{ this.schema }}' as place from {{ ref('orders') }}
        {% endsnapshot %}
        """
    p = shop(project, **{"snapshots/history.sql": query})
    p.orc("build").exits(0)
    assert p.query("select id, state, place from history order by id") == [(1, "a", "main"), (2, "b", "main")]
    p.write({SOURCE: source((1, "x"), (2, "b"))})
    p.orc("build").exits(0)
    assert lives(p) == [(1, "a", False), (1, "x", True), (2, "b", True)]


def test_hooks_and_documentation(project: Make) -> None:
    p = shop(
        project,
        ", pre_hook='create table said (what varchar)', post_hook=\"insert into said select count(*)::varchar from {{ this }}\"",
        **{"snapshots/p.yml": "snapshots: [{name: history, description: All that was}]"},
    )
    p.orc("build").exits(0)
    assert p.query("select * from said") == [("2",)]
    assert p.query("select comment from duckdb_tables() where table_name = 'history'") == [("All that was",)]


def test_a_disabled_snapshot_is_none(project: Make) -> None:
    p = shop(project, ", enabled=false")
    assert list(p.orc("build").exits(0).statuses) == ["orders"]


def test_a_changed_block_is_noticed_by_the_next_command(project: Make) -> None:
    p = shop(project)
    p.orc("build").exits(0)
    p.write({"snapshots/history.sql": BLOCK.format(more="").replace("select *", "select id, upper(state) as state")})
    p.orc("build").exits(0)
    assert lives(p) == [(1, "a", False), (1, "A", True), (2, "b", False), (2, "B", True)]


def test_something_else_in_its_place(project: Make) -> None:
    p = shop(project)
    p.orc("run").exits(0)
    p.change("create view history as select 1 as id")
    done = p.orc("build").exits(2)
    assert "N305" in done.stderr
    assert "`warehouse.main.history` is a view" in done.stderr


def test_a_key_twice_in_the_query(project: Make) -> None:
    p = shop(project)
    p.orc("build").exits(0)
    p.write({SOURCE: source((1, "x"), (7, "b"), (7, "c"))})
    done = p.orc("build").exits(1)
    assert "error[X350]: the query returns more than one row for 1 key (for example: 7)" in done.stderr
    assert "snapshots/history.sql:1" in done.stderr
    assert lives(p) == [(1, "a", True), (2, "b", True)]


@pytest.mark.parametrize(
    ("config", "code", "says", "line"),
    [
        ("strategy='timestamp', unique_key='id'", "P050", "needs `updated_at`", 3),
        ("strategy='check', unique_key='id'", "P050", "needs `check_cols`", 3),
        ("strategy='timestmap', unique_key='id', updated_at='state'", "P050", "no snapshot strategy `timestmap`", 4),
        ("unique_key='id', updated_at='state'", "P050", "needs a `strategy`", 3),
        ("strategy='timestamp', updated_at='state'", "P050", "needs a `unique_key`", 3),
        ("strategy='timestamp', unique_key=[], updated_at='state'", "P050", "needs a `unique_key`", 4),
        ("strategy='timestamp', unique_key='id', updated_at='state', check_cols='all'", "P050", "does not look at `check_cols`", 4),
        ("strategy='check', unique_key='id', check_cols='state'", "P050", "neither `all` nor a list", 4),
        ("strategy='check', unique_key='id', check_cols='all', hard_deletes='del'", "P050", "`hard_deletes: del`", 4),
        (
            "strategy='check', unique_key='id', check_cols='all', hard_deletes='ignore', invalidate_hard_deletes=true",
            "P050",
            "two words",
            4,
        ),
        ("strategy='check', unique_key='id', check_cols='all', snapshot_meta_column_names={'valid_to': 'x'}", "P050", "no column that", 4),
        ("strategy='check', unique_key='id', check_cols='all', materialized='table'", "P050", "not materialized as `table`", 4),
        ("strategy='check', unique_key='nr', check_cols='all'", "P051", "`unique_key` names `nr`", 4),
        ("strategy='timestamp', unique_key='id', updated_at='upd'", "P051", "`updated_at` names `upd`", 4),
        ("strategy='check', unique_key='id', check_cols=['id', 'stat']", "P051", "`check_cols` names `stat`", 4),
    ],
)
def test_config_that_makes_no_sense(project: Make, config: str, code: str, says: str, line: int) -> None:
    text = f"-- history\n\n{{% snapshot history %}}\n{{{{ config({config}) }}}}\nselect id, state from orders\n{{% endsnapshot %}}\n"
    p = shop(project, **{"snapshots/history.sql": text})
    done = p.orc("build").exits(2)
    assert f"error[{code}]: snapshot `history`: " in done.stderr
    assert says in done.stderr
    assert f"snapshots/history.sql:{line}:" in done.stderr


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("select 1\n{% snapshot a %} select 1", "the snapshot `a` is never closed", "2:1"),
        ("{% snapshot a %}\n {% snapshot b %} select 1 {% endsnapshot %}", "stands inside another snapshot", "2:2"),
        ("{% endsnapshot %}", "this `{% endsnapshot %}` ends nothing", "1:1"),
        ("{% snapshot %} select 1 {% endsnapshot %}", "has no name", "1:1"),
    ],
)
def test_blocks_that_do_not_fit(project: Make, text: str, says: str, place: str) -> None:
    done = shop(project, **{"snapshots/history.sql": text}).orc("build").exits(2)
    assert "error[C130]" in done.stderr
    assert says in done.stderr
    assert f"snapshots/history.sql:{place}" in done.stderr


def test_a_file_without_a_block_is_a_warning(project: Make) -> None:
    done = shop(project, **{"snapshots/history.sql": "select 1"}).orc("build").exits(0)
    assert "warning[C132]: this file declares no snapshot" in done.stderr


def test_a_relation_that_is_none(project: Make) -> None:
    entry = "snapshots:\n  - name: x\n    relation: select 1\n    config: {strategy: check, unique_key: id, check_cols: all}\n"
    done = shop(project, **{"models/x.yml": entry}).orc("build").exits(2)
    assert "error[C131]: `relation: select 1` is neither a call of ref() or source() nor a name" in done.stderr
    assert "models/x.yml:3" in done.stderr


def test_two_snapshots_of_one_name(project: Make) -> None:
    p = shop(project, **{"snapshots/again.sql": BLOCK.format(more="")})
    assert "two snapshots are called `history`" in p.orc("build").exits(2).stderr


def test_an_error_is_shown_where_it_was_written(project: Make) -> None:
    block = BLOCK.format(more="").replace("select *", "select *,\n  nonsense(id)")
    p = shop(
        project, **{"snapshots/history.sql": "{% snapshot first %}{{ config(enabled=false) }}select 1{% endsnapshot %}\n" + block.strip()}
    )
    assert "snapshots/history.sql:5:3" in p.orc("build").exits(1).stderr
    p.write({"snapshots/history.sql": BLOCK.format(more="").replace("ref('orders')", "ref('order')")})
    done = p.orc("build").exits(2)
    assert "snapshots/history.sql:3:15" in done.stderr
    assert "did you mean `orders`?" in done.stderr


def test_retry_takes_what_failed(project: Make) -> None:
    p = shop(project)
    p.write({SOURCE: source((1, "a"), (1, "b"))})
    p.orc("build").exits(1)
    p.write({SOURCE: source((1, "a"))})
    p.orc("run").exits(0)
    p.write({SOURCE: source((1, "a"), (1, "b"))})
    p.orc("build").exits(1)
    p.change("create or replace view orders as select 1 as id, 'a' as state")
    assert p.orc("retry").exits(0).statuses == {"orders": "reused", "history": "success"}
