"""Materialized views as BigQuery has them: options that are altered, queries that are refused, tables below that are made anew."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.project import Built, Make

pytestmark = pytest.mark.parametrize("project", ["bigquery"], indirect=True)

RAW = {"seeds/raw.csv": "id,v\n1,a\n2,b\n"}
TESTED = "models: [{name: mv, columns: [{name: id, data_tests: [unique]}]}]\n"


def view(config: str = "", query: str = "select id, v from {{ ref('raw') }}") -> dict[str, str]:
    return {"models/mv.sql": f"{{{{ config(materialized='materialized_view'{', ' if config else ''}{config}) }}}}\n{query}\n"}


def settings(shop: Built) -> dict[str, str]:
    found = shop.find("mv")
    assert found is not None
    assert found.kind == "materialized_view"
    return dict(found.settings)


def identity(shop: Built) -> Any:
    return shop.query("select creation_time from {INFORMATION_SCHEMA}.TABLES where table_name = 'mv'")


def asked(server: Any, start: str) -> list[str]:
    """The statements that were sent, those that begin so."""
    posted = (
        r.body["configuration"].get("query", {}).get("query", "") for r in server.log if r.method == "POST" and r.path.endswith("/jobs")
    )
    plain = (sql.partition("*/\n")[2] or sql for sql in posted)
    return [sql for sql in plain if sql.startswith(start)]


def test_it_has_the_options_of_its_model(project: Make, bigquery_fake: Any) -> None:
    said = """
        enable_refresh=true, refresh_interval_minutes=60, max_staleness='interval 4 hour', cluster_by='id', labels={'team': 'finance'},
        hours_to_expiration=2, kms_key_name='projects/p/locations/l/keyRings/r/cryptoKeys/k', grants={'select': ['group:a@shop.com']}
        """
    shop = project({**RAW, **view(said)})
    shop.orc("build")
    assert settings(shop) == {
        "enable_refresh": "true",
        "refresh_interval_minutes": "60",
        "max_staleness": "14400",
        "labels": '{"team": "finance"}',
        "allow_non_incremental_definition": "false",
        "kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    }
    (created,) = [sql for sql in asked(bigquery_fake, "create or replace materialized view") if "orc_stage" not in sql]
    assert "expiration_timestamp=timestamp_add(current_timestamp(), interval 2 hour)" in created
    found = shop.find("mv")
    assert found is not None
    assert found.layout == "clustered by id"
    bigquery_fake.log.clear()
    shop.orc("build")
    altered = asked(bigquery_fake, "alter materialized view")
    assert len(altered) == 1, altered  # it lives for two hours more, and nothing else is changed
    assert "set options (expiration_timestamp=" in altered[0]


def test_options_that_change_are_altered_and_what_is_not_said_is_bigquerys_own(project: Make, bigquery_fake: Any) -> None:
    shop = project({**RAW, **view("refresh_interval_minutes=60, max_staleness='interval 4 hour', labels={'team': 'finance'}")})
    shop.orc("build")
    first = identity(shop)
    shop.write(view("enable_refresh=false, labels={'team': 'sales'}")).orc("run", "-s", "mv")
    assert identity(shop) == first
    now = settings(shop)
    assert {k: now[k] for k in ("enable_refresh", "refresh_interval_minutes", "max_staleness", "labels")} == {
        "enable_refresh": "false",
        "refresh_interval_minutes": "30",
        "max_staleness": "0",
        "labels": '{"team": "sales"}',
    }
    bigquery_fake.log.clear()
    shop.orc("run", "-s", "mv")
    assert asked(bigquery_fake, "alter") == []
    assert len(asked(bigquery_fake, "call bq.refresh_materialized_view('shop-dw.wares.mv')")) == 1


def test_what_no_alter_changes_makes_it_anew(project: Make) -> None:
    shop = project({**RAW, **view()})
    shop.orc("build")
    first = identity(shop)
    wanted = "allow_non_incremental_definition=true, max_staleness='interval 1 day'"
    shop.write(view(f"{wanted}, on_configuration_change='fail'"))
    assert "on_configuration_change: fail" in shop.orc("run", "-s", "mv", code=1)["mv"]["message"]
    assert identity(shop) == first
    shop.write(view(wanted)).orc("run", "-s", "mv")
    assert identity(shop) != first
    assert settings(shop)["allow_non_incremental_definition"] == "true"
    shop.write(view(wanted, "select id, row_number() over (order by id) as n from {{ ref('raw') }}")).orc("run", "-s", "mv")
    assert shop.query("select * from {mv} order by id") == [(1, 1), (2, 2)]


def test_other_clusters_make_it_anew(project: Make, bigquery_fake: Any) -> None:
    shop = project({**RAW, **view("cluster_by='id'")})
    shop.orc("build")
    shop.write(view("cluster_by=['v', 'id']")).orc("run", "-s", "mv")
    found = shop.find("mv")
    assert found is not None
    assert found.layout == "clustered by v, id"
    assert len(asked(bigquery_fake, "drop materialized view if exists `shop-dw`.`wares`.`mv`")) == 1


@pytest.mark.parametrize(
    ("tail", "what"),
    [
        (" order by id", "ORDER BY"),
        (" limit 5", "LIMIT"),
        (" union all select 3, 'c'", "set operations"),
        (" where v < cast(current_date() as string)", "the function CURRENT_DATE"),
    ],
)
def test_a_query_that_bigquery_refuses_replaces_nothing(project: Make, tail: str, what: str) -> None:
    shop = project({**RAW, "models/mv.sql": "{{ config(materialized='table') }} select id, v from {{ ref('raw') }}"})
    shop.orc("build")
    result = shop.write(view(query=f"select id, v from {{{{ ref('raw') }}}}{tail}")).orc("run", "-s", "mv", code=1)["mv"]
    assert f"Unsupported in the query of a materialized view: {what}" in result["message"]
    found = shop.find("mv")
    assert found is not None
    assert found.kind == "table"
    assert sorted(shop.query("select * from {mv}")) == [(1, "a"), (2, "b")]


def test_an_error_in_the_query_is_at_its_line(project: Make) -> None:
    shop = project({**RAW, **view(query="select id,\n  nope\nfrom {{ ref('raw') }}")})
    shop.orc("build", code=1)
    assert "models/mv.sql:3:3" in shop.told


def test_a_table_below_that_was_dropped_and_made_anew_takes_the_view_along(project: Make, bigquery_fake: Any) -> None:
    shop = project({**RAW, **view(), "models/mv.yml": TESTED})
    shop.orc("build")
    first = identity(shop)
    shop.query("create or replace table {raw} as select 7 as id, 'z' as v")
    with pytest.raises(Exception, match="deleted and recreated"):
        shop.query("select * from {mv}")
    shop.orc("build", "-s", "mv")
    assert shop.query("select * from {mv}") == [(7, "z")]
    assert identity(shop) != first
    assert shop.find("mv__orc_stage") is None


def test_a_refresh_that_fails_is_done_by_the_next_run(project: Make, bigquery_fake: Any) -> None:
    shop = project({**RAW, **view()}, job_retries=0)
    shop.orc("build")
    last = "select last_refresh_time from {INFORMATION_SCHEMA}.MATERIALIZED_VIEWS where table_name = 'mv'"
    before = shop.query(last)
    bigquery_fake.faults.fail("QUERY .*call bq.refresh", "resourcesExceeded")
    assert shop.orc("run", "-s", "mv", code=1)["mv"]["status"] == "error"
    assert shop.query(last) == before
    shop.orc("run", "-s", "mv")
    assert shop.query(last) != before


def test_a_template_that_asks_the_warehouse_makes_it_anew_each_time(project: Make) -> None:
    late = "{% set least = run_query('select min(id) from ' ~ ref('raw')).columns[0].values()[0] if execute else 0 %}"
    shop = project(
        {**RAW, **view(query=f"{late}select id, v from {{{{ ref('raw') }}}} where id > {{{{ least }}}}"), "models/mv.yml": TESTED}
    )
    shop.orc("build")
    assert shop.query("select * from {mv}") == [(2, "b")]
    first = identity(shop)
    shop.query("insert into {raw} values (0, 'o')")
    shop.orc("run", "-s", "mv")
    assert sorted(shop.query("select * from {mv}")) == [(1, "a"), (2, "b")]
    assert identity(shop) != first


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("enable_refresh='often'", "`enable_refresh` is true or false, not `often`"),
        ("refresh_interval_minutes=0", "`refresh_interval_minutes` is a number more than 0"),
        ("max_staleness='soon'", "`max_staleness` is an interval, not `soon`"),
    ],
)
def test_a_wrong_option_is_an_error_of_the_plan(project: Make, config: str, message: str) -> None:
    shop = project({**RAW, **view(config)})
    shop.orc("build", code=2)
    assert "error[N340]" in shop.told
    assert message in shop.told


def test_columns_of_a_view_cannot_be_tagged(project: Make) -> None:
    yml = "models: [{name: mv, columns: [{name: id, meta: {policy_tags: [projects/p/locations/eu/taxonomies/1/policyTags/2]}}]}]\n"
    shop = project({**RAW, **view(), "models/mv.yml": yml})
    shop.orc("build", code=2)
    assert "no policy tags of their own" in shop.told
