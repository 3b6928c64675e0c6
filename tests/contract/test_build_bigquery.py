"""Whole projects on BigQuery, through the command line, against the in-tree server."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.bigquery.jobs import job_id
from tests.contract.project import Folder

PROJECT = "shop-dw"


@dataclass(kw_only=True)
class Project(Folder):
    """A folder, the commands one gives in it, and the server it builds on."""

    server: Any

    @property
    def client(self) -> Any:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        return bigquery.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": self.server.url})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.client.query(sql).result()]

    def table(self, name: str) -> Any:
        return self.client.get_table(f"{PROJECT}.{name}")

    def tables(self, dataset: str = "shop") -> set[str]:
        return {t.table_id for t in self.client.list_tables(f"{PROJECT}.{dataset}")}

    def jobs(self, pattern: str = "") -> list[dict[str, Any]]:
        """The jobs that were asked for, oldest first, those whose configuration matches."""
        posted = [r for r in self.server.log if r.method == "POST" and r.path.endswith("/jobs") and isinstance(r.body, dict)]
        return [
            r.body
            for r in posted
            if re.search(pattern, json.dumps(r.body, ensure_ascii=False)) and not r.body["configuration"].get("dryRun")
        ]


Make = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path, bigquery_fake: Any, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(files: Mapping[str, str], *, threads: int = 4, **settings: Any) -> Project:
        output = {
            "type": "bigquery",
            "method": "oauth",
            "project": PROJECT,
            "dataset": "shop",
            "location": "EU",
            "api_endpoint": bigquery_fake.url,
            "threads": threads,
            **settings,
        }
        profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
        own = {"profiles.yml": json.dumps(profile), "dbt_project.yml": "name: shop\nversion: '1'\nprofile: shop\n"}
        return Project(root=tmp_path, server=bigquery_fake, monkeypatch=monkeypatch).write({**own, **files})

    return make


def test_a_build_makes_every_kind_of_relation(project: Make) -> None:
    shop = project(
        {
            "seeds/raw_orders.csv": "id,customer,amount,day\n1,ann,10.50,2024-01-01\n2,bob,,2024-01-02\n",
            "seeds/props.yml": "seeds: [{name: raw_orders, config: {column_types: {amount: 'numeric(10, 2)', customer: varchar(20)}}}]\n",
            "models/stg_orders.sql": "select id, customer, coalesce(amount, 0) as amount, day from {{ ref('raw_orders') }}",
            "models/orders.sql": "{{ config(materialized='table', cluster_by='id') }} select id, customer, amount, day from stg_orders",
            "models/doubled.py": """
                def model(dbt, session):
                    dbt.config(materialized="table", partition_by={"field": "day"})
                    frame = dbt.ref("orders").df()
                    frame["twice"] = frame["amount"].astype(float) * 2
                    return frame
                """,
            "models/props.yml": """
                models:
                  - name: orders
                    description: "it's the orders"
                    config: {persist_docs: {relation: true, columns: true}, labels: {team: finance}}
                    columns:
                      - {name: id, description: the key, data_tests: [unique, not_null], meta: {policy_tags: [projects/p/locations/eu/taxonomies/1/policyTags/2]}}
                """,
        }
    )
    results = shop.orc("build")
    assert {r["status"] for r in results.values()} == {"success", "pass"}
    assert [(i, str(a), t) for i, a, t in shop.query("select id, amount, twice from shop.doubled order by id")] == [
        (1, "10.5", 21.0),
        (2, "0", 0.0),
    ]
    kinds = {t.table_id: t.table_type for t in shop.client.list_tables(f"{PROJECT}.shop")}
    assert kinds == {"raw_orders": "TABLE", "stg_orders": "VIEW", "orders": "TABLE", "doubled": "TABLE"}
    orders = shop.table("shop.orders")
    assert (orders.description, orders.schema[0].description, orders.labels) == ("it's the orders", "the key", {"team": "finance"})
    assert orders.schema[0].policy_tags.names == ("projects/p/locations/eu/taxonomies/1/policyTags/2",)
    assert orders.clustering_fields == ["id"]
    assert shop.table("shop.doubled").time_partitioning.field == "day"
    assert [f.field_type for f in shop.table("shop.raw_orders").schema] == ["INTEGER", "STRING", "NUMERIC", "DATE"]
    assert shop.client.get_dataset("shop").location == "EU"
    assert {node for (node,) in shop.query("select node from _orc.ledger")} == {
        f"model.shop.{n}" for n in ("stg_orders", "orders", "doubled")
    } | {"seed.shop.raw_orders"}
    assert {r["status"] for r in shop.orc("build").values()} == {"success", "pass"}  # and once more, over what is there


def test_every_job_says_who_sent_it_and_where_it_runs(project: Make) -> None:
    shop = project(
        {"models/m.sql": "{{ config(materialized='table') }} select 1 as id"},
        maximum_bytes_billed=10**9,
        priority="batch",
        job_execution_timeout_seconds=60,
    )
    shop.orc("run")
    made = shop.jobs("create or replace table")[-1]
    assert made["jobReference"]["location"] == "EU"
    assert re.fullmatch(r"[0-9a-f-]{36}_[0-9a-f]{12}_[0-9a-f]{8}-[0-9]+_0", made["jobReference"]["jobId"])
    configuration = made["configuration"]
    assert configuration["labels"]["orc_model"] == "model_shop_m"
    assert configuration["labels"]["orc_target"] == "dev"
    assert configuration["labels"]["orc_run"] in made["jobReference"]["jobId"]
    assert configuration["jobTimeoutMs"] == "60000"
    assert (configuration["query"]["maximumBytesBilled"], configuration["query"]["priority"]) == ("1000000000", "BATCH")
    ids = [j["jobReference"]["jobId"] for j in shop.jobs()]
    assert len(ids) == len(set(ids))


def test_jobs_run_where_they_are_paid_for(project: Make) -> None:
    files = {
        "models/m.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/inc.sql": MODEL.format(config="incremental_strategy='merge', unique_key='id'", rows="(1, 'a')"),
        "models/bare.sql": "{{ config(materialized='table') }} select * from shop.m -- depends_on: {{ ref('m') }}",
    }
    shop = project(files, execution_project="payer")
    shop.orc("run")
    shop.orc("run")  # merges in a session, and copies
    began = len(shop.jobs())
    assert {j["jobReference"]["projectId"] for j in shop.jobs()} == {"payer"}
    assert [shop.query(f"select id from shop.{name}") for name in ("m", "inc", "bare")] == [[(1,)]] * 3
    assert shop.query(f"select count(*) from `{PROJECT}._orc.ledger`") == [(6,)]
    assert {j["jobReference"]["projectId"] for j in shop.jobs()[began:]} == {PROJECT}


MODEL = "{{{{ config(materialized='incremental', {config}) }}}} select * from unnest([struct<id int64, v string>{rows}])"


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ("incremental_strategy='append'", [(1, "a"), (2, "a"), (2, "b"), (3, "b"), (None, "a"), (None, "b")]),
        ("incremental_strategy='delete+insert', unique_key='id'", [(1, "a"), (2, "b"), (3, "b"), (None, "b")]),
        ("incremental_strategy='merge', unique_key='id'", [(1, "a"), (2, "b"), (3, "b"), (None, "b")]),
    ],
)
def test_incremental_models_add_what_is_new(project: Make, config: str, wanted: list[Any]) -> None:
    shop = project({"models/inc.sql": MODEL.format(config=config, rows="(1, 'a'), (2, 'a'), (null, 'a')")})
    shop.orc("run")
    shop.write({"models/inc.sql": MODEL.format(config=config, rows="(2, 'b'), (3, 'b'), (null, 'b')")})
    shop.orc("run")
    assert sorted(shop.query("select id, v from shop.inc"), key=str) == sorted(wanted, key=str)
    assert shop.tables() == {"inc"}


def test_a_key_that_a_delta_brings_twice_is_refused_before_anything_changes(project: Make) -> None:
    config = "incremental_strategy='merge', unique_key='id'"
    shop = project({"models/inc.sql": MODEL.format(config=config, rows="(1, 'a')")})
    shop.orc("run")
    shop.write({"models/inc.sql": MODEL.format(config=config, rows="(2, 'b'), (2, 'c')")})
    result = shop.orc("run", code=1)["inc"]
    assert "the delta brings a key more than once" in result["message"]
    assert shop.query("select id, v from shop.inc") == [(1, "a")]


PARTITIONED = """
{{{{ config(materialized='incremental', incremental_strategy='insert_overwrite', {more}
            partition_by={{'field': 'day', 'data_type': 'date', 'copy_partitions': {copies}}}) }}}}
