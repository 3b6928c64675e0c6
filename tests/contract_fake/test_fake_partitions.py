"""Partitions: filters that must be there, decorators, ingestion time, specifications that must agree."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest


def days(cloud: Any, name: str = "t") -> list[tuple[Any, ...]]:
    return list(cloud.rows(f"select d, x from d.{name} where d > '1900-01-01' order by d, x"))


@pytest.fixture
def orders(cloud: Any) -> Any:
    cloud.run("""
        create table d.t partition by d as
        select * from unnest([struct(date '2024-01-01' as d, 1 as x), ('2024-01-01', 2), ('2024-01-02', 3)])
    """)
    return cloud


def copy(cloud: Any, source: str, target: str, how: str = "WRITE_TRUNCATE") -> None:
    from google.cloud import bigquery

    cloud.client.copy_table(f"p.d.{source}", f"p.d.{target}", job_config=bigquery.CopyJobConfig(write_disposition=how)).result(retry=None)


@pytest.mark.parametrize(
    "condition",
    [
        "d = '2024-01-01'",
        "d in ('2024-01-01')",
        "x > 0 and d between '2024-01-01' and '2024-01-02'",
        "(d = '2024-01-01' or d > '2025-01-01') and x = 1",
        "date_trunc(d, month) = '2024-01-01'",
        "d is not null",
    ],
)
def test_a_required_filter_is_satisfied(orders: Any, condition: str) -> None:
    orders.run("alter table d.t set options(require_partition_filter=true)")
    orders.run(f"select * from d.t where {condition}")
    orders.run(f"select * from (select *, 1 as one from d.t) where {condition}")
    orders.run(f"update d.t set x = x where {condition}")


@pytest.mark.parametrize(
    "sql",
    [
        "select * from d.t",
        "select count(*) from d.t",
        "select * from d.t where x = 1",
        "select * from d.t where d = '2024-01-01' or x = 1",
        "select * from d.t where d = (select max(day) from unnest([date '2024-01-01']) as day)",
        "select * from d.t as a join (select date '2024-01-01' as d) as b on a.d = b.d",
        "delete d.t where x = 1",
        "create table d.u as select * from d.t",
        "select * from d.v",
        "merge d.t using (select 1 as x) as s on t.x = s.x when matched then delete",
    ],
)
def test_a_required_filter_is_missed(orders: Any, sql: str) -> None:
    orders.run("create view d.v as select * from d.t")
    orders.run("alter table d.t set options(require_partition_filter=true)")
    words = "Cannot query over table 'p.d.t' without a filter over column(s) 'd' that can be used for partition elimination"
    assert orders.refused(sql) == words


def test_a_filter_through_a_view_and_in_a_merge_counts(orders: Any) -> None:
    orders.run("create view d.v as select * from d.t")
    orders.run("alter table d.t set options(require_partition_filter=true)")
    assert orders.rows("select count(*) from d.v where d = '2024-01-01'") == [(2,)]
    orders.run("""
        merge d.t using (select date '2024-01-01' as d, 9 as x) as s on false
        when not matched by source and d in ('2024-01-01') then delete when not matched then insert row
    """)
    assert days(orders) == [(date(2024, 1, 1), 9), (date(2024, 1, 2), 3)]
    orders.run("insert d.t values ('2024-01-03', 4)")


def test_a_copied_partition_replaces_that_partition_only(orders: Any) -> None:
    orders.run("create table d.s partition by d as select date '2024-01-01' as d, 100 as x union all select '2024-01-09', 7")
    copy(orders, "s$20240101", "t$20240101")
    assert days(orders) == [(date(2024, 1, 1), 100), (date(2024, 1, 2), 3)]
    copy(orders, "s$20240109", "t$20240109", "WRITE_APPEND")
    assert days(orders)[-1] == (date(2024, 1, 9), 7)
    orders.client.delete_table("p.d.t$20240101")
    assert days(orders)[0] == (date(2024, 1, 2), 3)


def test_a_query_writes_one_partition(orders: Any) -> None:
    from google.cloud import bigquery

    target = bigquery.TableReference.from_string("p.d.t$20240102")
    orders.run("select date '2024-01-02' as d, 50 as x", destination=target, write_disposition="WRITE_TRUNCATE")
    assert days(orders)[-1] == (date(2024, 1, 2), 50)
    message = orders.refused("select date '2024-01-05' as d, 1 as x", destination=target, write_disposition="WRITE_TRUNCATE")
    assert message == "Some rows belong to different partitions rather than destination partition 20240102"


def test_a_copy_keeps_or_checks_the_specification(orders: Any) -> None:
    orders.run("create table d.plain as select date '2024-01-05' as d, 5 as x")
    with pytest.raises(Exception, match="Incompatible table partitioning specification"):
        copy(orders, "plain", "t")
    assert len(days(orders)) == 3
    copy(orders, "t", "new", "WRITE_EMPTY")
    assert orders.table("new").time_partitioning.field == "d"
    orders.run("alter table d.t set options(labels=[('a', 'b')], description='mine')")
    orders.run("create table d.other partition by d as select date '2024-01-05' as d, 5 as x, 'more' as y")
    copy(orders, "other", "t")
    table = orders.table("t")
    assert ([f.name for f in table.schema], table.labels, table.description) == (["d", "x", "y"], {"a": "b"}, "mine")
    with pytest.raises(Exception, match=r"Already Exists: Table p:d\.t"):
        copy(orders, "other", "t", "WRITE_EMPTY")


def test_partitions_are_listed(orders: Any) -> None:
    orders.run("insert d.t values (null, 0)")
    found = orders.rows("select partition_id, total_rows from d.INFORMATION_SCHEMA.PARTITIONS where table_name = 't' order by 1")
    assert found == [("20240101", 2), ("20240102", 1), ("__NULL__", 1)]


def test_partitions_of_numbers(cloud: Any) -> None:
    cloud.run("create table d.t partition by range_bucket(x, generate_array(0, 100, 10)) as select x from unnest([-1, 5, 9, 10, 100]) as x")
    found = cloud.rows("select partition_id, total_rows from d.INFORMATION_SCHEMA.PARTITIONS order by 1")
    assert found == [("0", 2), ("10", 1), ("__UNPARTITIONED__", 2)]


def test_rows_know_when_they_came(cloud: Any) -> None:
    from google.cloud import bigquery

    cloud.run("create table d.t (x int64) partition by _partitiondate")
    cloud.run("insert d.t values (1)")
    cloud.run("insert d.t (_partitiontime, x) values ('2024-01-05', 2)")
    target = bigquery.TableReference.from_string("p.d.t$20240107")
    cloud.run("select 3 as x", destination=target, write_disposition="WRITE_APPEND")
    assert cloud.rows("select x, _partitiondate from d.t where x > 1 order by x") == [(2, date(2024, 1, 5)), (3, date(2024, 1, 7))]
    assert cloud.rows("select * from d.t where _partitiondate = '2024-01-05'") == [(2,)]
    assert cloud.rows("select _partitiondate > '2025-01-01' from d.t where x = 1") == [(True,)]
    cloud.run("update d.t set x = 20 where _partitiontime = '2024-01-05'")
    cloud.run("create table d.u (x int64) partition by _partitiondate")
    copy(cloud, "t", "u")
    assert cloud.rows("select x from d.u where _partitiondate = '2024-01-05'") == [(20,)]


def test_too_many_partitions_are_refused(cloud: Any) -> None:
    many = "select date_add(date '2000-01-01', interval x day) as d from unnest(generate_array(0, 4000)) as x"
    assert "Too many partitions" in cloud.refused(f"create table d.t partition by d as {many}")
    cloud.run(f"create table d.t partition by d as {many} where x > 0")
