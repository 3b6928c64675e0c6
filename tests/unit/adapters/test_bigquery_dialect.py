"""What the BigQuery dialect says, word for word where a word matters."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters.bigquery import jobs
from orchestrator.adapters.bigquery.dialect import DUPLICATE, BigQueryDialect
from orchestrator.adapters.bigquery.layout import layout, of_table
from orchestrator.core.errors import PlanError
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Existing, Published

SAY = BigQueryDialect()
T = Relation("p", "d", "t")
DAY = {"partition_by": {"field": "day", "data_type": "date"}, "cluster_by": ["id"]}


# layouts


@pytest.mark.parametrize(
    ("config", "clause"),
    [
        ({"field": "d"}, "`d`"),
        ({"field": "d", "granularity": "month"}, "date_trunc(`d`, month)"),
        ({"field": "d", "data_type": "timestamp"}, "timestamp_trunc(`d`, day)"),
        ({"field": "d", "data_type": "datetime", "granularity": "hour"}, "datetime_trunc(`d`, hour)"),
        (
            {"field": "d", "data_type": "int64", "range": {"start": 0, "end": 100, "interval": 10}},
            "range_bucket(`d`, generate_array(0, 100, 10))",
        ),
    ],
)
def test_partitions_are_said_as_their_type_wants(config: dict[str, Any], clause: str) -> None:
    assert layout({"partition_by": config}).clauses() == f"\npartition by {clause}"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"partition_by": {"feild": "d"}}, "`feild` is not a key"),
        ({"partition_by": {"granularity": "day"}}, "needs `field`"),
        ({"partition_by": ["a", "b"]}, "is a mapping or a column"),
        ({"partition_by": {"field": "d", "data_type": "string"}}, "data_type `string`"),
        ({"partition_by": {"field": "d", "granularity": "hour"}}, "cannot be partitioned by `hour`"),
        ({"partition_by": {"field": "d", "data_type": "int64"}}, "needs `range`"),
        ({"partition_by": {"field": "d", "data_type": "int64", "range": {"start": 5, "end": 5, "interval": 1}}}, "no partitions"),
        (
            {"partition_by": {"field": "d", "data_type": "int64", "time_ingestion_partitioning": True}},
            "an int64 cannot be the moment at which a row arrives",
        ),
        ({"cluster_by": ["a", "b", "c", "d", "e"]}, "BigQuery allows 4"),
        ({"cluster_by": {"a": 1}}, "names columns"),
        ({"labels": {"Team": "x"}}, "cannot stand in a label"),
        ({"labels": "x"}, "is a mapping"),
        ({"kms_key_name": "key"}, "full name"),
    ],
)
def test_what_has_the_wrong_shape_is_refused_with_a_hint(config: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says) as refused:
        SAY.create_table(T, "select 1", config)
    assert refused.value.first.code == "N340"
    assert refused.value.first.hint


@pytest.mark.parametrize(
    ("config", "resource"),
    [
        (DAY, {"timePartitioning": {"type": "DAY", "field": "DAY"}, "clustering": {"fields": ["ID"]}}),
        (
            {"partition_by": {"field": "n", "data_type": "int64", "range": {"start": 0, "end": 9, "interval": 3}}},
            {"rangePartitioning": {"field": "n", "range": {"start": "0", "end": "9", "interval": "3"}}},
        ),
        ({}, {}),
    ],
)
def test_a_table_has_the_layout_that_it_was_made_with(config: dict[str, Any], resource: dict[str, Any]) -> None:
    assert layout(config).words == of_table(resource).words


# publishing


def test_a_first_version_gets_its_name_by_a_rename() -> None:
    assert SAY.swap(T.stage, T, None) == ("alter table `p`.`d`.`t__orc_stage` rename to `t`",)


def test_a_table_of_the_same_layout_is_replaced_by_a_copy_job() -> None:
    copy, drop = SAY.swap(T.stage, T, Existing(T, "table", layout=layout(DAY).words), DAY)
    assert copy == "-- job: copy (write_truncate)\n`p`.`d`.`t__orc_stage` → `p`.`d`.`t`"
    assert drop == "drop table if exists `p`.`d`.`t__orc_stage`"


@pytest.mark.parametrize("existing", [Existing(T, "table"), Existing(T, "view"), Existing(T, "table", layout="by day of other")])
def test_anything_else_makes_room_in_the_script_that_renames(existing: Existing) -> None:
    inherit, script = SAY.swap(T.stage, T, existing, DAY)
    assert inherit == "-- job: inherit access\n`p`.`d`.`t` → `p`.`d`.`t__orc_stage`"
    assert script == f"drop {existing.kind} if exists `p`.`d`.`t`;\nalter table `p`.`d`.`t__orc_stage` rename to `t`"


def test_what_would_hide_rows_from_checks_is_set_at_the_publish_only() -> None:
    config = {**DAY, "require_partition_filter": True, "partition_expiration_days": 7, "labels": {"team": "x"}}
    assert "options (labels=[('team', 'x')]) as\nselect 1" in SAY.create_table(T.stage, "select 1", config)
    last = SAY.swap(T.stage, T, None, config)[-1]
    assert last == (
        "alter table `p`.`d`.`t` set options (labels=[('team', 'x')], require_partition_filter=true, partition_expiration_days=7)"
    )


def test_the_ledger_is_only_ever_added_to() -> None:
    row = Published("n", "p.d.t", "f", "r", "2026", 1)
    for known in (True, False):
        (insert,) = SAY.ledger_write(row, known=known)
        assert insert.startswith("insert into `_orc`.`ledger`")
    assert SAY.ledger_read("n").endswith("order by `at` desc limit 1")
    assert "qualify row_number() over (partition by `node` order by `at` desc) = 1" in SAY.ledger_rows()


def test_a_dataset_s_name_is_checked_before_it_is_created() -> None:
    assert SAY.create_schema(T).startswith("create schema if not exists `p`.`d`")
    with pytest.raises(PlanError) as refused:
        SAY.create_schema(Relation("p", "my-data", "t"))
    assert refused.value.first.code == "N341"


# deltas


def test_a_merge_refuses_a_key_that_is_there_twice_first() -> None:
    check, merge = SAY.apply_delta("merge", T.stage, T, ["id", "v"], ["id"], {})
    assert check.startswith("assert not exists (select 1 from `p`.`d`.`t__orc_stage` group by `id` having count(*) > 1)")
    assert DUPLICATE in check
    assert "is null and" in merge


def test_partitions_are_found_before_they_are_deleted() -> None:
    delete, insert = SAY.apply_delta("insert_overwrite", T.stage, T, ["id", "day"], [], DAY)
    assert delete.startswith("declare orc_partitions array<date> default (select array_agg(distinct `day` ignore nulls)")
    assert delete.endswith("where `day` in unnest(orc_partitions) or (orc_without and `day` is null)")
    assert insert.startswith("insert into `p`.`d`.`t`")


def test_partitions_that_are_listed_are_deleted_as_listed() -> None:
    delete, _ = SAY.apply_delta("insert_overwrite", T.stage, T, ["day"], [], {**DAY, "partitions": ["date '2024-01-01'"]})
    assert delete == "delete from `p`.`d`.`t`\nwhere `day` in (date '2024-01-01')"


def test_partitions_may_be_copied() -> None:
    by = {"field": "day", "copy_partitions": True}
    (copy,) = SAY.apply_delta("insert_overwrite", T.stage, T, ["day"], [], {"partition_by": by})
    assert jobs.parsed(copy) == jobs.Copy(T.stage, T, partitions=True)


def test_overwriting_without_partitions_is_refused() -> None:
    with pytest.raises(PlanError) as refused:
        SAY.apply_delta("insert_overwrite", T.stage, T, ["day"], [], {})
    assert refused.value.first.code == "N342"


# jobs as text


@pytest.mark.parametrize(
    "job",
    [
        jobs.Copy(T.stage, T),
        jobs.Copy(Relation("my-project", "d", "a`b\\c → `x`"), T, partitions=True),
        jobs.Copy(T.stage, T, key="projects/p/locations/eu/keyRings/r/cryptoKeys/k"),
        jobs.Inherit(T, Relation(None, "d", "ü")),
        jobs.Describe(T, "it's\n`all`", {"a": "ä"}, {"a": ("tag",)}),
        jobs.Describe(T, None, {"a": "b"}),
        jobs.Grant(T, {"roles/x": ("user:a@b", "group:c@d")}),
    ],
)
def test_a_job_survives_being_text(job: jobs.Job) -> None:
    assert jobs.parsed(jobs.text(job)) == job
    assert jobs.parsed(f'/* {{"app":\n "orc"}} */\n{jobs.text(job)}') == jobs.parsed(f"{jobs.text(job)}\n/* orc */") == job


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "-- job: copy (write_truncate)\nselect 1",
        "-- job: copy (write_append)\n`a` → `b`",
        "-- job: copy (write_truncate)\n`a` → `b`\nselect 1",
        "-- job: describe\n`a` {not json}",
        " -- job: copy (write_truncate)\n`a` → `b`",
    ],
)
def test_nothing_else_is_a_job(sql: str) -> None:
    assert jobs.parsed(sql) is None


def test_ids_tell_attempts_apart_and_nothing_else() -> None:
    one = jobs.job_id("run", "model.a.b", "x-1", 0)
    assert one == jobs.job_id("run", "model.a.b", "x-1", 0)
    assert (
        len(
            {
                one,
                *(jobs.job_id(*w) for w in (("run", "model.a.b", "x-1", 1), ("run", "model.a.b", "x-2", 0), ("r2", "model.a.b", "x-1", 0))),
            }
        )
        == 4
    )


def test_grants_know_the_words_of_sql() -> None:
    (text,) = SAY.grants(T, {"select": "group:a@b", "roles/bigquery.dataViewer": ["user:c@d"]})
    assert jobs.parsed(text) == jobs.Grant(T, {"roles/bigquery.dataViewer": ("group:a@b", "user:c@d")})
    for wrong in ({"read": "user:a@b"}, {"select": "a@b"}):
        with pytest.raises(PlanError):
            SAY.grants(T, wrong)