select * from unnest([struct<day date, v string>{rows}])
"""
FIRST = "(date '2024-01-01', 'a'), (date '2024-01-02', 'a'), (date '2024-01-03', 'a')"
THEN = "(date '2024-01-02', 'b')"


@pytest.mark.parametrize(
    ("more", "copies", "wanted"),
    [
        ("", False, ["1a", "2b", "3a"]),
        ("", True, ["1a", "2b", "3a"]),
        ("""partitions=["date '2024-01-02'", "date '2024-01-03'"],""", False, ["1a", "2b"]),
    ],
    ids=["dynamic", "copies", "static"],
)
def test_insert_overwrite_replaces_partitions(project: Make, more: str, copies: bool, wanted: list[str]) -> None:
    shop = project({"models/inc.sql": PARTITIONED.format(more=more, copies=copies, rows=FIRST)})
    shop.orc("run")
    shop.write({"models/inc.sql": PARTITIONED.format(more=more, copies=copies, rows=THEN)})
    shop.orc("run")
    found = shop.query("select format('%d%s', extract(day from day), v) from shop.inc order by 1")
    assert [text for (text,) in found] == wanted
    assert len(shop.jobs(r'"copy".*inc\$20240102')) == copies


def test_a_failed_gate_keeps_the_old_version_and_shows_the_rows(project: Make) -> None:
    shop = project(
        {
            "models/t.sql": "{{ config(materialized='table') }} select 1 as id",
            "models/p.yml": "models: [{name: t, columns: [{name: id, data_tests: [not_null]}]}]",
        }
    )
    shop.orc("run")
    shop.write({"models/t.sql": "{{ config(materialized='table') }} select cast(null as int64) as id"})
    results = shop.orc("run", code=1)
    assert results["t"]["status"] == "error"
    assert results["not_null_t_id"]["status"] == "fail"
    assert shop.query("select id from shop.t") == [(1,)]
    assert shop.query("select id from shop.t__orc_stage") == [(None,)]
    shop.write({"models/t.sql": "{{ config(materialized='table', cluster_by=['id']) }} select 2 as id"})
    shop.orc("run")  # over a stage of another layout
    assert shop.query("select id from shop.t") == [(2,)]
    assert shop.tables() == {"t"}


def test_what_the_whole_table_fails_is_rolled_back_and_the_rows_are_kept_where_wanted(project: Make) -> None:
    config = "incremental_strategy='append'"
    shop = project(
        {
            "models/inc.sql": MODEL.format(config=config, rows="(1, 'a')"),
            "models/p.yml": "models: [{name: inc, columns: [{name: id, data_tests: [{unique: {config: {store_failures: true}}}]}]}]",
        }
    )
    shop.orc("run")
    shop.write({"models/inc.sql": MODEL.format(config=config, rows="(1, 'b')")})
    results = shop.orc("run", code=1)
    assert results["unique_inc_id"]["status"] == "fail"
    assert shop.query("select id, v from shop.inc") == [(1, "a")]
    assert shop.query("select n_records from shop_dbt_test__audit.unique_inc_id") == [(2,)]
    assert len(shop.query("select run from _orc.ledger where node = 'model.shop.inc'")) == 1


def test_a_relation_changes_its_kind_and_its_partitions(project: Make) -> None:
    table = (
        "{{ config(materialized='table', partition_by={'field': 'day', 'granularity': 'month'}) }} select date '2024-01-01' as day, 1 as v"
    )
    shop = project({"models/m.sql": "select 1 as v"})
    shop.orc("run")
    for text, kind, layout in (
        ("{{ config(materialized='table') }} select 2 as v", "TABLE", None),
        (table, "TABLE", "MONTH"),
        (table.replace("month", "day").replace("'field': 'day'", "'field': 'day'"), "TABLE", "DAY"),
        ("{{ config(materialized='table') }} select 3 as v", "TABLE", None),
        ("select 4 as v", "VIEW", None),
    ):
        shop.write({"models/m.sql": text})
        shop.orc("run")
        found = shop.table("shop.m")
        assert found.table_type == kind
        assert (found.time_partitioning.type_ if found.time_partitioning else None) == layout
        assert shop.tables() == {"m"}


def test_a_table_is_replaced_by_one_copy_job_and_its_name_is_never_missing(project: Make) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.orc("run")
    shop.server.log.clear()
    missing: list[object] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            try:
                assert shop.query("select count(*) from shop.m") == [(1,)]
            except Exception as error:  # noqa: BLE001  whatever a reader gets to see
                missing.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    shop.write({"models/m.sql": "{{ config(materialized='table') }} select 2 as v"})
    shop.orc("run")
    stop.set()
    reader.join()
    assert missing == []
    (copy,) = shop.jobs('"copy"')
    assert copy["configuration"]["copy"]["writeDisposition"] == "WRITE_TRUNCATE"
    assert shop.query("select v from shop.m") == [(2,)]


def test_options_of_a_table_are_what_the_config_says_after_each_run(project: Make) -> None:
    config = """
    {{ config(materialized='table', partition_by={'field': 'at', 'data_type': 'timestamp', 'granularity': 'hour'}, require_partition_filter=true,
              partition_expiration_days=30000, labels={'team': '%s'}, grants={'select': ['group:%s@shop.com']}) }}
    select timestamp '2024-01-01 01:30:00+00' as at_, 1 as v
    """.replace("at_", "at_time").replace("'at'", "'at_time'")
    tests = "models: [{name: m, columns: [{name: v, data_tests: [unique]}]}]"
    shop = project({"models/m.sql": config % ("a", "a"), "models/p.yml": tests})
    for team in ("a", "b", "b"):
        shop.write({"models/m.sql": config % (team, team)})
        shop.orc("run")
        found = shop.table("shop.m")
        assert found.labels == {"team": team}
        assert found.require_partition_filter
        assert found.time_partitioning.type_ == "HOUR"
        assert found.time_partitioning.expiration_ms == 30000 * 86400 * 1000
        assert shop.client.get_iam_policy(f"{PROJECT}.shop.m").bindings == [
            {"role": "roles/bigquery.dataViewer", "members": {f"group:{team}@shop.com"}}
        ]


# what goes wrong on the way


@pytest.mark.parametrize("reason", ["backendError", "tooManyRequests", "rateLimitExceeded"])
def test_a_request_that_is_refused_for_a_moment_is_sent_again(project: Make, reason: str) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.server.faults.answer(reason, r"POST .*/jobs$", first=3, times=2)
    shop.orc("run")
    assert shop.query("select v from shop.m") == [(1,)]


@pytest.mark.parametrize("kind", ["lose", "drop"])
@pytest.mark.parametrize("first", range(1, 9))
def test_a_lost_answer_starts_no_second_job(project: Make, kind: str, first: int) -> None:
    config = "incremental_strategy='append'"
    shop = project({"models/inc.sql": MODEL.format(config=config, rows="(1, 'a')")}, threads=1)
    shop.orc("run")
    shop.server.log.clear()
    getattr(shop.server.faults, kind)(r"POST .*/jobs$", first=first)
    shop.write({"models/inc.sql": MODEL.format(config=config, rows="(2, 'b')")})
    shop.orc("run")
    assert sorted(shop.query("select id from shop.inc")) == [(1,), (2,)]
    assert len(shop.query("select run from _orc.ledger")) == 2


def test_a_job_that_died_of_no_fault_of_its_own_is_sent_again_under_the_next_name(project: Make) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.server.faults.fail("create or replace table", "backendError")
    shop.orc("run")
    ids = [j["jobReference"]["jobId"] for j in shop.jobs("create or replace table")]
    assert len({i.rpartition("_")[0] for i in ids}) == 1
    assert [i[-2:] for i in ids] == ["_0", "_1"]


@pytest.mark.parametrize("reason", ["quotaExceeded", "bytesBilledLimitExceeded", "invalidQuery"])
def test_a_job_that_died_for_good_is_not(project: Make, reason: str) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.server.faults.fail("create or replace table", reason, times=9)
    shop.orc("run", code=1)
    assert len(shop.jobs("create or replace table")) == 1


def test_no_job_is_sent_again_when_the_profile_forbids(project: Make) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"}, job_retries=0)
    shop.server.faults.fail("create or replace table", "backendError", times=9)
    shop.orc("run", code=1)
    assert len(shop.jobs("create or replace table")) == 1


def test_a_conflict_in_a_transaction_is_tried_again_as_a_whole(project: Make) -> None:
    config = "incremental_strategy='append'"
    shop = project({"models/inc.sql": MODEL.format(config=config, rows="(1, 'a')")})
    shop.orc("run")
    message = "Transaction is aborted due to concurrent update against table shop-dw:shop.inc."
    shop.server.faults.fail("commit transaction", "invalidQuery", message=message)
    shop.orc("run")
    assert shop.query("select id from shop.inc") == [(1,), (1,)]


def test_jobs_that_take_their_time_are_waited_for(project: Make) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.server.polls = 2
    shop.orc("run")
    assert shop.query("select v from shop.m") == [(1,)]


def test_an_interrupt_cancels_the_job_on_the_server(project: Make) -> None:
    import signal

    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.server.faults.hold("create or replace table", seconds=60)
    main = threading.main_thread().ident or 0
    timer = threading.Timer(1.5, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    started = time.monotonic()
    result = shop.orc("run", code=130)["m"]
    timer.join()
    assert time.monotonic() - started < 15
    assert result["status"] == "skipped"
    assert any(r.path.endswith("/cancel") for r in shop.server.log)
    assert shop.tables() == set()


def test_a_job_over_its_time_ends_with_the_limit(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.adapters.bigquery import sending

    monkeypatch.setattr(sending, "GRACE_SECONDS", 0.2)
    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"}, job_execution_timeout_seconds=0.3)
    shop.server.faults.hold("create or replace table", seconds=60)
    result = shop.orc("run", code=1)["m"]
    assert "longer than 0.3 seconds" in result["message"] or "timed out" in result["message"].casefold()
    assert shop.tables() == set()


# what is said


def test_bytes_reach_results_and_the_last_line(project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    shop = project(
        {
            "seeds/s.csv": "id\n1\n2\n",
            "models/m.sql": "{{ config(materialized='table') }} select id from s",
            "models/p.yml": "models: [{name: m, columns: [{name: id, data_tests: [unique]}]}]",
        }
    )
    results = shop.orc("build")
    response = results["m"]["adapter_response"]
    assert results["m"]["message"] == "CREATE TABLE (2 rows, 16 B processed)"
    assert response["rows_affected"] == 2
    assert response["bytes_processed"] > 16  # the checks, too
    assert response["bytes_billed"] >= 10 << 20
    assert response["job_id"].endswith("_0")
    assert (response["project_id"], response["location"], response["cache_hit"]) == (PROJECT, "EU", False)
    total = sum(r["adapter_response"].get("bytes_billed", 0) for r in results.values())
    assert f"{total / (1 << 20):.1f} MiB billed" in capsys.readouterr().err


def test_an_error_points_at_the_author_s_line(project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    shop = project({"models/m.sql": "{{ config(materialized='table') }}\nselect\n\tnam\nfrom (select 1 as name)"})
    shop.orc("run", code=1)
    said = capsys.readouterr().err
    assert "models/m.sql:3:2" in said
    assert "did you mean `name`?" in said


def test_wrong_options_are_problems_of_the_plan(project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    shop = project(
        {
            "models/a.sql": "{{ config(materialized='table', partition_by={'feild': 'x'}) }} select 1 as x",
            "models/b.sql": "{{ config(materialized='table', cluster_by=['a', 'b', 'c', 'd', 'e']) }} select 1 as x",
        }
    )
    shop.orc("run", code=2)
    said = capsys.readouterr().err
    assert "N340" in said
    assert "did you mean `field`?" in said
    assert "models/b.sql" in said
    assert shop.jobs("create or replace") == []


def test_templates_may_ask_the_warehouse(project: Make) -> None:
    shop = project(
        {
            "seeds/s.csv": "id,name\n1,a\n",
            "models/m.sql": """
                -- depends_on: {{ ref('s') }}
                {{ config(materialized='table') }}
                {% set there = adapter.get_relation(database=target.project, schema=target.dataset, identifier='s') %}
                {% set gone = adapter.get_relation(database=target.project, schema='no_dataset', identifier='s') %}
                select {% for c in adapter.get_columns_in_relation(ref('s')) %}'{{ c.name }} {{ c.dtype }}' as {{ c.name }}, {% endfor %}
                  {{ run_query('select max(id) from ' ~ ref('s')).columns[0].values()[0] if execute else 0 }} as n,
                  '{{ there.type if there else "nothing" }} {{ gone is none }}' as t
                """,
        }
    )
    shop.orc("build")
    assert shop.query("select id, name, n, t from shop.m") == [("id INT64", "name STRING", 1, "table True")]


MICRO = """
{{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', begin='2024-01-01', batch_size='month', lookback=0,
            partition_by={{'field': 'day', 'data_type': 'date', 'granularity': 'month'}}) }}}}
