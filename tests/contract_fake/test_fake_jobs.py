"""The life of a job: identity, waiting, cancelling, cost."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest


def config(**given: Any) -> Any:
    from google.cloud import bigquery

    return bigquery.QueryJobConfig(**given)


def test_an_id_is_taken_once_and_the_job_can_be_found_again(cloud: Any) -> None:
    from google.api_core.exceptions import Conflict

    job = cloud.client.query("select 1 as x", job_id="mine", location="US", job_retry=None)
    job.result()
    with pytest.raises(Conflict, match=r"Already Exists: Job p:US\.mine"):
        cloud.client.query("select 2 as x", job_id="mine", location="US", job_retry=None)
    found = cloud.client.get_job("mine", location="US")
    assert [tuple(r.values()) for r in found.result()] == [(1,)]


def test_a_job_is_where_its_dataset_is(cloud: Any) -> None:
    from google.api_core.exceptions import NotFound
    from google.cloud import bigquery

    made = bigquery.Dataset("p.far")
    made.location = "asia-east1"
    cloud.client.create_dataset(made)
    job = cloud.client.query("create table far.t (x int64)", job_id="j", job_retry=None)
    assert job.location == "asia-east1"
    job.result()
    assert cloud.client.get_job("j", location="asia-east1").state == "DONE"
    for place in (None, "US"):
        with pytest.raises(NotFound, match="Not found: Job"):
            cloud.client.get_job("j", location=place)
    with pytest.raises(NotFound, match="Not found: Dataset p:far was not found in location US"):
        cloud.client.query("select * from far.t", location="US").result()


def test_labels_priority_and_user_are_kept(cloud: Any) -> None:
    from google.cloud import bigquery

    job = cloud.run("select 1 as x", labels={"run": "r1"}, priority=bigquery.QueryPriority.BATCH)
    found = cloud.client.get_job(job.job_id)
    assert (found.labels, found.priority) == ({"run": "r1"}, "BATCH")


def test_a_held_job_is_pending_then_running_then_done(cloud: Any) -> None:
    cloud.server.faults.hold("QUERY create", polls=2)
    job = cloud.client.query("create table d.t (x int64)", job_id="slow", job_retry=None)
    assert job.state == "PENDING"
    assert not any(t.table_id == "t" for t in cloud.client.list_tables("d"))
    job.reload()
    assert job.state == "RUNNING"
    job.reload()
    assert job.state == "DONE"
    assert cloud.table("t").num_rows == 0


def test_every_job_can_be_made_to_answer_polls_first(cloud: Any) -> None:
    cloud.server.polls = 3
    assert cloud.rows("select 1 as x") == [(1,)]
    asked = [r for r in cloud.server.log if r.method == "GET"]
    assert len(asked) >= 3


def test_a_cancelled_job_ends_stopped_and_has_done_nothing(cloud: Any) -> None:
    cloud.server.faults.hold("QUERY create", polls=100)
    job = cloud.client.query("create table d.t (x int64)")
    assert job.cancel()
    job.reload()
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")
    assert list(cloud.client.list_tables("d")) == []


def test_a_job_that_takes_seconds_can_be_cancelled_from_another_thread(cloud: Any) -> None:
    cloud.server.faults.hold("QUERY", seconds=20)
    job = cloud.client.query("create table d.t (x int64)")
    threading.Timer(0.2, lambda: cloud.client.cancel_job(job.job_id, location=job.location)).start()
    began = time.monotonic()
    with pytest.raises(Exception, match="Job execution was cancelled"):
        job.result(timeout=15)
    assert time.monotonic() - began < 10


def test_a_job_over_its_time_is_stopped(cloud: Any) -> None:
    cloud.server.faults.hold("QUERY", seconds=20)
    job = cloud.client.query("create table d.t (x int64)", job_config=config(job_timeout_ms=100))
    with pytest.raises(Exception, match=r"Job timed out after 0\.1s"):
        job.result(timeout=15)
    assert list(cloud.client.list_tables("d")) == []


def test_rows_come_in_pages(cloud: Any) -> None:
    rows = cloud.client.query("select x from unnest(generate_array(1, 2500)) as x order by x").result(page_size=1000)
    assert [r[0] for r in rows] == list(range(1, 2501))
    pages = [r for r in cloud.server.log if "/queries/" in r.path and r.query.get("pageToken")]
    assert [r.query["pageToken"] for r in pages] == ["1000", "2000"]


def test_the_short_way_of_asking(cloud: Any) -> None:
    rows = cloud.client.query_and_wait("select 1 as x, timestamp '2024-01-01' as t", job_config=config(labels={"a": "b"}))
    assert [r["x"] for r in rows] == [1]
    assert any(r.path.endswith("/queries") and r.method == "POST" for r in cloud.server.log)


def test_a_dry_run_says_cost_columns_and_tables_and_does_nothing(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x, 'abc' as y")
    job = cloud.client.query("select y from d.t", job_config=config(dry_run=True))
    assert (job.state, job.total_bytes_processed) == ("DONE", 5)
    assert [(f.name, f.field_type) for f in job.schema] == [("y", "STRING")]
    assert [t.table_id for t in job.referenced_tables] == ["t"]
    made = cloud.client.query("create table d.u as select x from d.t", job_config=config(dry_run=True))
    assert (made.total_bytes_processed, made.statement_type) == (8, "CREATE_TABLE_AS_SELECT")
    assert [t.table_id for t in cloud.client.list_tables("d")] == ["t"]


def test_a_dry_run_of_what_is_wrong_is_an_error_at_once(cloud: Any) -> None:
    from google.api_core.exceptions import BadRequest

    with pytest.raises(BadRequest, match=r"Unrecognized name: nope at \[1:8\]"):
        cloud.client.query("select nope", job_config=config(dry_run=True))


def test_bytes_are_billed_by_columns_and_at_least_ten_megabytes(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x, 'abc' as y, numeric '1' as n, true as b")
    job = cloud.run("select x, n, b from d.t")
    assert (job.total_bytes_processed, job.total_bytes_billed) == (25, 10_485_760)
    assert cloud.run("select 1 as x").total_bytes_billed == 0
    assert cloud.run("create table d.e (x int64)").total_bytes_billed == 0
    assert cloud.table("t").num_bytes == 8 + 5 + 16 + 1
    assert job.slot_millis > 0


def test_a_query_over_its_budget_is_refused_before_it_does_anything(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    message = cloud.refused("create table d.u as select x from d.t", maximum_bytes_billed=1000)
    assert message == "Query exceeded limit for bytes billed: 1000. 10485760 or higher required."
    assert [t.table_id for t in cloud.client.list_tables("d")] == ["t"]
    assert cloud.rows("select x from d.t", maximum_bytes_billed=10_485_760) == [(1,)]


def test_a_script_has_children(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    job = cloud.run("declare n int64 default 5; insert d.t values (n); select x from d.t order by x")
    assert (job.statement_type, job.num_child_jobs) == ("SCRIPT", 3)
    children = sorted(cloud.client.list_jobs(parent_job=job.job_id), key=lambda c: c.created)
    assert [(c.statement_type, c.script_statistics.evaluation_kind) for c in children] == [
        ("SELECT", "EXPRESSION"),
        ("INSERT", "STATEMENT"),
        ("SELECT", "STATEMENT"),
    ]
    assert children[1].num_dml_affected_rows == 1
    assert [tuple(r.values()) for r in job.result()] == [(1,), (5,)]
    assert all(j.parent_job_id is None for j in cloud.client.list_jobs())


def test_what_statements_did_is_in_the_statistics(cloud: Any) -> None:
    job = cloud.run("create table d.t as select 1 as x")
    assert (job.statement_type, job.ddl_operation_performed, job.ddl_target_table.table_id) == ("CREATE_TABLE_AS_SELECT", "CREATE", "t")
    assert cloud.run("create or replace table d.t as select 2 as x").ddl_operation_performed == "REPLACE"
    assert cloud.run("create table if not exists d.t (x int64)").ddl_operation_performed == "SKIP"
    assert cloud.run("drop table if exists d.nope").ddl_operation_performed == "SKIP"
    job = cloud.run(
        "merge d.t using (select 2 as x union all select 3) as s on t.x = s.x when matched then update set x = 4 when not matched then insert row"
    )
    stats = job.dml_stats
    assert (job.num_dml_affected_rows, stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) == (2, 1, 1, 0)


def test_a_deleted_job_is_gone(cloud: Any) -> None:
    from google.api_core.exceptions import NotFound

    job = cloud.run("select 1 as x")
    cloud.client.delete_job_metadata(job.job_id, location=job.location)
    with pytest.raises(NotFound):
        cloud.client.get_job(job.job_id)


def test_the_result_of_a_query_can_be_read_from_its_destination(cloud: Any) -> None:
    job = cloud.run("select 1 as x")
    assert [tuple(r.values()) for r in cloud.client.list_rows(job.destination)] == [(1,)]


def test_parameters(cloud: Any) -> None:
    from google.cloud import bigquery

    named = [bigquery.ScalarQueryParameter("n", "INT64", 2), bigquery.ArrayQueryParameter("a", "STRING", ["x", "y"])]
    assert cloud.rows("select @n + 1 as n, array_length(@a) as a", query_parameters=named) == [(3, 2)]
    assert cloud.rows("select ? || '!' as s", query_parameters=[bigquery.ScalarQueryParameter(None, "STRING", "hi")]) == [("hi!",)]


def test_legacy_sql_is_refused(cloud: Any) -> None:
    assert "legacy SQL" in cloud.refused("select 1", use_legacy_sql=True)
