"""Datasets and tables over REST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest


def test_a_dataset_has_its_location_and_labels(cloud: Any) -> None:
    from google.cloud import bigquery

    made = bigquery.Dataset("p.eu")
    made.location, made.labels, made.description = "EU", {"team": "data"}, "ours"
    cloud.client.create_dataset(made)
    found = cloud.client.get_dataset("p.eu")
    assert (found.location, found.labels, found.description) == ("EU", {"team": "data"}, "ours")
    assert [d.dataset_id for d in cloud.client.list_datasets()] == ["d", "eu"]


def test_a_dataset_that_is_there_is_a_conflict(cloud: Any) -> None:
    from google.api_core.exceptions import Conflict

    with pytest.raises(Conflict, match="Already Exists: Dataset p:d"):
        cloud.client.create_dataset("d")
    assert cloud.client.create_dataset("d", exists_ok=True).dataset_id == "d"


def test_labels_of_a_dataset_are_merged_and_taken_away(cloud: Any) -> None:
    found = cloud.client.get_dataset("d")
    found.labels = {"a": "1", "b": "2"}
    found = cloud.client.update_dataset(found, ["labels"])
    found.labels = {"a": None}
    assert cloud.client.update_dataset(found, ["labels"]).labels == {"b": "2"}


def test_a_dataset_in_use_is_deleted_with_its_contents_only(cloud: Any) -> None:
    from google.api_core.exceptions import BadRequest, NotFound

    cloud.run("create table d.t (x int64)")
    with pytest.raises(BadRequest, match="Dataset p:d is still in use"):
        cloud.client.delete_dataset("d")
    cloud.client.delete_dataset("d", delete_contents=True)
    with pytest.raises(NotFound, match="Not found: Dataset p:d"):
        cloud.client.get_dataset("d")


def test_names_of_datasets_are_plain(cloud: Any) -> None:
    from google.api_core.exceptions import BadRequest

    with pytest.raises(BadRequest, match="Invalid dataset ID"):
        cloud.client.create_dataset("no-dashes")


def test_a_table_keeps_all_that_is_said_about_it(cloud: Any) -> None:
    from google.cloud import bigquery

    made = bigquery.Table(
        "p.d.t",
        schema=[
            bigquery.SchemaField("id", "INT64", mode="REQUIRED", description="key"),
            bigquery.SchemaField("d", "DATE", policy_tags=bigquery.PolicyTagList(["projects/p/locations/us/taxonomies/1/policyTags/2"])),
            bigquery.SchemaField("s", "RECORD", mode="REPEATED", fields=[bigquery.SchemaField("x", "FLOAT64")]),
        ],
    )
    made.time_partitioning = bigquery.TimePartitioning(field="d", type_="MONTH", expiration_ms=86_400_000)
    made.clustering_fields, made.require_partition_filter = ["id"], True
    made.labels, made.description, made.expires = {"a": "b"}, "all", datetime(2999, 1, 1, tzinfo=UTC)
    made.encryption_configuration = bigquery.EncryptionConfiguration("projects/p/locations/us/keyRings/r/cryptoKeys/k")
    cloud.client.create_table(made)
    found = cloud.table("t")
    assert [(f.name, f.field_type, f.mode, f.description) for f in found.schema] == [
        ("id", "INTEGER", "REQUIRED", "key"),
        ("d", "DATE", "NULLABLE", None),
        ("s", "RECORD", "REPEATED", None),
    ]
    assert found.schema[1].policy_tags.names == ("projects/p/locations/us/taxonomies/1/policyTags/2",)
    assert (found.time_partitioning.field, found.time_partitioning.type_, found.time_partitioning.expiration_ms) == (
        "d",
        "MONTH",
        86_400_000,
    )
    assert (found.clustering_fields, found.require_partition_filter, found.labels, found.description) == (["id"], True, {"a": "b"}, "all")
    assert found.expires == datetime(2999, 1, 1, tzinfo=UTC)
    assert found.encryption_configuration.kms_key_name.endswith("cryptoKeys/k")
    assert (found.num_rows, found.num_bytes, found.table_type) == (0, 0, "TABLE")
    assert found.created is not None
    assert found.modified is not None


def test_a_specification_names_columns_that_are_there(cloud: Any) -> None:
    from google.api_core.exceptions import BadRequest
    from google.cloud import bigquery

    made = bigquery.Table("p.d.t", schema=[bigquery.SchemaField("x", "INT64")])
    made.time_partitioning = bigquery.TimePartitioning(field="d")
    with pytest.raises(BadRequest, match="cannot be found in the schema"):
        cloud.client.create_table(made)


def test_a_table_that_is_missing_is_not_found(cloud: Any) -> None:
    from google.api_core.exceptions import NotFound

    with pytest.raises(NotFound, match=r"Not found: Table p:d\.nope"):
        cloud.table("nope")


def test_an_old_etag_changes_nothing(cloud: Any) -> None:
    from google.api_core.exceptions import PreconditionFailed

    cloud.run("create table d.t (x int64)")
    old = cloud.table("t")
    fresh = cloud.table("t")
    fresh.description = "new"
    cloud.client.update_table(fresh, ["description"])
    old.description = "late"
    with pytest.raises(PreconditionFailed):
        cloud.client.update_table(old, ["description"])
    assert cloud.table("t").description == "new"


def test_a_schema_is_widened_and_relaxed_but_not_narrowed(cloud: Any) -> None:
    from google.api_core.exceptions import BadRequest
    from google.cloud import bigquery

    cloud.run("create table d.t (x int64 not null); insert d.t values (1)")
    table = cloud.table("t")
    table.schema = [bigquery.SchemaField("x", "INT64"), bigquery.SchemaField("y", "STRING", mode="REPEATED")]
    cloud.client.update_table(table, ["schema"])
    assert cloud.rows("select * from d.t") == [(1, [])]
    table = cloud.table("t")
    table.schema = [bigquery.SchemaField("x", "STRING"), bigquery.SchemaField("y", "STRING", mode="REPEATED")]
    with pytest.raises(BadRequest, match="Field x has changed type from INTEGER to STRING"):
        cloud.client.update_table(table, ["schema"])
    table.schema = [bigquery.SchemaField("y", "STRING", mode="REPEATED")]
    with pytest.raises(BadRequest, match="Field x is missing in new schema"):
        cloud.client.update_table(table, ["schema"])


def test_a_view_over_rest_has_the_columns_of_its_query(cloud: Any) -> None:
    from google.cloud import bigquery

    view = bigquery.Table("p.d.v")
    view.view_query = "select 1 as a, 'x' as b"
    cloud.client.create_table(view)
    found = cloud.table("v")
    assert (found.table_type, found.view_query, [f.name for f in found.schema]) == ("VIEW", "select 1 as a, 'x' as b", ["a", "b"])


def test_tables_are_listed_page_by_page(cloud: Any) -> None:
    cloud.run("create table d.a (x int64); create view d.b as select 1 as x; create table d.c (x int64)")
    listed = cloud.client.list_tables("d", page_size=2)
    assert [(t.table_id, t.table_type) for t in listed] == [("a", "TABLE"), ("b", "VIEW"), ("c", "TABLE")]
    assert sum(str(r).startswith("GET /bigquery/v2/projects/p/datasets/d/tables ") for r in cloud.server.log) == 2


def test_policies_of_a_table(cloud: Any) -> None:
    cloud.run("create table d.t (x int64)")
    policy = cloud.client.get_iam_policy("p.d.t")
    policy.bindings.append({"role": "roles/bigquery.dataViewer", "members": {"user:ann@example.com"}})
    cloud.client.set_iam_policy("p.d.t", policy)
    assert cloud.client.get_iam_policy("p.d.t").bindings == [{"role": "roles/bigquery.dataViewer", "members": {"user:ann@example.com"}}]


def test_grants_of_sql_are_seen_in_the_policy(cloud: Any) -> None:
    cloud.run("create table d.t (x int64)")
    cloud.run('grant `roles/bigquery.dataViewer` on table d.t to "user:ann@example.com", "user:bob@example.com"')
    cloud.run('revoke `roles/bigquery.dataViewer` on table d.t from "user:bob@example.com"')
    assert cloud.client.get_iam_policy("p.d.t").bindings == [{"role": "roles/bigquery.dataViewer", "members": {"user:ann@example.com"}}]


def test_rows_are_listed_without_a_query(cloud: Any) -> None:
    cloud.run("create table d.t as select x, x * 2 as y from unnest(generate_array(1, 5)) as x")
    rows = cloud.client.list_rows(cloud.table("t"), start_index=1, max_results=3, page_size=2)
    assert sorted(tuple(r.values()) for r in rows) == [(2, 4), (3, 6), (4, 8)]
    only = cloud.client.list_rows(cloud.table("t"), selected_fields=[cloud.table("t").schema[1]])
    assert sorted(tuple(r.values()) for r in only) == [(2,), (4,), (6,), (8,), (10,)]


def test_what_the_server_does_not_do_it_says(cloud: Any) -> None:
    from google.api_core.exceptions import MethodNotImplemented

    cloud.run("create table d.t (x int64)")
    with pytest.raises(MethodNotImplemented, match="The BigQuery fake does not do this"):
        cloud.client.insert_rows_json("p.d.t", [{"x": 1}])


def test_a_dataset_whose_name_begins_so_is_hidden(cloud: Any) -> None:
    cloud.run("create schema _orc")
    cloud.run("create table _orc.t as select 1 as x")
    assert [d.dataset_id for d in cloud.client.list_datasets()] == ["d"]
    assert [d.dataset_id for d in cloud.client.list_datasets(include_all=True)] == ["_orc", "d"]
    assert [t.table_id for t in cloud.client.list_tables("_orc")] == ["t"]
    assert cloud.rows("select x from _orc.t") == [(1,)]
    assert cloud.rows("select table_name from _orc.INFORMATION_SCHEMA.TABLES") == []
    assert cloud.rows("select schema_name from INFORMATION_SCHEMA.SCHEMATA") == [("d",)]