select day, '{v}' as v from unnest(generate_date_array('2024-01-15', '2024-03-15', interval 1 month)) as day
where timestamp(day) >= timestamp '{{{{ interval_start }}}}' and timestamp(day) < timestamp '{{{{ interval_end }}}}'
"""


def test_microbatches_replace_their_interval(project: Make) -> None:
    tests = "models: [{name: m, columns: [{name: day, data_tests: [unique, not_null]}]}]"
    shop = project({"models/m.sql": MICRO.format(v="a"), "models/p.yml": tests})
    window = ("--event-time-start", "2024-01-01", "--event-time-end", "2024-04-01")
    shop.orc("run", *window)
    assert shop.query("select extract(month from day), v from shop.m order by 1") == [(1, "a"), (2, "a"), (3, "a")]
    shop.write({"models/m.sql": MICRO.format(v="b")})
    shop.orc("run", "--event-time-start", "2024-02-01", "--event-time-end", "2024-03-01")
    assert shop.query("select extract(month from day), v from shop.m order by 1") == [(1, "a"), (2, "b"), (3, "a")]
    assert shop.tables() == {"m"}
    assert shop.query("select count(distinct `start`) from _orc.intervals") == [(3,)]


ARRIVING = """
{{{{ config(materialized='{how}', incremental_strategy='{strategy}', unique_key={key}, cluster_by='v', require_partition_filter=true,
            partition_by={{'field': 'ts', 'data_type': '{kind}', 'granularity': '{unit}', 'time_ingestion_partitioning': true,
                          'copy_partitions': {copies}}}) }}}}
