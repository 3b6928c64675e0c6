"""Incremental models: what is added, replaced, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

RAW = "dbt_project.yml", "name: shop\nseeds: {quote_columns: false}\n"


def events(project: Make, config: str, **more: str) -> Project:
    model = "{{ config(materialized='incremental'" + (", " + config if config else "") + ") }} select * from raw"
    return project({RAW[0]: RAW[1], "models/events.sql": model, **more})


def load(p: Project, *rows: str, header: str = "id,region,n", code: int = 0, flags: tuple[str, ...] = ()) -> str:
    p.write({"seeds/raw.csv": "\n".join([header, *rows]) + "\n"})
    done = p.orc("build", *flags)
    done.exits(code)
    return done.stderr


def rows(p: Project) -> list[tuple[object, ...]]:
    return p.query("select * from events order by all")


def test_append(project: Make) -> None:
    p = events(project, "incremental_strategy='append'")
    load(p, "1,eu,1")
    load(p, "1,eu,2")
    assert rows(p) == [(1, "eu", 1), (1, "eu", 2)]


@pytest.mark.parametrize("strategy", ["delete+insert", "merge"])
def test_rows_with_a_known_key_are_replaced(project: Make, strategy: str) -> None:
    p = events(project, f"incremental_strategy='{strategy}', unique_key='id'")
    load(p, "1,eu,1", "2,eu,1")
    load(p, "2,us,9", "3,us,9")
    assert rows(p) == [(1, "eu", 1), (2, "us", 9), (3, "us", 9)]


@pytest.mark.parametrize("strategy", ["delete+insert", "merge"])
def test_a_key_of_several_columns_nulls_included(project: Make, strategy: str) -> None:
    p = events(project, f"incremental_strategy='{strategy}', unique_key=['id', 'region']")
    load(p, "1,eu,1", "1,us,1", "1,,1")
    load(p, "1,us,2", "2,us,2", "1,,2")
    assert rows(p) == [(1, "eu", 1), (1, "us", 2), (1, None, 2), (2, "us", 2)]


def test_merge_updates_only_the_columns_named(project: Make) -> None:
    p = events(project, "incremental_strategy='merge', unique_key='id', merge_update_columns=['n']")
    load(p, "1,eu,1")
    load(p, "1,us,2")
    assert rows(p) == [(1, "eu", 2)]


def test_a_full_refresh_starts_from_nothing(project: Make) -> None:
    p = events(project, "")
    load(p, "1,eu,1")
    load(p, "2,eu,1", flags=("--full-refresh",))
    assert rows(p) == [(2, "eu", 1)]


def test_full_refresh_false_protects_a_model(project: Make) -> None:
    p = events(project, "full_refresh=false")
    load(p, "1,eu,1")
    load(p, "2,eu,1", flags=("--full-refresh",))
    assert rows(p) == [(1, "eu", 1), (2, "eu", 1)]


def test_is_incremental_and_this(project: Make) -> None:
    p = project(
        {
            RAW[0]: RAW[1],
            "models/events.sql": """
                {{ config(materialized='incremental') }}
                select id from raw
                {% if is_incremental() %} where id > (select coalesce(max(id), 0) from {{ this }}) {% endif %}
                """,
        }
    )
    load(p, "1", "2", header="id")
    load(p, "1", "2", "3", header="id")
    assert rows(p) == [(1,), (2,), (3,)]


def test_columns_in_another_order_are_matched_by_name(project: Make) -> None:
    p = events(project, "")
    load(p, "1,eu,7")
    load(p, "8,2,us", header="n,id,region")
    assert rows(p) == [(1, "eu", 7), (2, "us", 8)]


@pytest.mark.parametrize(
    ("policy", "header", "row", "expected"),
    [
        ("ignore", "id,region,n,extra", "2,us,2,x", [(1, "eu", 1), (2, "us", 2)]),
        ("ignore", "id,region", "2,us", [(1, "eu", 1), (2, "us", None)]),
        ("append_new_columns", "id,region,n,extra", "2,us,2,x", [(1, "eu", 1, None), (2, "us", 2, "x")]),
        ("append_new_columns", "id,region", "2,us", [(1, "eu", 1), (2, "us", None)]),
        ("sync_all_columns", "id,region,extra", "2,us,x", [(1, "eu", None), (2, "us", "x")]),
    ],
)
def test_on_schema_change(project: Make, policy: str, header: str, row: str, expected: list[tuple[object, ...]]) -> None:
    p = events(project, f"on_schema_change='{policy}'")
    load(p, "1,eu,1")
    load(p, row, header=header)
    assert rows(p) == expected


@pytest.mark.parametrize(("policy", "header", "row"), [("fail", "id,region,n,extra", "2,us,2,x"), ("fail", "id,region,n", "2,us,text")])
def test_on_schema_change_refuses(project: Make, policy: str, header: str, row: str) -> None:
    p = events(project, f"on_schema_change='{policy}'")
    load(p, "1,eu,1")
    told = load(p, row, header=header, code=1)
    assert "X310" in told
    assert "--full-refresh" in told
    assert "models/events.sql:1" in told
    assert rows(p) == [(1, "eu", 1)]


def test_own_projects_append_new_columns_and_refuse_removed_ones(project: Make) -> None:
    p = project(
        {
            "pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n",
            "models/events.sql": "{{ config(materialized='incremental') }} select * from raw",
        }
    )
    load(p, "1,eu,1")
    load(p, "2,us,2,x", header="id,region,n,extra")
    assert rows(p) == [(1, "eu", 1, None), (2, "us", 2, "x")]
    load(p, "2,us,2", code=1)


def test_an_unknown_strategy_is_refused_before_anything_runs(project: Make) -> None:
    p = events(project, "incremental_strategy='upsert'", **{"seeds/raw.csv": "id\n1\n"})
    done = p.orc("build").exits(2)
    assert "upsert" in done.stderr
    assert "models/events.sql:1" in done.stderr
    assert not (p.root / p.database).exists() or not p.relations()


def test_merge_with_a_duplicated_key_in_the_delta_changes_nothing(project: Make) -> None:
    p = events(project, "incremental_strategy='merge', unique_key='id'")
    load(p, "1,eu,1")
    done = p.write({"seeds/raw.csv": "id,region,n\n1,us,2\n1,us,3\n"}).orc("build")
    found = rows(p)
    assert (done.code, found) == (1, [(1, "eu", 1)]), done.stderr
