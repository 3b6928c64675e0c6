"""Statements that define things, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest


def shape(table: Any) -> list[tuple[str, str, str]]:
    return [(f.name, f.field_type, f.mode) for f in table.schema]


def test_create_table_with_all_that_it_can_say(cloud: Any) -> None:
    cloud.run("""
        create table d.t (
          id int64 not null options(description='key'),
          s array<struct<a int64, b string>>,
          n numeric(10, 2), t string(5), d date
        )
        partition by date_trunc(d, month) cluster by id, t
        options(description='all', labels=[('a', 'b')], require_partition_filter=true, partition_expiration_days=2.5,
                friendly_name='T', expiration_timestamp=timestamp '2999-01-01', kms_key_name='projects/p/k')
    """)
    table = cloud.table("t")
    assert shape(table) == [
        ("id", "INTEGER", "REQUIRED"),
        ("s", "RECORD", "REPEATED"),
        ("n", "NUMERIC", "NULLABLE"),
        ("t", "STRING", "NULLABLE"),
        ("d", "DATE", "NULLABLE"),
    ]
    assert (table.schema[0].description, table.schema[2].precision, table.schema[2].scale, table.schema[3].max_length) == ("key", 10, 2, 5)
    assert (table.time_partitioning.type_, table.time_partitioning.field, table.time_partitioning.expiration_ms) == (
        "MONTH",
        "d",
        216_000_000,
    )
    assert (table.clustering_fields, table.description, table.labels, table.friendly_name) == (["id", "t"], "all", {"a": "b"}, "T")
    assert (table.require_partition_filter, table.expires.year, table.encryption_configuration.kms_key_name) == (True, 2999, "projects/p/k")


def test_create_table_as_select_has_the_types_of_the_query(cloud: Any) -> None:
    cloud.run("""
        create table d.t as
        select 1 as i, 1.5 as f, numeric '1.5' as n, bignumeric '1.5' as g, 'x' as s, b'x' as b, true as o, date '2024-01-01' as d,
               time '01:02:03' as t, datetime '2024-01-01 00:00:00' as dt, timestamp '2024-01-01' as ts, json '{"a": 1}' as j,
               [1, 2] as a, struct(1 as x, 'y' as y) as r, [struct(1 as x)] as ar
    """)
    table = cloud.table("t")
    kinds = [
        "INTEGER",
        "FLOAT",
        "NUMERIC",
        "BIGNUMERIC",
        "STRING",
        "BYTES",
        "BOOLEAN",
        "DATE",
        "TIME",
        "DATETIME",
        "TIMESTAMP",
        "JSON",
        "INTEGER",
        "RECORD",
        "RECORD",
    ]
    assert [f.field_type for f in table.schema] == kinds
    assert [f.mode for f in table.schema][-3:] == ["REPEATED", "NULLABLE", "REPEATED"]


def test_or_replace_keeps_the_specification(cloud: Any) -> None:
    cloud.run("create table d.t partition by d cluster by x as select date '2024-01-01' as d, 1 as x")
    cloud.run("create or replace table d.t partition by d cluster by x as select date '2024-01-02' as d, 2 as x")
    message = cloud.refused("create or replace table d.t as select 1 as x")
    assert "Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then recreate it." in message
    assert "New partitioning spec is none and existing spec is interval(type:day,field:d) clustering(x)" in message
    assert cloud.rows("select x from d.t where d > '2000-01-01'") == [(2,)]


def test_a_table_is_not_replaced_by_a_view_nor_a_view_by_a_table(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x; create view d.v as select 1 as x")
    assert (
        cloud.refused("create or replace view d.t as select 1 as x")
        == "p:d.t is not allowed for this operation because it is currently a TABLE."
    )
    assert (
        cloud.refused("create or replace table d.v as select 1 as x")
        == "p:d.v is not allowed for this operation because it is currently a VIEW."
    )
    assert cloud.refused("drop table d.v") == "p:d.v is not allowed for this operation because it is currently a VIEW."
    assert cloud.refused("drop view d.t") == "p:d.t is not allowed for this operation because it is currently a TABLE."


def test_what_is_there_is_not_created_again(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    assert cloud.refused("create table d.t as select 2 as x") == "Already Exists: Table p:d.t"
    cloud.run("create table if not exists d.t as select 2 as x")
    assert cloud.rows("select x from d.t") == [(1,)]


def test_copies_clones_and_likenesses(cloud: Any) -> None:
    cloud.run("create table d.t partition by d options(description='x') as select date '2024-01-01' as d, 1 as x")
    cloud.run("create table d.c copy d.t; create table d.n clone d.t; create table d.l like d.t")
    assert cloud.rows("select count(*) from d.c") == cloud.rows("select count(*) from d.n") == [(1,)]
    assert cloud.rows("select count(*) from d.l") == [(0,)]
    for name in "cnl":
        assert cloud.table(name).time_partitioning.field == "d"


def test_views_keep_their_text_and_follow_their_tables(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    cloud.run("create view d.v options(description='v') as select x /* as it is */, x + 1 as y from `p.d.t`")
    cloud.run("create view d.w as select y from d.v as inner_view where inner_view.x > 1")
    view = cloud.table("v")
    assert (view.view_query, view.description, view.table_type) == ("select x /* as it is */, x + 1 as y from `p.d.t`", "v", "VIEW")
    cloud.run("insert d.t values (5)")
    assert cloud.rows("select w.y from d.w") == [(6,)]
    assert cloud.refused("create view d.bad as select nope from d.t").startswith("Unrecognized name: nope")
    assert cloud.refused("create view d.bad as select 1 + 1") == "CREATE VIEW columns must be named, but column 1 has no name"


def test_columns_of_a_view_are_described(cloud: Any) -> None:
    cloud.run("create view d.v (x options(description='the x')) as select 1 as x")
    assert cloud.table("v").schema[0].description == "the x"


def test_a_materialized_view_has_its_refresh(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    cloud.run(
        "create materialized view d.m options(enable_refresh=true, refresh_interval_minutes=5) as select x, count(*) as n from d.t group by x"
    )
    view = cloud.table("m")
    assert (view.table_type, view.mview_enable_refresh, view.mview_refresh_interval.total_seconds()) == ("MATERIALIZED_VIEW", True, 300)
    assert cloud.rows("select * from d.m") == [(1, 1)]
    cloud.run("drop materialized view d.m")


def test_alter_table(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x, 'a' as y")
    cloud.run("alter table d.t add column z float64, add column if not exists y string, add column r array<int64>")
    cloud.run("alter table d.t drop column y, drop column if exists nope")
    cloud.run("alter table d.t alter column x set options(description='the x')")
    cloud.run("alter table d.t set options(description='t', labels=[('k', 'v')])")
    cloud.run("alter table d.t alter column x set data type numeric")
    table = cloud.table("t")
    assert shape(table) == [("x", "NUMERIC", "NULLABLE"), ("z", "FLOAT", "NULLABLE"), ("r", "INTEGER", "REPEATED")]
    assert (table.schema[0].description, table.description, table.labels) == ("the x", "t", {"k": "v"})
    assert [tuple(map(str, row)) for row in cloud.rows("select * from d.t")] == [("1", "None", "[]")]
    cloud.run("alter table d.t rename to u")
    assert [t.table_id for t in cloud.client.list_tables("d")] == ["u"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("alter column x set data type string", "requires that the existing column type (INT64) is assignable to the new type (STRING)"),
        ("add column x int64", "Column already exists: x"),
        ("add column q int64 not null", "cannot be NOT NULL"),
        ("drop column nope", "Column not found: nope"),
        ("drop column d", "partitioned or clustered by it"),
        ("rename to other", "Already Exists: Table p:d.other"),
    ],
)
def test_alter_table_refuses(cloud: Any, change: str, message: str) -> None:
    cloud.run("create table d.t (x int64, d date) partition by d; create table d.other (x int64)")
    assert message in cloud.refused(f"alter table d.t {change}")


def test_schemas(cloud: Any) -> None:
    job = cloud.run("create schema if not exists eu options(location='EU', labels=[('a', 'b')], description='x')")
    assert job.statement_type == "CREATE_SCHEMA"
    found = cloud.client.get_dataset("eu")
    assert (found.location, found.labels, found.description) == ("EU", {"a": "b"}, "x")
    assert cloud.refused("create schema eu") == "Already Exists: Dataset p:eu"
    cloud.run("alter schema eu set options(labels=[('c', 'd')])")
    assert cloud.client.get_dataset("eu").labels["c"] == "d"
    cloud.run("create table eu.t (x int64)")
    assert "still in use" in cloud.refused("drop schema eu")
    cloud.run("drop schema eu cascade; drop schema if exists eu")
    assert [d.dataset_id for d in cloud.client.list_datasets()] == ["d"]


def test_drop(cloud: Any) -> None:
    cloud.run("create table d.t (x int64)")
    cloud.run("drop table d.t")
    assert cloud.refused("drop table d.t") == "Not found: Table p:d.t was not found in location US"
    cloud.run("drop table if exists d.t; drop view if exists d.t")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create table d.t (x int64) partition by x", "has the wrong type"),
        (
            "create table d.t (x float64) cluster by x",
            "Unsupported type for clustering|CLUSTER BY expression|not allowed|does not support clustering",
        ),
        ("create table d.t (x int64 default 1)", "default values"),
        ("create table d.t (x int64) options(no_such=1)", "the table option no_such"),
        ("create table d.t as select 1 as x, 2 as x", "duplicate|Duplicate"),
        ("create table d.t as select 1 + 1", "must be named|no name"),
        ("create table nope.t (x int64)", "Not found: Dataset p:nope was not found in location US"),
        ("create snapshot table d.s clone d.t", "the statement CreateSnapshotTable"),
    ],
)
def test_what_is_refused(cloud: Any, sql: str, message: str) -> None:
    import re

    assert re.search(message, cloud.refused(sql))


def test_partitioning_in_all_its_spellings(cloud: Any) -> None:
    cloud.run("""
        create table d.a (ts timestamp) partition by timestamp_trunc(ts, hour);
        create table d.b (ts timestamp) partition by date(ts);
        create table d.c (dt datetime) partition by datetime_trunc(dt, year);
        create table d.e (n int64) partition by range_bucket(n, generate_array(0, 100, 10));
        create table d.f (n int64) partition by _partitiondate;
        create table d.g (n int64) partition by timestamp_trunc(_partitiontime, hour);
    """)
    found = {name: cloud.table(name).time_partitioning for name in "abcfg"}
    assert {name: (p.type_, p.field) for name, p in found.items()} == {
        "a": ("HOUR", "ts"),
        "b": ("DAY", "ts"),
        "c": ("YEAR", "dt"),
        "f": ("DAY", None),
        "g": ("HOUR", None),
    }
    bounds = cloud.table("e").range_partitioning
    assert (bounds.field, bounds.range_.start, bounds.range_.end, bounds.range_.interval) == ("n", 0, 100, 10)


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("select x from d.t order by x", "ORDER BY"),
        ("select x from d.t limit 1", "LIMIT"),
        ("select x, row_number() over () as r from d.t", "window functions"),
        ("select x from d.t union all select x from d.t", "set operations"),
        ("select 1 as x", "a SELECT without FROM"),
        ("select a.x from d.t a left join d.t b using (x)", "outer joins"),
        ("select x, count(*) as n from d.t group by x having count(*) > 1", "computing, filtering or joining on aggregated values"),
        ("select x, count(*) + 1 as n from d.t group by x", "computing, filtering or joining on aggregated values"),
        ("select x, stddev(x) as s from d.t group by x", "the aggregate STDDEV"),
        ("select x, exists(select 1 from d.t where x = 2) as m from d.t", "subqueries in expressions"),
        ("select x, rand() as r from d.t", "the function RAND"),
    ],
)
def test_a_materialized_view_says_only_what_can_be_kept_up_to_date(cloud: Any, query: str, what: str) -> None:
    cloud.run("create table d.t as select 1 as x")
    assert f"Unsupported in the query of a materialized view: {what}" in str(cloud.refused(f"create materialized view d.m as {query}"))


def test_a_materialized_view_that_is_not_kept_up_to_date_says_more(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    query = "select x, row_number() over (order by x) as r from d.t"
    options = "allow_non_incremental_definition=true"
    assert "must have max_staleness" in str(cloud.refused(f"create materialized view d.m options({options}) as {query}"))
    cloud.run(f"create materialized view d.m options({options}, max_staleness=interval 90 minute) as {query}")
    assert cloud.rows("select * from d.m") == [(1, 1)]
    told = cloud.table("m").to_api_repr()
    assert (told["maxStaleness"], told["materializedView"]["allowNonIncrementalDefinition"]) == ("0-0 0 1:30:0", True)
    cloud.run("alter materialized view d.m set options(max_staleness=null, enable_refresh=false)")
    told = cloud.table("m").to_api_repr()
    assert ("maxStaleness" in told, told["materializedView"]["enableRefresh"]) == (False, False)
    assert "cannot be changed" in str(cloud.refused("alter materialized view d.m set options(allow_non_incremental_definition=false)"))


def test_a_materialized_view_is_bound_to_its_tables(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    cloud.run("create materialized view d.m as select x from d.t")
    assert "cannot read another materialized view" in str(cloud.refused("create materialized view d.n as select x from d.m"))
    cloud.run("create view d.v as select x from d.m")
    assert "cannot read another materialized view" in str(cloud.refused("create materialized view d.n as select x from d.v"))
    cloud.run("insert into d.t values (2)")
    cloud.run("call bq.refresh_materialized_view('p.d.m')")
    assert sorted(cloud.rows("select x from d.m")) == [(1,), (2,)]
    assert cloud.rows("select last_refresh_time is not null from d.INFORMATION_SCHEMA.MATERIALIZED_VIEWS") == [(True,)]
    cloud.run("create or replace table d.t as select 3 as x")
    for sql in ("select * from d.m", "select * from d.v", "call bq.refresh_materialized_view('p.d.m')"):
        assert "Materialized view p:d.m references table p:d.t which was deleted and recreated." in str(cloud.refused(sql)), sql
    cloud.run("create or replace materialized view d.m as select x from d.t")
    assert cloud.rows("select x from d.v") == [(3,)]
    assert "is not a materialized view" in str(cloud.refused("call bq.refresh_materialized_view('p.d.t')"))


def test_nothing_changes_the_schema_of_a_materialized_view(cloud: Any) -> None:
    from google.api_core import exceptions
    from google.cloud import bigquery

    cloud.run("create table d.t as select 1 as x")
    cloud.run("create materialized view d.m as select x from d.t")
    view = cloud.table("m")
    view.description = "the view"
    cloud.client.update_table(view, ["description"])
    view = cloud.table("m")
    view.schema = [bigquery.SchemaField("x", "INTEGER", description="the x")]
    with pytest.raises(exceptions.BadRequest, match="Schema update for materialized views is not supported"):
        cloud.client.update_table(view, ["schema"])
    assert cloud.table("m").description == "the view"


def test_the_partitions_of_a_materialized_view_are_those_of_a_table_below(cloud: Any) -> None:
    cloud.run("create table d.t (x int64, day date) partition by day")
    assert "must be those of a table that it reads" in str(
        cloud.refused("create materialized view d.m partition by date_trunc(day, month) as select x, day from d.t")
    )
    cloud.run("create materialized view d.m partition by day cluster by x as select x, day from d.t")
    assert cloud.table("m").time_partitioning.field == "day"
    assert "partition" in str(cloud.refused("create or replace materialized view d.m as select x, day from d.t")).lower()