select v, ts from unnest([struct<ts {kind}, v string>{rows}])
"""


@pytest.mark.parametrize(
    ("kind", "unit", "moments", "names"),
    [
        ("timestamp", "day", ["2024-01-01 10:20:00", "2024-01-02 10:20:00"], ["20240101", "20240102"]),
        ("timestamp", "hour", ["2024-01-01 10:20:00", "2024-01-01 11:20:00"], ["2024010110", "2024010111"]),
        ("datetime", "month", ["2024-01-15 10:20:00", "2024-02-15 00:00:00"], ["202401", "202402"]),
        ("date", "day", ["2024-01-01", "2024-01-02"], ["20240101", "20240102"]),
        ("date", "year", ["2023-05-01", "2024-05-02"], ["2023", "2024"]),
    ],
)
@pytest.mark.parametrize(("how", "copies"), [("table", "false"), ("incremental", "false"), ("incremental", "true")])
def test_tables_are_partitioned_by_arrival(
    project: Make, how: str, copies: str, kind: str, unit: str, moments: list[str], names: list[str]
) -> None:
    first, second = (f"{kind} '{moment}'" for moment in moments)
    words = {"how": how, "strategy": "insert_overwrite", "key": "none", "kind": kind, "unit": unit, "copies": copies}
    shop = project({"models/m.sql": ARRIVING.format(rows=f"({first}, 'a'), ({second}, 'a')", **words)})
    shop.orc("run")
    made = shop.table("shop.m")
    assert (made.time_partitioning.type_, made.time_partitioning.field) == (unit.upper(), None)
    assert ([f.name for f in made.schema], made.clustering_fields, made.require_partition_filter) == (["v"], ["v"], True)
    shop.write({"models/m.sql": ARRIVING.format(rows=f"({second}, 'b'), ({second}, 'c')", **words)})
    shop.orc("run")
    found = shop.query("select partition_id, total_rows from shop.INFORMATION_SCHEMA.PARTITIONS where table_name = 'm' order by 1")
    assert found == ([(names[0], 1)] if how == "incremental" else []) + [(names[1], 2)]
    rows = shop.query("select v from shop.m where _PARTITIONTIME > timestamp '2000-01-01' order by 1")
    assert rows == ([("a",)] if how == "incremental" else []) + [("b",), ("c",)]
    assert shop.tables() == {"m"}


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [("append", ["01a", "01b", "02a", "02b"]), ("delete+insert", ["01b", "02b"])],
)
def test_a_delta_says_when_its_rows_arrive(project: Make, strategy: str, wanted: list[str]) -> None:
    rows = "(timestamp '2024-01-{}', '{}', {})".format
    text = (
        "{{{{ config(materialized='incremental', incremental_strategy='{}', unique_key='id', partition_by="
        "{{'field': 'ts', 'data_type': 'timestamp', 'time_ingestion_partitioning': true}}) }}}}\n"
        "select * from unnest([struct<ts timestamp, v string, id int64>{}])"
    ).format
    shop = project({"models/m.sql": text(strategy, f"{rows('01', 'a', 1)}, {rows('02', 'a', 2)}")})
    shop.orc("run")
    shop.write({"models/m.sql": text(strategy, f"{rows('02', 'b', 1)}, {rows('01', 'b', 2)}")})
    shop.orc("run")
    found = shop.query("select format_timestamp('%d', _PARTITIONTIME) || v from shop.m order by 1")
    assert [line for (line,) in found] == wanted


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("materialized='incremental', incremental_strategy='merge', unique_key='v'", "`merge` does not go with"),
        ("materialized='table', contract={'enforced': true}", "a table with a contract cannot be partitioned by arrival"),
    ],
)
def test_what_does_not_go_with_arrival_is_refused_by_the_plan(
    project: Make, config: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    by = "partition_by={'field': 'ts', 'data_type': 'timestamp', 'time_ingestion_partitioning': true}"
    shop = project(
        {
            "models/m.sql": f"{{{{ config({config}, {by}) }}}} select current_timestamp() as ts, 1 as v",
            "models/p.yml": "models: [{name: m, columns: [{name: ts, data_type: timestamp}, {name: v, data_type: int64}]}]",
        }
    )
    shop.orc("run", code=2)
    told = capsys.readouterr()
    assert "N340" in told.out + told.err
    assert says in told.out + told.err
    assert not shop.jobs("create or replace table")


def test_a_row_that_never_arrives_is_refused_and_an_error_has_its_place(project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    config = (
        "{{ config(materialized='table', partition_by={'field': 'ts', 'data_type': 'timestamp', 'time_ingestion_partitioning': true}) }}\n"
    )
    shop = project({"models/m.sql": f"{config}select cast(null as timestamp) as ts, 1 as v"})
    assert "`ts` is null: the row belongs to no partition" in shop.orc("run", code=1)["m"]["message"]
    shop.write({"models/m.sql": f"{config}select current_timestamp() as ts,\n  nope as v"})
    capsys.readouterr()
    shop.orc("run", code=1)
    told = capsys.readouterr()
    assert "m.sql:3:3" in told.out + told.err


def test_a_frame_is_partitioned_by_arrival(project: Make) -> None:
    shop = project(
        {
            "models/m.py": """
                import datetime
                import pandas as pd


                def model(dbt, session):
                    dbt.config(materialized="table", partition_by={"field": "day", "time_ingestion_partitioning": True})
                    return pd.DataFrame({"day": [datetime.date(2024, 1, 1)], "v": [1]})
                """
        }
    )
    shop.orc("run")
    assert shop.query("select _PARTITIONDATE, v from shop.m") == [(date(2024, 1, 1), 1)]
    assert shop.tables() == {"m"}


def test_what_a_killed_run_left_at_work_is_ended_before_its_model_is_built(project: Make) -> None:
    from google.api_core import exceptions
    from google.cloud import bigquery

    shop = project({"models/m.sql": "{{ config(materialized='table') }} select 1 as v"})
    shop.orc("run")
    old = "timestamp_sub(current_timestamp(), interval 1 day)"
    shop.query(f"update _orc.leases set run = 'dead-run', heartbeat = {old} where relation like '%m'")
    assert shop.query("select count(*) from _orc.leases where run = 'dead-run'") == [(1,)]
    shop.server.faults.hold("select 666 as v", polls=10_000, times=3)

    def left(run: str, node: str) -> Any:
        config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.shop")
        sql = "create or replace table shop.m__orc_stage as select 666 as v"
        return shop.client.query(sql, config, job_id=job_id(run, node, "x-7", 0), location="EU", job_retry=None)

    mine, living, elsewhere = left("dead-run", "model.shop.m"), left("living-run", "model.shop.m"), left("dead-run", "model.shop.x")
    shop.orc("run")
    assert shop.query("select v from shop.m") == [(1,)]
    states = {job.job_id: shop.client.get_job(job.job_id, location="EU") for job in (mine, living, elsewhere)}
    assert states[mine.job_id].error_result["reason"] == "stopped"
    assert [states[job.job_id].error_result for job in (living, elsewhere)] == [None, None]
    with pytest.raises(exceptions.GoogleAPICallError, match=r"[Cc]ancel|stopped"):
        mine.result()
    cancelled = [r.path for r in shop.server.log if r.path.endswith("/cancel")]
    assert len(cancelled) == 1
    for job in (living, elsewhere):
        shop.client.cancel_job(job.job_id, location="EU")
    shop.server.log.clear()
    shop.orc("run")  # whose lease was returned has left nothing
    assert not [r for r in shop.server.log if r.method == "GET" and r.path.endswith("/jobs")]


def test_unit_tests_compare_columns_of_every_type(project: Make) -> None:
    model = "select id, any_value(seen) as seen, array_agg(x order by x) as xs, struct(sum(x) as n) as s, any_value(doc) as doc from raw group by id"
    test = """
        unit_tests:
          - name: u
            model: m
            given: [{input: ref('raw'), rows: [{id: 1, x: 0.5, seen: 2024-01-01, doc: '{"a": 1}'}, {id: 1, x: 2.5, seen: 2024-01-01, doc: '{"a": 1}'}]}]
            expect: {rows: [{id: 1, seen: 2024-01-01, xs: [0.5, %s], doc: {"a": 1}}]}
        """
    raw = "select 1 as id, 0.5 as x, timestamp '2024-01-01 00:00:00+00' as seen, json '{}' as doc"
    files = {"models/raw.sql": "{{ config(materialized='table') }} " + raw, "models/m.sql": model}
    shop = project({**files, "models/u.yml": test % "2.5"})
    assert shop.orc("build")["m"]["status"] == "success"
    shop.write({"models/u.yml": test % "3.5"})
    assert shop.orc("build", code=1)["m"]["status"] == "error"
